//! `DonationReceived`: money was received.

use std::borrow::Cow;

use crate::fields::{id, integer, optional_id};
use crate::json::{Checked, Value};
use crate::named::{Named, members};

use super::key_id;

members! {
    /// The members of the payload.
    pub(crate) enum DonationMember {
        RequestId = "requestId",
        SenderId = "senderId",
        ReceiverId = "receiverId",
        Amount = "amount",
        Reverses = "reverses",
    }
}

/// Money was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DonationPayload<'a> {
    /// The sender's id of the request.
    pub request_id: Cow<'a, str>,
    /// Who gave.
    pub sender_id: Cow<'a, str>,
    /// Who received.
    pub receiver_id: Cow<'a, str>,
    /// How much, at least 1.
    pub amount: i64,
    /// The request of the same sender that this one reverses.
    pub reverses: Option<Cow<'a, str>>,
}

pub(super) fn check<'a>(
    values: &[Value<'a>; DonationMember::NAMES.len()],
    aggregate_id: &str,
) -> Checked<DonationPayload<'a>> {
    use DonationMember as Member;

    let [request, sender, receiver, amount, reverses] = *values;
    let receiver_id = Member::ReceiverId.at(key_id(receiver, aggregate_id))?;
    Ok(DonationPayload {
        request_id: Member::RequestId.at(id(request))?,
        sender_id: Member::SenderId.at(id(sender))?,
        receiver_id,
        amount: Member::Amount.at(integer(amount, 1..=i64::MAX, "an integer from 1 to 2^63-1"))?,
        reverses: Member::Reverses.at(optional_id(reverses))?,
    })
}

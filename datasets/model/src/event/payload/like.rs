//! `LikeToggled`: an account likes, or no longer likes, a character.

use std::borrow::Cow;

use crate::document::{Findings, Found};
use crate::fields::{id, invalid, optional_bool};
use crate::json::{Checked, Cursor, Value, fault};
use crate::named::{Named, members};
use crate::reason::Reason;

use super::key_id;

members! {
    /// The members of the payload.
    pub(crate) enum LikeMember {
        LikerAccountId = "likerAccountId",
        TargetOcid = "targetOcid",
        Liked = "liked",
        OwnOcids = "ownOcids",
    }
}

/// An account likes, or no longer likes, a character that is not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LikePayload<'a> {
    /// Who likes.
    pub liker_account_id: Cow<'a, str>,
    /// The character.
    pub target_ocid: Cow<'a, str>,
    /// The state that is wanted; `None` turns round what is.
    pub liked: Option<bool>,
}

const OWN_OCIDS: &str = "a list of ocids";

#[inline]
pub(super) fn check<'a>(
    values: &[Value<'a>; LikeMember::NAMES.len()],
    cursor: &Cursor<'a>,
    aggregate_id: &str,
) -> Checked<LikePayload<'a>> {
    use LikeMember as Member;

    let [liker, target, liked, own] = *values;
    let target_ocid = Member::TargetOcid.at(key_id(target, aggregate_id))?;
    let payload = LikePayload {
        liker_account_id: Member::LikerAccountId.at(id(liker))?,
        target_ocid,
        liked: Member::Liked.at(optional_bool(liked))?,
    };
    let is_own = match own {
        Value::Absent | Value::Null => false,
        Value::List(list) => {
            let found = read_own(&mut cursor.back_to(list), &payload.target_ocid);
            Member::OwnOcids.at(found.and_then(Found::into_result))?
        }
        _ => return Member::OwnOcids.at(Err(invalid(OWN_OCIDS))),
    };
    if is_own {
        let self_like = fault(Reason::SelfLike, "a character that is not the liker's own");
        return Member::TargetOcid.at(Err(self_like));
    }
    Ok(payload)
}

/// Reads the list of ocids here: whether `target` is among them.
fn read_own(cursor: &mut Cursor<'_>, target: &str) -> Checked<Found<bool>> {
    let mut findings = Findings::default();
    let mut is_own = false;
    cursor.enter_list()?;
    let mut index = 0;
    while cursor.next_element(index == 0)? {
        let value = cursor
            .plain_value()
            .map_err(|fault| fault.at_index(index))?;
        match id(value) {
            Ok(own) => is_own |= own == target,
            Err(_) => {
                findings.inner(Findings::of(invalid("an ocid")), |fault| {
                    fault.at_index(index)
                });
            }
        }
        index += 1;
    }
    Ok(findings.with(is_own))
}

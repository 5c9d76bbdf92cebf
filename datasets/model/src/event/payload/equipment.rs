//! `EquipmentUpdated`: a character's equipment changed, or was seen again.

use std::borrow::Cow;

use crate::document::{Found, read_compact, read_document};
use crate::fields::{hash, id, invalid};
use crate::json::{Checked, Cursor, Value};
use crate::named::{Named, members};
use crate::snapshot::Builder;

use super::{check_form as check_form_of, key_id};

members! {
    /// The members of the payload.
    pub(crate) enum EquipmentMember {
        Ocid = "ocid",
        Hash = "equipmentHash",
        Equipment = "equipment",
        Snapshot = "snapshot",
    }
}

/// A character's equipment changed, or was seen again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquipmentPayload<'a> {
    /// The character.
    pub ocid: Cow<'a, str>,
    /// The hash of its document, opaque: for one ocid an equal hash means an equal document.
    pub hash: Cow<'a, str>,
    /// The equipment that came with it.
    pub equipment: Equipment,
}

/// The equipment of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Equipment {
    /// None: the hash confirms what is known.
    Confirmation,
    /// A document whose hash is current: it was skipped.
    Skipped,
    /// A snapshot, read from a document or from the compact form, as
    /// [`snapshot::binary`](crate::snapshot::binary).
    Snapshot(Box<[u8]>),
}

pub(super) fn check<'a>(
    values: &[Value<'a>; EquipmentMember::NAMES.len()],
    cursor: &Cursor<'a>,
    aggregate_id: &str,
    is_current: &impl Fn(&str, &str) -> bool,
) -> Checked<EquipmentPayload<'a>> {
    use EquipmentMember as Member;

    let [ocid, document_hash, document, snapshot] = *values;
    let ocid = Member::Ocid.at(key_id(ocid, aggregate_id))?;
    let hash = Member::Hash.at(hash(document_hash))?;
    let equipment = match (document, snapshot) {
        (document, snapshot) if document.is_none() && snapshot.is_none() => Equipment::Confirmation,
        (Value::Object(range), snapshot) if snapshot.is_none() => {
            if is_current(&ocid, &hash) {
                Equipment::Skipped
            } else {
                let found = read(cursor.back_to(range), read_document);
                Equipment::Snapshot(Member::Equipment.at(found.and_then(Found::into_result))?)
            }
        }
        (document, Value::Object(range)) if document.is_none() => {
            let found = read(cursor.back_to(range), read_compact);
            Equipment::Snapshot(Member::Snapshot.at(found.and_then(Found::into_result))?)
        }
        (_, snapshot) if snapshot.is_none() => {
            return Member::Equipment.at(Err(invalid("a document: an object")));
        }
        (document, _) if document.is_none() => {
            return Member::Snapshot.at(Err(invalid("a snapshot: an object")));
        }
        _ => return Member::Snapshot.at(Err(invalid("equipment or snapshot, not both"))),
    };
    Ok(EquipmentPayload {
        ocid,
        hash,
        equipment,
    })
}

/// Reads a document or its compact form into the binary form.
fn read<'a>(
    mut cursor: Cursor<'a>,
    read: impl FnOnce(&mut Cursor<'a>, &mut Builder) -> Checked<Found<Cow<'a, str>>>,
) -> Checked<Found<Box<[u8]>>> {
    let mut builder = Builder::default();
    let found = read(&mut cursor, &mut builder)?;
    Ok(found.map(|class| builder.finish(&class).into_boxed_slice()))
}

#[cold]
pub(super) fn check_form<'a>(
    values: &[Value<'a>; EquipmentMember::NAMES.len()],
    cursor: &Cursor<'a>,
    is_current: &impl Fn(&str, &str) -> bool,
) -> Checked<()> {
    use EquipmentMember as Member;

    let [ocid, document_hash, document, snapshot] = *values;
    Member::Ocid.at(check_form_of(cursor, ocid))?;
    Member::Hash.at(check_form_of(cursor, document_hash))?;
    match document {
        Value::Object(range) => {
            let is_skipped = match (id(ocid), hash(document_hash)) {
                (Ok(ocid), Ok(hash)) => is_current(&ocid, &hash),
                _ => false,
            };
            if !is_skipped {
                Member::Equipment.at(read(cursor.back_to(range), read_document).map(drop))?;
            }
        }
        other => Member::Equipment.at(check_form_of(cursor, other))?,
    }
    match snapshot {
        Value::Object(range) => {
            Member::Snapshot.at(read(cursor.back_to(range), read_compact).map(drop))
        }
        other => Member::Snapshot.at(check_form_of(cursor, other)),
    }
}

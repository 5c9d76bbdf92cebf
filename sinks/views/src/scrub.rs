//! What a scrub compares: a region of a store, and what its values should be; pure functions.

use std::collections::BinaryHeap;

use model::Epoch;
use model::view::{Kind, Stamped, ViewKey};

use crate::store::Cursor;

/// In which order a store lists its keys: by kind, and within it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOrder {
    /// by bucket.
    ByBucket,
    /// by id, in the order of its bytes.
    ById,
}

/// A stretch of a listing; it lies within one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it starts; `None`: at the first key of all.
    pub from: Option<Cursor>,
    /// Where the next one starts; `None`: it reaches to the last key of all.
    pub until: Option<Cursor>,
}

impl Region {
    /// The region from `from` on that holds about `size` of the keys.
    ///
    /// - `ids`: the ids of all keys of the kind that `from` names ([`kind_at`]), in any order;
    ///   `count` of them.
    #[must_use]
    pub fn next<'a>(
        order: ListOrder,
        from: Option<Cursor>,
        ids: impl Iterator<Item = &'a str>,
        count: usize,
        size: usize,
    ) -> Self {
        let kind = kind_at(from.as_ref());
        let until = match order {
            ListOrder::ByBucket => {
                let first = match &from {
                    Some(Cursor::Bucket(_, bucket)) => *bucket,
                    Some(Cursor::After(key)) => key.bucket(),
                    None => 0,
                };
                // Buckets are filled evenly: ids are spread by a digest.
                let share = u64::from(kind.buckets()) * size as u64 / count.max(1) as u64;
                let step = u32::try_from(share).unwrap_or(u32::MAX).max(1);
                let end = first.saturating_add(step);
                if end < kind.buckets() {
                    Some(Cursor::Bucket(kind, end))
                } else {
                    next_kind(kind).map(|kind| Cursor::Bucket(kind, 0))
                }
            }
            ListOrder::ById => {
                let after = match &from {
                    Some(Cursor::After(key)) => &*key.id,
                    Some(Cursor::Bucket(..)) | None => "",
                };
                match last_of_least(ids.filter(|id| *id > after), size.max(1)) {
                    Some(last) => Some(Cursor::After(ViewKey {
                        kind,
                        id: last.into(),
                    })),
                    None => next_kind(kind).map(|kind| {
                        Cursor::After(ViewKey {
                            kind,
                            id: "".into(),
                        })
                    }),
                }
            }
        };
        Self { from, until }
    }

    /// What its keys are about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        kind_at(self.from.as_ref())
    }

    /// Whether `key` lies in it.
    #[must_use]
    pub fn contains(&self, key: &ViewKey) -> bool {
        key.kind == self.kind() && self.contains_id(&key.id)
    }

    /// Whether the key of its kind with this id lies in it.
    #[must_use]
    pub fn contains_id(&self, id: &str) -> bool {
        let own = self.kind();
        let is_before = |cursor: &Cursor| match cursor {
            Cursor::Bucket(kind, _) if *kind != own => own < *kind,
            Cursor::Bucket(_, bucket) => own.bucket_of(id) < *bucket,
            Cursor::After(last) => (own, id) <= (last.kind, &last.id),
        };
        !self.from.as_ref().is_some_and(is_before) && self.until.as_ref().is_none_or(is_before)
    }

    /// Whether a listing that goes on at `next` has all of it.
    #[must_use]
    pub fn is_listed_by(&self, next: Option<&Cursor>) -> bool {
        match (next, &self.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(Cursor::Bucket(kind, bucket)), Some(Cursor::Bucket(until_kind, until))) => {
                (kind, bucket) >= (until_kind, until)
            }
            (Some(Cursor::After(key)), Some(Cursor::After(until))) => key >= until,
            // One store has one form of cursors.
            (Some(next), Some(until)) => kind_at(Some(next)) > kind_at(Some(until)),
        }
    }
}

/// The kind that a listing from `cursor` on begins with.
#[must_use]
pub fn kind_at(cursor: Option<&Cursor>) -> Kind {
    match cursor {
        None => Kind::ALL[0],
        Some(Cursor::Bucket(kind, _)) => *kind,
        Some(Cursor::After(key)) => key.kind,
    }
}

fn next_kind(kind: Kind) -> Option<Kind> {
    Kind::ALL
        .into_iter()
        .skip_while(|other| *other != kind)
        .nth(1)
}

/// The last of the `size` least ids, if there are more than that.
fn last_of_least<'a>(ids: impl Iterator<Item = &'a str>, size: usize) -> Option<&'a str> {
    let mut least = BinaryHeap::with_capacity(size + 1);
    for id in ids {
        if least.len() <= size {
            least.push(id);
        } else if least.peek().is_some_and(|last| id < *last) {
            least.pop();
            least.push(id);
        }
    }
    if least.len() <= size {
        return None;
    }
    least.pop();
    least.pop()
}

/// 128 bits of the BLAKE3 hash of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PayloadHash(pub u128);

impl PayloadHash {
    /// The hash of `payload`.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        let mut head = [0; 16];
        head.copy_from_slice(&blake3::hash(payload).as_bytes()[..16]);
        Self(u128::from_be_bytes(head))
    }
}

impl std::fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Damage {
    /// There is none.
    Missing,
    /// It says something else, or is in no form that a writer writes.
    Altered,
    /// It is stamped with an epoch at which it did not change.
    Stamp,
    /// There should be none.
    Extra,
    /// It is in the bucket of other ids.
    Stray,
}

impl Damage {
    /// All kinds of damage.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Altered,
        Self::Stamp,
        Self::Extra,
        Self::Stray,
    ];

    /// The name in logs, metrics and the log of findings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Altered => "altered",
            Self::Stamp => "stamp",
            Self::Extra => "extra",
            Self::Stray => "stray",
        }
    }
}

/// What is wrong with the stored bytes `held` where the payload should be `wanted`, which did not change
/// after the epoch `by`.
#[must_use]
pub fn damage(held: Option<&[u8]>, wanted: Option<PayloadHash>, by: Epoch) -> Option<Damage> {
    let (held, wanted) = match (held, wanted) {
        (None, None) => return None,
        (None, Some(_)) => return Some(Damage::Missing),
        (Some(_), None) => return Some(Damage::Extra),
        (Some(held), Some(wanted)) => (held, wanted),
    };
    match Stamped::parse(held) {
        Ok(stamped) if PayloadHash::of(stamped.payload) == wanted => {
            let is_canonical = stamped.to_bytes() == held;
            match () {
                () if !is_canonical => Some(Damage::Altered),
                () if stamped.changed_at > by => Some(Damage::Stamp),
                () => None,
            }
        }
        Ok(_) | Err(_) => Some(Damage::Altered),
    }
}

/// The hash of the payload in stored bytes, or of all of them where they have no form.
#[must_use]
pub fn hash_of_stored(held: &[u8]) -> PayloadHash {
    PayloadHash::of(Stamped::parse(held).map_or(held, |stamped| stamped.payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind, id: &str) -> ViewKey {
        ViewKey {
            kind,
            id: id.into(),
        }
    }

    /// Regions from the first key to the last, over `ids` of each kind.
    fn regions(order: ListOrder, ids: &[String], size: usize) -> Vec<Region> {
        let mut all: Vec<Region> = Vec::new();
        loop {
            let from = match all.last() {
                None => None,
                Some(last) if last.until.is_none() => return all,
                Some(last) => last.until.clone(),
            };
            let of_kind = ids.iter().map(String::as_str);
            all.push(Region::next(order, from, of_kind, ids.len(), size));
        }
    }

    #[test]
    fn each_key_lies_in_exactly_one_region_of_a_pass() {
        let ids: Vec<String> = (0..1_000).map(|number| format!("id{number}")).collect();
        for order in [ListOrder::ByBucket, ListOrder::ById] {
            for size in [1, 7, 300, 5_000] {
                let all = regions(order, &ids, size);
                for (kind, id) in Kind::ALL
                    .iter()
                    .flat_map(|kind| ids.iter().map(move |id| (*kind, id)))
                    .chain([(Kind::Likes, &"~".to_owned())])
                    .step_by(37)
                {
                    let key = key(kind, id);
                    let within = all.iter().filter(|region| region.contains(&key)).count();
                    assert_eq!(within, 1, "{order:?} {size} {key:?}");
                }
            }
        }
    }

    #[test]
    fn a_region_holds_about_as_many_keys_as_wanted() {
        let ids: Vec<String> = (0..2_000).map(|number| format!("id{number}")).collect();
        let by_id = Region::next(
            ListOrder::ById,
            Some(Cursor::After(key(Kind::Likes, "id1"))),
            ids.iter().map(String::as_str),
            ids.len(),
            50,
        );
        let by_bucket = Region::next(
            ListOrder::ByBucket,
            Some(Cursor::Bucket(Kind::Character, 400)),
            ids.iter().map(String::as_str),
            ids.len(),
            500,
        );
        let within = |region: &Region, kind| {
            ids.iter()
                .filter(|id| region.contains(&key(kind, id)))
                .count()
        };
        assert_eq!(within(&by_id, Kind::Likes), 50);
        assert_eq!(within(&by_id, Kind::Character), 0);
        let held = within(&by_bucket, Kind::Character);
        assert!((400..600).contains(&held), "{held}");
    }

    #[test]
    fn a_listing_has_a_region_when_it_goes_on_behind_it() {
        let region = Region {
            from: None,
            until: Some(Cursor::Bucket(Kind::Character, 9)),
        };
        let at = |kind, bucket| Some(Cursor::Bucket(kind, bucket));
        assert!(!region.is_listed_by(at(Kind::Character, 8).as_ref()));
        assert!(region.is_listed_by(at(Kind::Character, 9).as_ref()));
        assert!(region.is_listed_by(at(Kind::Likes, 0).as_ref()));
        assert!(region.is_listed_by(None));
    }

    #[test]
    fn each_damage_has_its_name() {
        let wanted = Some(PayloadHash::of(b"7"));
        let by = Epoch(20);
        let of = |held: &[u8]| damage(Some(held), wanted, by);

        assert_eq!(of(b"20 7"), None);
        assert_eq!(of(b"3 7"), None);
        assert_eq!(of(b"21 7"), Some(Damage::Stamp));
        assert_eq!(of(b"3 8"), Some(Damage::Altered));
        assert_eq!(of(b"7"), Some(Damage::Altered));
        assert_eq!(of(b"003 7"), Some(Damage::Altered));
        assert_eq!(damage(None, wanted, by), Some(Damage::Missing));
        assert_eq!(damage(Some(b"3 7"), None, by), Some(Damage::Extra));
        assert_eq!(damage(None, None, by), None);
    }
}

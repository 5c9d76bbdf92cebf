//! Which rules hold when: those of the tables' newest epoch, those of epochs that are bound, and those of
//! the job file for all that is new.

use std::fs;

use lake::Lake;
use model::Epoch;
use model::tables::Relation;
use valuation::{Ruleset, RulesetHash};

use crate::bindings::{self, Binding};
use crate::error::JobError;
use crate::folder::{Generation, JobFolder};

/// The position of the tables of valuations that says under which rules they were committed.
pub(crate) const RULESET: &str = "ruleset";

/// Rules by the first eight bytes of their hash, as a position can hold them.
pub(crate) fn as_position(hash: RulesetHash) -> i64 {
    let text = hash.to_string();
    let head = text.get(..16).expect("a hash has 64 digits");
    u64::from_str_radix(head, 16)
        .expect("a hash is hexadecimal")
        .cast_signed()
}

/// The rules of the first epoch that the tables of valuations lack, as far as that is known: those they were
/// committed under last, or before their first commit those of the first epoch that is bound.
pub(super) fn of_the_next_epoch(
    folder: &JobFolder,
    job: &str,
) -> Result<Option<Ruleset>, JobError> {
    if let Some(standing) = standing(folder, job)? {
        return Ok(Some(standing));
    }
    let inherited = bindings::inherited(folder, Generation(u64::MAX))?;
    match inherited.first() {
        Some(first) => kept(folder, &first.ruleset).map(Some),
        None => Ok(None),
    }
}

/// The rules that the tables of valuations were committed under last; `None` before their first commit.
/// Where a crash left them at different epochs, those of the one that is furthest behind.
fn standing(folder: &JobFolder, job: &str) -> Result<Option<Ruleset>, JobError> {
    let lake = Lake::open(&folder.tables())?;
    let mut furthest_behind: Option<(Epoch, i64)> = None;
    for relation in [
        Relation::ItemValuations,
        Relation::PresetValuations,
        Relation::CharacterValuations,
    ] {
        let Some(view) = lake.view(relation)? else {
            return Ok(None);
        };
        let position = |name| {
            view.positions()
                .get(&format!("{job}/{}/{name}", relation.name()))
                .copied()
        };
        let (Some(epoch), Some(ruleset)) = (position("epoch"), position(RULESET)) else {
            return Ok(None);
        };
        let epoch = Epoch(epoch.cast_unsigned());
        if furthest_behind.is_none_or(|(behind, _)| epoch < behind) {
            furthest_behind = Some((epoch, ruleset));
        }
    }
    let Some((_, position)) = furthest_behind else {
        return Ok(None);
    };
    let head = format!("{:016x}", position.cast_unsigned());
    let hash = folder
        .ruleset_hashes()?
        .into_iter()
        .find(|hash| hash.starts_with(&head))
        .ok_or(JobError::RulesGone { hash: head })?;
    kept(folder, &hash).map(Some)
}

/// The rules that are kept in the job's folder under a hash.
pub(super) fn kept(folder: &JobFolder, hash: &str) -> Result<Ruleset, JobError> {
    let gone = || JobError::RulesGone {
        hash: hash.to_owned(),
    };
    let bytes = fs::read(folder.ruleset(hash)).map_err(|_| gone())?;
    Ruleset::from_stored(&bytes).map_err(|_| gone())
}

/// What a leg does with the epochs that are bound.
#[derive(Debug)]
pub(super) struct Plan {
    /// The leg's first epoch, when that is bound already.
    pub(super) first: Option<Binding>,
    /// The leg's last epoch, when others follow under other rules, or none does.
    pub(super) end: Option<Epoch>,
    /// The rules of the epochs that follow, if one is bound under them.
    pub(super) next: Option<String>,
    base: Epoch,
}

impl Plan {
    /// A plan for a leg under `ruleset` from `base` on: all derived tables have what lies before.
    ///
    /// - `is_last`: whether new epochs are under these rules.
    pub(super) fn of(inherited: &[Binding], base: Epoch, ruleset: &str, is_last: bool) -> Self {
        let later: Vec<&Binding> = inherited
            .iter()
            .filter(|binding| binding.epoch > base)
            .collect();
        let own = later
            .iter()
            .take_while(|binding| binding.ruleset == ruleset);
        let count = own.count();
        let next = later.get(count).map(|binding| binding.ruleset.clone());
        let ends = next.is_some() || !is_last;
        Self {
            first: later[..count].first().map(|&binding| binding.clone()),
            end: ends.then(|| later[..count].last().map_or(base, |binding| binding.epoch)),
            next,
            base,
        }
    }

    /// The leg's first epoch if it is bound already, as one that begins a leg: without records.
    pub(super) fn switch_epoch(&self) -> Result<Option<Binding>, JobError> {
        match &self.first {
            Some(first) if first.cut.values().any(|read| read.records > 0) => {
                Err(JobError::SwitchWithRecords {
                    epoch: first.epoch,
                    ruleset: first.ruleset.clone(),
                })
            }
            first => Ok(first.clone()),
        }
    }

    /// Whether the epoch of a binding is one of the leg's, or lies before it.
    pub(super) fn holds(&self, binding: &Binding) -> bool {
        binding.epoch <= self.base || self.end.is_none_or(|end| binding.epoch <= end)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn binding(epoch: u64, ruleset: &str) -> Binding {
        Binding {
            epoch: Epoch(epoch),
            ruleset: ruleset.to_owned(),
            cut: BTreeMap::new(),
        }
    }

    #[test]
    fn a_leg_ends_before_the_first_epoch_under_other_rules() {
        let inherited = [
            binding(1, "a"),
            binding(2, "a"),
            binding(3, "b"),
            binding(5, "b"),
        ];

        let old = Plan::of(&inherited, Epoch(1), "a", false);
        assert_eq!((old.end, old.next.as_deref()), (Some(Epoch(2)), Some("b")));
        assert!(old.holds(&inherited[1]) && !old.holds(&inherited[2]));

        let new = Plan::of(&inherited, Epoch(2), "b", true);
        assert_eq!((new.end, new.next), (None, None));
        assert_eq!(new.first.map(|first| first.epoch), Some(Epoch(3)));
    }

    #[test]
    fn rules_that_were_changed_back_are_a_leg_of_their_own() {
        let inherited = [binding(1, "a"), binding(3, "b")];

        let first = Plan::of(&inherited, Epoch(1), "a", true);
        assert_eq!(
            (first.end, first.next.as_deref()),
            (Some(Epoch(1)), Some("b"))
        );
        let second = Plan::of(&inherited, Epoch(1), "b", false);
        assert_eq!((second.end, second.next), (Some(Epoch(3)), None));
    }
}

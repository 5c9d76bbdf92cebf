//! Whether what is stored equals what was computed again.

use std::ops::RangeInclusive;

use model::Epoch;
use model::view::CharacterView;
use serde::Serialize;
use valuation::ComponentValue;
use valuation::totals::PresetTotal;

use super::Told;
use super::stored::{StoredComponent, StoredValuation};

/// How a store stands to the explained event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It is true of that event.
    Comparable,
    /// It is true of an earlier epoch.
    Behind,
    /// It is true of a later epoch than the input table is sealed through.
    Ahead,
    /// It was computed with another ruleset.
    OtherRules,
    /// There is no such store, or nothing in it yet.
    Absent,
}

impl Standing {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Comparable => "compared",
            Self::Behind => "not compared: the event has not reached it yet",
            Self::Ahead => {
                "not compared: it has a later event, which the input table has not sealed"
            }
            Self::OtherRules => "not compared: computed with another ruleset",
            Self::Absent => "not there",
        }
    }
}

/// What came out of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Stored and computed are equal.
    Equal,
    /// They are not.
    Differs,
    /// There was nothing to compare with.
    NotCompared,
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Differs => "differs",
            Self::NotCompared => "not compared",
        }
    }

    fn of(equal: bool) -> Self {
        if equal { Self::Equal } else { Self::Differs }
    }
}

/// One difference is one; else one comparison suffices.
pub(super) fn all(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::NotCompared, |all, one| match (all, one) {
        (Verdict::Differs, _) | (_, Verdict::Differs) => Verdict::Differs,
        (Verdict::Equal, _) | (_, Verdict::Equal) => Verdict::Equal,
        (Verdict::NotCompared, Verdict::NotCompared) => Verdict::NotCompared,
    })
}

/// How a value that is true of all epochs of `true_of` stands to an event that holds from its own
/// epoch to the last one of which the inputs are known.
pub(super) fn standing(
    true_of: RangeInclusive<Epoch>,
    holds: RangeInclusive<Epoch>,
    other_rules: bool,
) -> Standing {
    if other_rules {
        Standing::OtherRules
    } else if true_of.end() < holds.start() {
        Standing::Behind
    } else if true_of.start() > holds.end() {
        Standing::Ahead
    } else {
        Standing::Comparable
    }
}

/// Bit by bit.
pub(super) fn preset_in_tables(
    computed: &PresetTotal,
    preset: u8,
    told: &Told<StoredValuation>,
) -> Verdict {
    told.comparable().map_or(Verdict::NotCompared, |stored| {
        let stored = stored.presets.get(&preset);
        Verdict::of(stored.is_some_and(|stored| {
            stored.cost_mesos == computed.cost_mesos.0
                && stored.missing_parts == i64::from(computed.missing_parts)
                && stored.sd_bits == computed.sd_mesos.to_bits()
                && stored.p90_bits == computed.p90_mesos.to_bits()
        }))
    })
}

/// Amounts and counts; a view shortens other numbers.
pub(super) fn preset_in_view(
    computed: &PresetTotal,
    items: usize,
    preset: u8,
    told: &Told<CharacterView>,
) -> Verdict {
    match (told.standing, &told.value) {
        (Standing::Comparable, Some(view)) => {
            let stored = &view.presets[usize::from(preset) - 1];
            Verdict::of(
                stored.cost_mesos == computed.cost_mesos
                    && stored.missing_parts == computed.missing_parts
                    && stored.items.len() == items,
            )
        }
        (Standing::Comparable, None) => Verdict::Differs,
        _ => Verdict::NotCompared,
    }
}

/// Bit by bit.
pub(super) fn component_in_tables(
    computed: &ComponentValue,
    stored: Option<&StoredComponent>,
    told: &Told<StoredValuation>,
) -> Verdict {
    told.comparable().map_or(Verdict::NotCompared, |_| {
        Verdict::of(stored.is_some_and(|stored| *stored == StoredComponent::from(computed)))
    })
}

/// Status and amount; a view shortens other numbers.
pub(super) fn component_in_view(
    computed: &ComponentValue,
    stored: Option<&ComponentValue>,
    told: &Told<CharacterView>,
) -> Verdict {
    if told.standing != Standing::Comparable {
        return Verdict::NotCompared;
    }
    Verdict::of(stored.is_some_and(|stored| {
        (stored.status, stored.cost_mesos) == (computed.status, computed.cost_mesos)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLDS: RangeInclusive<Epoch> = Epoch(10)..=Epoch(20);

    #[test]
    fn a_value_that_is_true_of_a_common_epoch_is_comparable() {
        for true_of in [(10, 10), (1, 10), (20, 99), (12, 13), (1, 99)] {
            let true_of = Epoch(true_of.0)..=Epoch(true_of.1);
            assert_eq!(standing(true_of, HOLDS, false), Standing::Comparable);
        }
    }

    #[test]
    fn an_earlier_or_later_value_or_one_by_other_rules_is_not() {
        let behind = standing(Epoch(1)..=Epoch(9), HOLDS, false);
        let ahead = standing(Epoch(21)..=Epoch(22), HOLDS, false);
        let other = standing(Epoch(10)..=Epoch(20), HOLDS, true);
        assert_eq!(
            [behind, ahead, other],
            [Standing::Behind, Standing::Ahead, Standing::OtherRules]
        );
    }

    #[test]
    fn one_difference_is_a_difference() {
        use Verdict::{Differs, Equal, NotCompared};
        assert_eq!(all([Equal, Differs, NotCompared].into_iter()), Differs);
        assert_eq!(all([NotCompared, Equal].into_iter()), Equal);
        assert_eq!(all([NotCompared].into_iter()), NotCompared);
    }
}

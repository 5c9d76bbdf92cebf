//! Changes of single rules while a ruleset is in use, and what each of them touches.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Rules;
use crate::flame::FlameRules;
use crate::noljang::NoljangRules;
use crate::potential::{Family, OddsTable, PartId, PotentialKind, Share, StepRow, TableError};
use crate::starforce::StarforceRules;
use crate::units::{Grade, Level, Meso, OptionGrade, Probability};

/// One thing that prices depend on: the smallest unit of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TableId {
    /// The options of a part and grade from a level on.
    Odds {
        /// Which potential.
        kind: PotentialKind,
        /// The part.
        part: PartId,
        /// Grade of the options.
        grade: OptionGrade,
        /// First level of the table.
        min_level: Level,
    },
    /// The fee of one reset.
    Fee {
        /// Which potential.
        kind: PotentialKind,
        /// Grade of the item.
        grade: Grade,
        /// First level of the fee.
        min_level: Level,
    },
    /// The shares of the own grade in the three lines.
    OwnShares {
        /// Which potential.
        kind: PotentialKind,
        /// Grade of the item.
        grade: Grade,
    },
    /// How a grade rises.
    Step {
        /// Which potential.
        kind: PotentialKind,
        /// The grade that is left.
        from: Grade,
    },
    /// How many lines may be of a family.
    Limit(Family),
    /// Odds and fee of a try at a star.
    Star(u8),
    /// Switches, prices and restores of starforce.
    StarforceTerms,
    /// Odds and fee of a scroll at a star.
    Scroll(u8),
    /// Switches and prices of scrolls.
    NoljangTerms,
    /// Everything about flames.
    Flame,
}

/// A change of one rule. What decides which key an item has (classes, parts, granted stars, boss
/// items, highest stars) does not change while a ruleset is in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleChange {
    /// Gives an option of a table a weight; 0 takes it out.
    OddsRow {
        /// Which potential.
        kind: PotentialKind,
        /// The part.
        part: PartId,
        /// Grade of the options.
        grade: OptionGrade,
        /// A level at which the table stands.
        level: Level,
        /// The option.
        option: String,
        /// Its new weight.
        weight: u32,
    },
    /// Sets a fee.
    Fee {
        /// Which potential.
        kind: PotentialKind,
        /// Grade of the item.
        grade: Grade,
        /// A level at which the fee stands.
        level: Level,
        /// The new fee.
        mesos: Meso,
    },
    /// Sets the shares of the own grade in the three lines.
    OwnShares {
        /// Which potential.
        kind: PotentialKind,
        /// Grade of the item.
        grade: Grade,
        /// The new shares.
        shares: [Share; 3],
    },
    /// Sets how a grade rises.
    Step {
        /// Which potential.
        kind: PotentialKind,
        /// The new row.
        row: StepRow,
    },
    /// Sets how many lines may be of a family.
    Limit {
        /// The family.
        family: Family,
        /// The most lines.
        most: u8,
    },
    /// Sets rows and terms of starforce.
    Starforce(StarforceRules),
    /// Sets rows and terms of scrolls.
    Noljang(NoljangRules),
    /// Sets the rules of flames.
    Flame(FlameRules),
}

/// Why a rule was not changed.
#[derive(Clone, Debug, PartialEq, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum RuleChangeError {
    #[error("there is no {0} to change")]
    NoRow(&'static str),
    #[error("change an odds table")]
    Table(#[from] TableError),
    #[error("{what} is {value}, expected {expected}")]
    Value {
        what: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("{0} decides which key an item has and changes by restart alone")]
    Fixed(&'static str),
}

impl Rules {
    pub(super) fn apply(
        &mut self,
        change: RuleChange,
    ) -> Result<BTreeSet<TableId>, RuleChangeError> {
        use RuleChangeError::{Fixed, NoRow};

        let mut changed = BTreeSet::new();
        match change {
            RuleChange::OddsRow {
                kind,
                part,
                grade,
                level,
                option,
                weight,
            } => {
                let placed = self
                    .potential_mut(kind)
                    .placed_mut(part, grade, level)
                    .ok_or(NoRow("odds table"))?;
                let mut weights = placed.table.weights().clone();
                let before = if weight == 0 {
                    Some(weights.remove(&option).ok_or(NoRow("option"))?)
                } else {
                    weights.insert(option, weight)
                };
                if before != Some(weight) {
                    placed.table = Arc::new(OddsTable::new(weights)?);
                    let min_level = placed.min_level;
                    changed.insert(TableId::Odds {
                        kind,
                        part,
                        grade,
                        min_level,
                    });
                }
            }
            RuleChange::Fee {
                kind,
                grade,
                level,
                mesos,
            } => {
                if mesos < Meso(0) {
                    let value = mesos.to_string();
                    let expected = "whole mesos from 0 on";
                    return Err(RuleChangeError::Value {
                        what: "the fee",
                        value,
                        expected,
                    });
                }
                let row = self
                    .potential_mut(kind)
                    .fee_row_mut(grade, level)
                    .ok_or(NoRow("fee"))?;
                if std::mem::replace(&mut row.mesos, mesos) != mesos {
                    changed.insert(TableId::Fee {
                        kind,
                        grade,
                        min_level: row.min_level,
                    });
                }
            }
            RuleChange::OwnShares {
                kind,
                grade,
                shares,
            } => {
                let row = self
                    .potential_mut(kind)
                    .own_shares
                    .get_mut(&grade)
                    .ok_or(NoRow("share"))?;
                let below = |shares: &[Share; 3]| shares.iter().any(|share| !share.is_whole());
                if below(row) != below(&shares) {
                    return Err(Fixed("whether a grade draws on the one below"));
                }
                if std::mem::replace(row, shares) != shares {
                    changed.insert(TableId::OwnShares { kind, grade });
                }
            }
            RuleChange::Step { kind, row } => {
                if row.probability == Probability::ZERO {
                    let value = row.probability.get().to_string();
                    let expected = "a chance above 0";
                    return Err(RuleChangeError::Value {
                        what: "the chance",
                        value,
                        expected,
                    });
                }
                let known = self.potential_mut(kind).steps.iter_mut();
                let step = { known }
                    .find(|known| known.from == row.from)
                    .ok_or(NoRow("step"))?;
                if std::mem::replace(step, row) != row {
                    changed.insert(TableId::Step {
                        kind,
                        from: row.from,
                    });
                }
            }
            RuleChange::Limit { family, most } => {
                if self.limits.most(family) != Some(most.max(1)) {
                    self.limits.set(family, most);
                    changed.insert(TableId::Limit(family));
                }
            }
            RuleChange::Starforce(new) => {
                let old = &self.starforce;
                if new.max_stars != old.max_stars || new.stars.len() != old.stars.len() {
                    return Err(Fixed("the highest star"));
                }
                changed.extend(differing(&old.stars, &new.stars).map(TableId::Star));
                if new.edition != old.edition {
                    changed.insert(TableId::StarforceTerms);
                }
                self.starforce = new;
            }
            RuleChange::Noljang(new) => {
                let old = &self.noljang;
                if new.max_stars != old.max_stars || new.stars.len() != old.stars.len() {
                    return Err(Fixed("the highest star"));
                }
                changed.extend(differing(&old.stars, &new.stars).map(TableId::Scroll));
                let terms = |rules: &NoljangRules| (rules.failure_mesos, rules.cost_event);
                if terms(&new) != terms(old) {
                    changed.insert(TableId::NoljangTerms);
                }
                self.noljang = new;
            }
            RuleChange::Flame(new) => {
                if new.boss_items != self.flame.boss_items {
                    return Err(Fixed("the list of boss items"));
                }
                if new != self.flame {
                    changed.insert(TableId::Flame);
                    self.flame = new;
                }
            }
        }
        Ok(changed)
    }
}

fn differing<T: PartialEq>(old: &[T], new: &[T]) -> impl Iterator<Item = u8> {
    (0..=u8::MAX)
        .zip(old.iter().zip(new))
        .filter(|(_, (old, new))| old != new)
        .map(|(at, _)| at)
}

//! What a class fights with: the stats and the kind of attack that count for it.

use serde::{Deserialize, Serialize};

use crate::units::Stat;

/// What counts for a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRule {
    /// What its damage grows with.
    pub main: MainStat,
    /// The stats that help a little; they count in flames alone.
    pub sub_stats: Vec<Stat>,
    /// Which of the two attacks it uses.
    pub attack: AttackKind,
}

/// What a class's damage grows with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MainStat {
    /// One stat, or several that count alike (Xenon).
    Stats(Vec<Stat>),
    /// Maximum HP (Demon Avenger).
    Hp,
}

/// The two attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttackKind {
    /// Attack power (공격력).
    Attack,
    /// Magic power (마력).
    Magic,
}

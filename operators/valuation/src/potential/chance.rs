//! The exact probability that three lines together meet a requirement.

use num_bigint::BigUint;

use crate::potential::limits::Limits;
use crate::potential::table::{Family, OddsTable};
use crate::ratio::Ratio;
use crate::requirement::{Aspect, Need, Requirement, WHOLE};

/// What one line is drawn from: its own grade's table with a share, the one below with the rest.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The table of the item's grade.
    pub own: &'a OddsTable,
    /// The table of the grade below; not looked at where the own share is whole.
    pub below: Option<&'a OddsTable>,
    /// The share of the own grade.
    pub share: Share,
}

/// An exact share, `0..=1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Share {
    part: u32,
    of: u32,
}

/// A fraction that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}/{1} is no share: expected 0 <= part <= of, and of in 1..=1000000")]
pub struct ShareError(pub u32, pub u32);

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { part: 1, of: 1 };

    /// `part / of`, kept in lowest terms.
    ///
    /// # Errors
    /// When it lies outside `0..=1` or `of` exceeds a million.
    pub fn new(part: u32, of: u32) -> Result<Self, ShareError> {
        if of == 0 || part > of || of > 1_000_000 {
            return Err(ShareError(part, of));
        }
        let divisor = greatest_common_divisor(part, of);
        Ok(Self {
            part: part / divisor,
            of: of / divisor,
        })
    }

    /// Whether it is all.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.part == self.of
    }
}

impl TryFrom<(u32, u32)> for Share {
    type Error = ShareError;

    fn try_from((part, of): (u32, u32)) -> Result<Self, ShareError> {
        Self::new(part, of)
    }
}

impl From<Share> for (u32, u32) {
    fn from(share: Share) -> Self {
        (share.part, share.of)
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if a == 0 {
        b
    } else {
        greatest_common_divisor(b % a, a)
    }
}

/// The probability that lines drawn in order from `draws` meet `requirement` together.
///
/// The options of a line collapse to the few outcomes that `requirement` can tell apart, each with
/// a whole-number mass; all triples of outcomes are gone through. Where a family of options is
/// full, its mass leaves the later lines, and what remains is divided by what is left.
#[must_use]
pub fn probability(draws: [Draw<'_>; 3], requirement: &Requirement, limits: &Limits) -> Ratio {
    let [first, second, third] = draws.map(|draw| Line::project(draw, requirement));
    let goal = Goal::of(requirement);
    // Numerators by the masses that lines 2 and 3 are drawn from.
    let mut terms: Vec<([u64; 2], BigUint)> = Vec::new();
    let mut sums: Vec<(u64, u128)> = Vec::new();

    for one in &first.outcomes {
        let full_after_one = limits.full_after(&[one.family]);
        sums.clear();
        for two in second
            .outcomes
            .iter()
            .filter(|two| !full_after_one.contains(&two.family))
        {
            let full_after_two = limits.full_after(&[one.family, two.family]);
            let rest = goal.rest(one, two);
            let met: u64 = third
                .outcomes
                .iter()
                .filter(|three| !full_after_two.contains(&three.family) && rest.is_met_by(three))
                .map(|three| three.mass)
                .sum();
            if met > 0 {
                let sum = u128::from(two.mass) * u128::from(met);
                add(&mut sums, third.mass_without(&full_after_two), sum);
            }
        }
        let second_mass = second.mass_without(&full_after_one);
        for &(third_mass, sum) in &sums {
            let sum = BigUint::from(one.mass) * sum;
            add(&mut terms, [second_mass, third_mass], sum);
        }
    }

    terms
        .into_iter()
        .map(|([second_mass, third_mass], sum)| {
            let drawn_from = u128::from(second_mass) * u128::from(third_mass);
            Ratio::new(sum, BigUint::from(first.mass) * drawn_from)
        })
        .fold(Ratio::new(0_u32, 1_u32), |total, term| total + &term)
}

/// Adds to the entry of a key in a list that stays short.
fn add<K: PartialEq, V: std::ops::AddAssign>(list: &mut Vec<(K, V)>, key: K, value: V) {
    match list.iter_mut().find(|(known, _)| *known == key) {
        Some((_, sum)) => *sum += value,
        None => list.push((key, value)),
    }
}

/// A line's outcomes, as far as a requirement tells them apart.
struct Line {
    outcomes: Vec<Projected>,
    /// The sum of all masses: less than 2^63, since a share's parts are at most a million and the
    /// two totals 100,000 each.
    mass: u64,
}

struct Projected {
    family: Family,
    /// What it adds to each plain need, cut off at the need.
    added: Vec<u32>,
    /// Hundredths of a monster's defence that it leaves; 100 where nobody asks.
    left: u32,
    mass: u64,
}

impl Line {
    fn project(draw: Draw<'_>, requirement: &Requirement) -> Self {
        let mut outcomes: Vec<Projected> = Vec::new();
        let below = draw.below.filter(|_| !draw.share.is_whole());
        // p/q of own and (q-p)/q of below, over one denominator.
        let (own_scale, below_scale) = match below {
            Some(below) => (
                u64::from(draw.share.part) * u64::from(below.total()),
                u64::from(draw.share.of - draw.share.part) * u64::from(draw.own.total()),
            ),
            None => (1, 0),
        };
        let tables = [(Some(draw.own), own_scale), (below, below_scale)];
        let mut mass = 0;
        for (table, scale) in tables.into_iter().filter(|&(_, scale)| scale > 0) {
            for outcome in table.into_iter().flat_map(OddsTable::outcomes) {
                let added_to =
                    |aspect: Aspect| outcome.effect.map_or(0, |effect| aspect.added_by(effect));
                let plain = requirement
                    .needs()
                    .iter()
                    .filter(|need| is_plain(need.aspect));
                let added: Vec<u32> = plain
                    .map(|need| added_to(need.aspect).min(need.amount))
                    .collect();
                let asks = requirement
                    .needs()
                    .iter()
                    .any(|need| !is_plain(need.aspect));
                let left = if asks {
                    100 - added_to(Aspect::IgnoredDefence)
                } else {
                    100
                };
                let share = u64::from(outcome.weight) * scale;
                mass += share;
                let known = outcomes.iter_mut().find(|known| {
                    known.family == outcome.family && known.left == left && known.added == added
                });
                match known {
                    Some(known) => known.mass += share,
                    None => outcomes.push(Projected {
                        family: outcome.family,
                        added,
                        left,
                        mass: share,
                    }),
                }
            }
        }
        Self { outcomes, mass }
    }

    fn mass_without(&self, full: &[Family]) -> u64 {
        let gone = self
            .outcomes
            .iter()
            .filter(|outcome| full.contains(&outcome.family));
        self.mass - gone.map(|outcome| outcome.mass).sum::<u64>()
    }
}

fn is_plain(aspect: Aspect) -> bool {
    aspect != Aspect::IgnoredDefence
}

/// A requirement in the form that outcomes are compared with.
struct Goal {
    needed: Vec<u32>,
    /// The most, in millionths of a monster's defence, that three lines may leave.
    left_at_most: u32,
}

impl Goal {
    fn of(requirement: &Requirement) -> Self {
        let (plain, ignored): (Vec<Need>, Vec<Need>) = requirement
            .needs()
            .iter()
            .partition(|need| is_plain(need.aspect));
        Self {
            needed: plain.iter().map(|need| need.amount).collect(),
            left_at_most: ignored
                .first()
                .map_or(WHOLE, |need| WHOLE.saturating_sub(need.amount)),
        }
    }

    fn rest(&self, one: &Projected, two: &Projected) -> Rest {
        let given = one.added.iter().zip(&two.added);
        Rest {
            needed: self
                .needed
                .iter()
                .zip(given)
                .map(|(&needed, (&one, &two))| needed.saturating_sub(one).saturating_sub(two))
                .collect(),
            left: one.left * two.left,
            left_at_most: self.left_at_most,
        }
    }
}

/// What the third line has to bring.
struct Rest {
    needed: Vec<u32>,
    left: u32,
    left_at_most: u32,
}

impl Rest {
    fn is_met_by(&self, three: &Projected) -> bool {
        self.left * three.left <= self.left_at_most
            && self
                .needed
                .iter()
                .zip(&three.added)
                .all(|(&needed, &added)| added >= needed)
    }
}

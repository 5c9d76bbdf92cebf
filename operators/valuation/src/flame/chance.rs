//! The chance that one flame reaches a score, exactly: over every choice of different options and
//! every tier of each.
//!
//! Few options of a pool score anything, and many of those score alike (attack and magic, or the
//! pairs that hold the main stat), so choices are counted by groups of options that score alike.
//! The lines of a choice are halved into pairs, whose sums are sorted once; a choice then takes one
//! pass over two short lists. The work does not depend on how high scores are.

use super::options::BonusOption;
use super::{Flame, FlameKey, FlameRules};
use crate::units::Probability;

/// The most lines of a flame.
const LINES_MAX: usize = 4;

/// The chance that one `flame` on the key's item scores at least the key's score.
pub(super) fn of_score(rules: &FlameRules, key: &FlameKey, flame: Flame) -> f64 {
    let pool: Vec<BonusOption> = rules
        .pool
        .iter()
        .filter(|entry| entry.weapon == key.weapon && entry.min_level <= key.level)
        .map(|entry| entry.option)
        .collect();
    let groups = groups_of(rules, key, flame, &pool);
    let scoring: u64 = groups.iter().map(|group| group.options).sum();
    let idle = pool.len() as u64 - scoring;
    let reaching = reaching_choices(&groups, key.score);
    let lines = if key.boss {
        rules.lines.boss
    } else {
        rules.lines.other
    };

    (1..=LINES_MAX)
        .zip(lines)
        .map(|(count, chance)| {
            let choices = binomial(pool.len() as u64, count as u64);
            if choices == 0 {
                return 0.0;
            }
            let reached: f64 = (0..=count)
                .map(|scored| binomial(idle, (count - scored) as u64) as f64 * reaching[scored])
                .sum();
            chance.get() * reached / choices as f64
        })
        .sum()
}

/// Options that score alike.
struct Group {
    /// How many they are.
    options: u64,
    /// What one of them scores.
    line: Sums,
}

/// Sorted scores with their chances.
#[derive(Clone, PartialEq)]
struct Sums {
    /// Ascending, each once.
    scores: Vec<i64>,
    /// The chance of each.
    chances: Vec<f64>,
    /// `tails[i]` is the chance of `scores[i]` or more; one longer than `scores`, ending in 0.
    tails: Vec<f64>,
}

impl Sums {
    fn new(mut terms: Vec<(i64, f64)>) -> Self {
        terms.sort_unstable_by_key(|(score, _)| *score);
        let (mut scores, mut chances) = (Vec::new(), Vec::<f64>::new());
        for (score, chance) in terms {
            match chances.last_mut() {
                Some(last) if scores.last() == Some(&score) => *last += chance,
                _ => {
                    scores.push(score);
                    chances.push(chance);
                }
            }
        }
        let mut tails = vec![0.0; scores.len() + 1];
        for place in (0..scores.len()).rev() {
            tails[place] = tails[place + 1] + chances[place];
        }
        Self {
            scores,
            chances,
            tails,
        }
    }

    /// The scores of two lines together.
    fn plus(&self, other: &Self) -> Self {
        let terms = self.terms().flat_map(|(score, chance)| {
            other
                .terms()
                .map(move |(more, given)| (score + more, chance * given))
        });
        Self::new(terms.collect())
    }

    /// The chance that a score of this and one of `other` sum to `target` or more.
    fn reach(&self, other: &Self, target: i64) -> f64 {
        let mut reached = 0.0;
        let mut from = other.scores.len();
        for (score, chance) in self.terms() {
            while from > 0 && score + other.scores[from - 1] >= target {
                from -= 1;
            }
            reached += chance * other.tails[from];
        }
        reached
    }

    fn terms(&self) -> impl Iterator<Item = (i64, f64)> {
        self.scores
            .iter()
            .copied()
            .zip(self.chances.iter().copied())
    }
}

/// The options of `pool` that can score something, gathered by what they score.
fn groups_of(rules: &FlameRules, key: &FlameKey, flame: Flame, pool: &[BonusOption]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for scores in pool.iter().filter_map(|option| option.scores(rules, key)) {
        let tiers = rules.tiers.iter().filter(|tier| {
            tier.flame == flame && tier.boss == key.boss && tier.chance > Probability::ZERO
        });
        let score_of = |tier: u8| scores.get(usize::from(tier).checked_sub(1)?).copied();
        let line = Sums::new(
            tiers
                .filter_map(|tier| Some((score_of(tier.tier)?, tier.chance.get())))
                .collect(),
        );
        match groups.iter_mut().find(|group| group.line == line) {
            Some(group) => group.options += 1,
            None => groups.push(Group { options: 1, line }),
        }
    }
    groups
}

/// `[n]` is the sum, over all choices of `n` different scoring options, of the chance that they
/// score `target` or more.
fn reaching_choices(groups: &[Group], target: i64) -> [f64; LINES_MAX + 1] {
    let nothing = Sums::new(vec![(0, 1.0)]);
    let pairs: Vec<Vec<Sums>> = groups
        .iter()
        .enumerate()
        .map(|(a, first)| {
            groups[a..]
                .iter()
                .map(|second| first.line.plus(&second.line))
                .collect()
        })
        .collect();
    let pair = |a: usize, b: usize| &pairs[a][b - a];

    let mut reaching = [0.0; LINES_MAX + 1];
    reaching[0] = nothing.reach(&nothing, target);
    for a in 0..groups.len() {
        reaching[1] += ways(groups, &[a]) * groups[a].line.reach(&nothing, target);
        for b in a..groups.len() {
            reaching[2] += ways(groups, &[a, b]) * pair(a, b).reach(&nothing, target);
            for c in b..groups.len() {
                let three = ways(groups, &[a, b, c]);
                if three == 0.0 {
                    continue;
                }
                reaching[3] += three * pair(a, b).reach(&groups[c].line, target);
                for d in c..groups.len() {
                    let four = ways(groups, &[a, b, c, d]);
                    if four > 0.0 {
                        reaching[4] += four * pair(a, b).reach(pair(c, d), target);
                    }
                }
            }
        }
    }
    reaching
}

/// In how many ways different options of these groups (ascending, repeated for several of one
/// group) can be chosen.
fn ways(groups: &[Group], chosen: &[usize]) -> f64 {
    chosen
        .chunk_by(|a, b| a == b)
        .map(|run| binomial(groups[run[0]].options, run.len() as u64) as f64)
        .product()
}

/// In how many ways `k` of `n` can be chosen.
fn binomial(n: u64, k: u64) -> u64 {
    if k > n {
        return 0;
    }
    (0..k).fold(1, |ways, i| ways * (n - i) / (i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_one_term() {
        let sums = Sums::new(vec![(3, 0.25), (1, 0.5), (3, 0.25)]);
        assert_eq!(sums.scores, [1, 3]);
        assert_eq!(sums.tails, [1.0, 0.5, 0.0]);
    }

    #[test]
    fn two_lists_reach_a_target_by_the_sums_that_do() {
        let sums = Sums::new(vec![(1, 0.5), (2, 0.5)]);
        assert_eq!(sums.reach(&sums, 2), 1.0);
        assert_eq!(sums.reach(&sums, 3), 0.75);
        assert_eq!(sums.reach(&sums, 4), 0.25);
        assert_eq!(sums.reach(&sums, 5), 0.0);
    }

    #[test]
    fn choices_are_counted() {
        assert_eq!(
            [binomial(19, 4), binomial(4, 0), binomial(3, 4)],
            [3876, 1, 0]
        );
    }
}

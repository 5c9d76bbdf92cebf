//! Grade-up: resets from 레어 until a potential has its grade.

use serde::{Deserialize, Serialize};

use crate::component::{ComponentValue, Detail, Status};
use crate::potential::{PotentialKind, PotentialRules, StepRow};
use crate::units::{Grade, Level, Meso};

/// All that the price of a grade-up depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GradeUpKey {
    /// Which potential.
    pub kind: PotentialKind,
    /// The grade to reach.
    pub grade: Grade,
    /// The lowest level with the same fees as the item's; 0 for 레어, which costs nothing anywhere.
    pub level: Level,
}

/// The lowest level at which the steps to `grade` have the same fees as at `level`.
#[must_use]
pub fn band(rules: &PotentialRules, grade: Grade, level: Level) -> Level {
    rules
        .steps_to(grade)
        .filter_map(|step| Some(rules.fee_row(step.from, level)?.min_level))
        .max()
        .unwrap_or_default()
}

/// Expected cost of the steps from 레어 to the grade, rounded half up once at the end.
/// `unknown_table` where a step or its fee is not known; without any price in the rules there are
/// tries and no cost.
#[must_use]
pub fn price(rules: &PotentialRules, key: &GradeUpKey) -> ComponentValue {
    let steps: Vec<&StepRow> = rules.steps_to(key.grade).collect();
    let wanted = Grade::ALL.into_iter().filter(|&grade| grade < key.grade);
    if !wanted.eq(steps.iter().map(|step| step.from)) {
        return ComponentValue::settled(Status::UnknownTable);
    }
    let (mut cost, mut tries, mut variance) = (0.0, 0.0, 0.0);
    for step in steps {
        let fee = match rules.fee(step.from, key.level) {
            Some(fee) => fee.0 as f64,
            None if rules.is_priced() => return ComponentValue::settled(Status::UnknownTable),
            None => 0.0,
        };
        let mean = mean_tries(step);
        cost += fee * mean;
        tries += mean;
        variance += fee * fee * (mean_square_tries(step) - mean * mean).max(0.0);
    }
    let priced = rules.is_priced() || key.grade == Grade::Rare;
    ComponentValue {
        status: Status::Ok,
        cost_mesos: priced.then(|| Meso((cost + 0.5).floor() as i128)),
        tries: Some(tries),
        sd_mesos: priced.then(|| variance.sqrt()),
        detail: Detail::None,
    }
}

/// `(1 - (1-p)^(N+1)) / p`, or `1/p` without a ceiling.
fn mean_tries(step: &StepRow) -> f64 {
    let p = step.probability.get();
    match step.ceiling {
        Some(failures) => (1.0 - (1.0 - p).powf(f64::from(failures) + 1.0)) / p,
        None => 1.0 / p,
    }
}

/// The mean of the square of the tries.
fn mean_square_tries(step: &StepRow) -> f64 {
    let p = step.probability.get();
    match step.ceiling {
        // Σ over n = 0..=N of (2n + 1) · P(tries > n), and P(tries > n) = (1-p)^n.
        Some(failures) => {
            let mut still_failing = 1.0;
            let mut sum = 0.0;
            for n in 0..=failures {
                sum += (2.0 * f64::from(n) + 1.0) * still_failing;
                still_failing *= 1.0 - p;
            }
            sum
        }
        None => (2.0 - p) / (p * p),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Probability;

    fn step(probability: f64, ceiling: Option<u32>) -> StepRow {
        StepRow {
            from: Grade::Rare,
            probability: Probability::new(probability).unwrap(),
            ceiling,
        }
    }

    #[test]
    fn after_the_ceiling_the_next_try_is_certain() {
        // One failure, then certain: 1 try with ½, else 2.
        assert_eq!(mean_tries(&step(0.5, Some(1))), 1.5);
        assert_eq!(mean_square_tries(&step(0.5, Some(1))), 0.5 + 0.5 * 4.0);
        assert_eq!(mean_tries(&step(0.5, Some(0))), 1.0);
    }

    #[test]
    fn a_ceiling_far_away_is_none() {
        let (near, far) = (step(0.5, None), step(0.5, Some(400)));
        assert!((mean_tries(&near) - mean_tries(&far)).abs() < 1e-12);
        assert!((mean_square_tries(&near) - mean_square_tries(&far)).abs() < 1e-12);
    }
}

//! The p90 of a total against items that are rebuilt over and over, with a fixed seed.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::starforce::Try;
use valuation::totals::{item_total, preset_total};
use valuation::{ComponentValue, Detail, Item, Level, Ruleset, Star, key};

use crate::starforce::simulation::{chosen_tries, play};

const RUNS: usize = 20_000;
/// How far the approximation may be from the simulated quantile. Of this, about 1 % is the
/// simulation's own error.
const TOLERANCE: f64 = 0.03;

/// What has to be waited for.
enum Wait {
    /// Resets until one succeeds.
    Resets { chance: f64, fee_mesos: f64 },
    /// A climb of stars.
    Stars(Vec<Try>),
}

impl Wait {
    fn mesos(&self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Resets { chance, fee_mesos } => {
                let uniform: f64 = 1.0 - rng.random::<f64>();
                (uniform.ln() / (-chance).ln_1p()).ceil().max(1.0) * fee_mesos
            }
            Self::Stars(tries) => play(tries, rng)[0],
        }
    }
}

/// The waits of the components that a total sums.
fn waits(ruleset: &Ruleset, item: &Item, components: &[ComponentValue; 6]) -> Vec<Wait> {
    components[..3]
        .iter()
        .filter_map(|component| match &component.detail {
            Detail::Potential {
                probability,
                fee_mesos,
                ..
            } => Some(Wait::Resets {
                chance: probability.get(),
                fee_mesos: fee_mesos.unwrap().0 as f64,
            }),
            Detail::Starforce { target, .. } => {
                let rules = &ruleset.rules().starforce;
                Some(Wait::Stars(chosen_tries(rules, item.level, Star(*target))))
            }
            Detail::None | Detail::Flame { .. } => None,
        })
        .collect()
}

/// Approximated and simulated p90 of a preset of these items.
fn both(class: &str, items: &[Item]) -> (f64, f64) {
    let ruleset = odds::shipped("kms_2026_03").unwrap();
    let (totals, waits): (Vec<_>, Vec<_>) = items
        .iter()
        .map(|item| {
            let components = key::components(&ruleset, class, item)
                .map(|component| component.value(|key| key::price(&ruleset, key)));
            let total = item_total(ruleset.rules(), &components);
            (total, waits(&ruleset, item, &components))
        })
        .unzip();
    let total = preset_total(totals);
    assert_eq!(total.missing_parts, 0);
    let waits: Vec<Wait> = waits.into_iter().flatten().collect();
    assert!(!waits.is_empty());

    let mut rng = ChaCha8Rng::seed_from_u64(90);
    let mut costs: Vec<f64> = (0..RUNS)
        .map(|_| waits.iter().map(|wait| wait.mesos(&mut rng)).sum())
        .collect();
    costs.sort_unstable_by(f64::total_cmp);
    (total.p90_mesos, costs[RUNS * 9 / 10 - 1])
}

fn hat(lines: [&str; 3], additional: [&str; 3], stars: u8) -> Item {
    let of = |lines: [&str; 3]| lines.map(|line| Some(line.to_owned()).filter(|l| !l.is_empty()));
    let graded = |lines: [&str; 3]| lines.iter().any(|line| !line.is_empty());
    let grade = "레전드리".to_owned();
    Item {
        slot: "모자".to_owned(),
        part: "모자".to_owned(),
        name: "에테르넬 메이지햇".to_owned(),
        level: Level(250),
        grade: graded(lines).then(|| grade.clone()),
        lines: of(lines),
        additional_grade: graded(additional).then_some(grade),
        additional_lines: of(additional),
        stars: Star(stars),
        ..Item::default()
    }
}

const NOTHING: [&str; 3] = [""; 3];
const COMMON: [&str; 3] = ["INT +9%", "", ""];
const GOOD: [&str; 3] = ["INT +9%", "INT +9%", "INT +6%"];
const RARE: [&str; 3] = ["INT +12%", "INT +12%", "INT +12%"];

#[test]
fn the_p90_of_a_total_is_close_to_that_of_rebuilding() {
    let presets: [(&str, Vec<Item>); 7] = [
        ("one potential", vec![hat(RARE, NOTHING, 0)]),
        ("fifteen stars", vec![hat(NOTHING, NOTHING, 15)]),
        ("twenty-two stars", vec![hat(NOTHING, NOTHING, 22)]),
        ("both potentials", vec![hat(GOOD, COMMON, 0)]),
        ("a whole item", vec![hat(GOOD, COMMON, 22)]),
        (
            "one rare among common ones",
            vec![hat(RARE, NOTHING, 0), hat(COMMON, COMMON, 17)],
        ),
        ("twelve items", vec![hat(GOOD, COMMON, 21); 12]),
    ];
    for (name, items) in presets {
        let (approximated, simulated) = both("에반", &items);
        let off = approximated / simulated - 1.0;
        assert!(
            off.abs() <= TOLERANCE,
            "{name}: {approximated} is {off:+} from {simulated}"
        );
    }
}

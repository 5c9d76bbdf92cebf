//! Many schedules of faults: most over the real decisions in a simulated world, the rest over the real program
//! and services.

use anyhow::{Context as _, Result, anyhow};

use super::{Drill, crash};
use crate::scene::{Scene, remove};

pub(super) const DRILL: Drill = Drill {
    name: "schedules",
    about: "1,000 schedules: 900 over the real decisions with simulated store, broker, clock and network, 100 over \
            the real program and services (--simulated and --real say how many)",
    faults: &["simulated: crashes", "crash"],
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<()> {
    simulated(scene)?;
    real(scene)
}

fn simulated(scene: &mut Scene<'_>) -> Result<()> {
    let mut sum = schedules::Report::default();
    let seeds = scene.sizes.simulated;
    for number in 0..seeds {
        let seed = scene.verdict.seed.wrapping_add(number);
        match schedules::simulate(seed) {
            Ok(report) => sum.add(&report),
            Err(violation) => {
                let file = scene.folder.join("violation.txt");
                std::fs::write(&file, format!("{violation}\n{:?}\n", violation.steps))?;
                return Err(anyhow!("{violation}")).context("a simulated schedule");
            }
        }
    }
    let verdict = &mut scene.verdict;
    verdict.compared("simulated schedules", seeds);
    for (what, times) in [
        ("crashes", sum.crashes),
        ("torn tails", sum.torn_tails),
        ("power losses", sum.power_losses),
        ("failovers", sum.failovers),
        ("flushes", sum.flushes),
        ("answers lost", sum.lost_answers),
        ("calls late", sum.late_calls),
        ("late calls that arrived", sum.late_arrivals),
        ("steps of older generations", sum.steps_of_older),
        ("compactions", sum.compactions),
        ("clock jumps", sum.clock_jumps),
        ("records compacted away", sum.records_compacted),
    ] {
        verdict.injected(&format!("simulated: {what}"), times);
    }
    verdict.compared("simulated records", sum.records);
    verdict.compared("simulated epochs", sum.epochs_compared);
    verdict.compared("simulated values", sum.values_compared);
    Ok(())
}

fn real(scene: &mut Scene<'_>) -> Result<()> {
    const FRESH: &str = crash::FRESH;
    let mut fresh = Vec::new();
    for number in 0..scene.sizes.real {
        let seed = scene.verdict.seed.wrapping_add(number);
        let folder = scene.folder.join(format!("real-{number}"));
        std::fs::create_dir_all(&folder)?;
        let mut one = Scene::new(
            scene.stage,
            scene.binary,
            folder.clone(),
            crash::DRILL.name,
            seed,
            scene.sizes,
        );
        let done = (crash::DRILL.run)(&mut one);
        let verdict = one.verdict;
        fresh.extend(verdict.figures.get(FRESH));
        scene.verdict.add(&verdict);
        done.with_context(|| format!("a real schedule: mesoflow drill crash --seed {seed}"))?;
        scene.verdict.compared("real schedules", 1);
        remove(&folder);
    }
    fresh.sort_by(f64::total_cmp);
    let p99 = (fresh.len() * 99).div_ceil(100).checked_sub(1);
    if let Some(value) = p99.and_then(|at| fresh.get(at)) {
        scene
            .verdict
            .figure("p99 of crash to fresh, seconds", *value);
    }
    Ok(())
}

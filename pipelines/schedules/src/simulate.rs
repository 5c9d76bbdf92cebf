//! Large worlds, walked from a seed: hundreds of steps with many faults, every property looked at after each, and in the
//! end everything compared with one pass over all inputs.

use crate::check::{Broken, Property};
use crate::config::{Config, Protections};
use crate::large::large;
use crate::mutations::Mutation;
use crate::random::Random;
use crate::report::{Report, Violation};
use crate::world::{Action, Fate, Step, World};

/// A walk that takes longer than this does not come to its end.
const STEPS_MAX: usize = 60_000;
/// Walks the world of a seed with all protections.
///
/// # Errors
/// If the promise breaks: a fault of the protocol, of a decision function, or of the world itself.
pub fn simulate(seed: u64) -> Result<Report, Box<Violation>> {
    walk(seed, &large(seed, Protections::default()))
}

/// Walks the world of a seed with the protections of a mutation taken out.
///
/// # Errors
/// If the promise breaks, which is what a mutation is to show.
pub fn simulate_mutated(seed: u64, mutation: &Mutation) -> Result<Report, Box<Violation>> {
    let mut config = large(seed, mutation.protections());
    // Only a topic that Kafka compacts shows it.
    if !config.protections.records_compared {
        config.faults.records_compacted = 4;
    }
    walk(seed, &config)
}
fn walk(seed: u64, config: &Config) -> Result<Report, Box<Violation>> {
    let mut random = Random::new(seed ^ 0x005e_ed0f_5eed);
    let mut world = World::new(config);
    let mut steps = Vec::new();
    let records = config.partitions.iter().map(|of| of.records.len() as u64);
    let mut report = Report {
        seed,
        records: records.sum(),
        ..Report::default()
    };
    let pace = Pace::draw(&mut random);
    loop {
        // Every walk has its crash; calls that are late may never arrive.
        let is_last = world.left.starts == 0 && world.left.crashes < config.faults.crashes;
        if is_last && world.is_done(config) || world.is_alarmed() {
            break;
        }
        let broken = match next(&mut random, config, &mut world, &pace) {
            Some(action) if steps.len() < STEPS_MAX => {
                report.count(action, world.newest_generation);
                steps.push(action);
                world.act(config, action);
                match world.broken() {
                    Some(broken) => broken.clone(),
                    None => continue,
                }
            }
            stuck => Broken {
                property: Property::Complete,
                what: format!(
                    "after {} steps there is still something to do: {stuck:?}",
                    steps.len()
                ),
            },
        };
        return Err(Box::new(Violation {
            seed,
            broken,
            steps,
            report,
        }));
    }
    report.alarmed = world.is_alarmed();
    report.epochs_compared = world.said.len() as u64;
    let rows = world.tables.iter().map(|table| table.rows.len() as u64);
    report.values_compared =
        rows.sum::<u64>() + world.redis.values.len() as u64 + world.topic.records.len() as u64;
    Ok(report)
}

/// Draws what happens next; `None`: nothing can.
fn next(random: &mut Random, config: &Config, world: &mut World, pace: &Pace) -> Option<Action> {
    let newest = world.newest_generation;
    let is_alive = world.processes.iter().any(|of| of.generation == newest);
    if !is_alive && world.left.starts == 0 {
        // The last one ended: whoever runs the job starts it again.
        world.left.starts = 1;
    }
    let actions = world.actions(config);
    let (steps, faults): (Vec<_>, Vec<_>) =
        (actions.into_iter()).partition(|action| matches!(action, Action::Step(..)));
    let wants_fault = random.below(pace.between) == 0 || steps.is_empty();
    if wants_fault && !faults.is_empty() {
        return Some(a_fault(random, &faults));
    }
    let weights = steps.iter().map(|step| pace.weight(config, world, *step));
    let weights: Vec<u64> = weights.collect();
    let mut at = random.below(weights.iter().sum::<u64>().max(1));
    for (&step, weight) in steps.iter().zip(weights) {
        if at < weight {
            return Some(step);
        }
        at -= weight;
    }
    // What is left to do has no weight.
    steps.last().copied()
}

/// Draws a kind first, so that kinds with many places are not drawn more often.
fn a_fault(random: &mut Random, faults: &[Action]) -> Action {
    let mut kinds: Vec<_> = faults.iter().map(std::mem::discriminant).collect();
    kinds.dedup();
    let kind = kinds[random.below(kinds.len() as u64) as usize];
    let of_kind = faults
        .iter()
        .filter(|of| std::mem::discriminant(*of) == kind);
    let of_kind: Vec<_> = of_kind.collect();
    *of_kind[random.below(of_kind.len() as u64) as usize]
}

/// How fast things go in a walk, so that in one the tables are behind and in another the views.
struct Pace {
    /// About so many steps lie between two faults.
    between: u64,
    inputs: u64,
    derived: u64,
    views: u64,
    topic: u64,
    /// Steps of older generations.
    older: u64,
    /// Reading all that is left at once.
    at_once: u64,
}

impl Pace {
    fn draw(random: &mut Random) -> Self {
        let mut of_sink = || [1, 3, 6, 12][random.below(4) as usize];
        let (inputs, derived, views, topic) = (of_sink(), of_sink(), of_sink(), of_sink());
        Self {
            between: 8 + random.below(120),
            inputs,
            derived,
            views,
            topic,
            older: 1 + random.below(4),
            at_once: u64::from(random.below(4) == 0),
        }
    }

    fn weight(&self, config: &Config, world: &World, action: Action) -> u64 {
        let Action::Step(generation, step, fate) = action else {
            return 0;
        };
        let of_fate = match fate {
            Fate::Answered => 24,
            Fate::Lost | Fate::Late => 1,
        };
        let of_step = match step {
            // Little comes after everything is read.
            Step::Close { cut, .. }
                if cut == config.end() && has_more(config, world, generation) =>
            {
                self.at_once
            }
            Step::Close { .. } => 8,
            Step::Compact(_) | Step::Trim | Step::Idle => 1,
            Step::Start | Step::Replay | Step::Sync | Step::Release => 6,
            Step::CommitInputs => self.inputs,
            Step::CommitDerived => self.derived,
            Step::Views => self.views,
            Step::Publish => self.topic,
        };
        let of_generation = if generation == world.newest_generation {
            3
        } else {
            self.older
        };
        of_fate * of_step * of_generation
    }
}

/// Whether more records are left than an epoch takes otherwise.
fn has_more(config: &Config, world: &World, generation: u8) -> bool {
    let process = world
        .processes
        .iter()
        .find(|of| of.generation == generation);
    process.is_some_and(|process| {
        let left = config.end().into_iter().zip(process.cut);
        left.map(|(end, next)| end - next).sum::<u16>() > config.reads_max
    })
}

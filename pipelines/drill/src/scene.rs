//! What a drill works with: services, a folder, chance that can be repeated, and the comparison at its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use arrow::array::AsArray as _;
use arrow::datatypes::{Int32Type, Int64Type};
use lake::Lake;
use model::tables::Relation;
use model::view::ViewKey;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sources::generator::GeneratorConfig;

use crate::answer::{Answer, accounting_of_table, pairs_of_table, right_accounting, right_pairs};
use crate::job::{Job, Setup};
use crate::service::{Kafka, Redis};
use crate::verdict::Verdict;
use crate::watcher::{Seen, Watcher};
use crate::world::World;

/// Services that several drills share, started when one needs them.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    kafka: Option<Kafka>,
    redis: Option<Redis>,
}

impl Stage {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            kafka: None,
            redis: None,
        }
    }

    /// The broker.
    pub(crate) fn kafka(&mut self) -> Result<&mut Kafka> {
        if self.kafka.is_none() {
            self.kafka = Some(Kafka::start(&self.folder.join("kafka"))?);
        }
        Ok(self.kafka.as_mut().expect("it was just started"))
    }

    /// The Redis server.
    pub(crate) fn redis(&mut self) -> Result<&mut Redis> {
        if self.redis.is_none() {
            self.redis = Some(Redis::start(&self.folder.join("redis"), "redis", &[])?);
        }
        Ok(self.redis.as_mut().expect("it was just started"))
    }
}

/// One drill under way.
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a mut Stage,
    pub(crate) binary: &'a Path,
    pub(crate) folder: PathBuf,
    pub(crate) chance: ChaCha8Rng,
    pub(crate) verdict: Verdict,
    pub(crate) sizes: Sizes,
}

/// How much the drill `schedules` does.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Schedules in a simulated world.
    pub simulated: u64,
    /// Schedules over the real program and services.
    pub real: u64,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        stage: &'a mut Stage,
        binary: &'a Path,
        folder: PathBuf,
        drill: &'static str,
        seed: u64,
        sizes: Sizes,
    ) -> Self {
        let verdict = Verdict {
            drill,
            seed,
            ..Verdict::default()
        };
        Self {
            stage,
            binary,
            folder,
            chance: ChaCha8Rng::seed_from_u64(seed),
            verdict,
            sizes,
        }
    }

    /// Empty topics, and what is to be written into them.
    pub(crate) fn world(&mut self, config: GeneratorConfig) -> Result<World> {
        let config = GeneratorConfig {
            seed: self.verdict.seed,
            ..config
        };
        let millis = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let name = format!("drill-{}-{millis}", self.verdict.drill);
        World::new(&self.stage.kafka()?.address(), name, config)
    }

    /// A job over a world, of which nothing runs yet. It commits and tends its tables often: many moments at which
    /// a fault matters.
    pub(crate) fn job(&mut self, world: &World) -> Result<Job> {
        self.job_in("job", world)
    }

    /// The same, in a folder of this name.
    pub(crate) fn job_in(&mut self, name: &str, world: &World) -> Result<Job> {
        let brokers = format!("127.0.0.1:{}", self.stage.kafka()?.proxy().port());
        let redis = self.stage.redis()?;
        let setup = Setup {
            binary: self.binary.to_owned(),
            brokers,
            views: format!("redis://127.0.0.1:{}", redis.proxy().port()),
            views_direct: redis.url(),
            workers: 2,
            more: [
                ("views", "probe_millis = 300".to_owned()),
                (
                    "tables",
                    "commit_millis = 100\nnow_seconds = 1\nmaintain_seconds = 1".to_owned(),
                ),
            ]
            .into(),
        };
        Job::new(self.folder.join(name), world, setup)
    }

    /// Someone who reads some of the values all the time.
    pub(crate) fn watch(&mut self, world: &World, job: &Job) -> Result<Watcher> {
        let names = world.names()?;
        let characters = world.config().characters;
        let mut keys = Vec::new();
        for number in 0..24 {
            // The first ones are liked most.
            let character = self.chance.random_range(0..characters.min(200));
            let ocid = names.ocid(character);
            keys.push(match number % 2 {
                0 => ViewKey::character(ocid),
                _ => ViewKey::likes(ocid),
            });
        }
        Watcher::start(job, keys)
    }

    /// Takes note of what a reader saw, and holds it against the tables.
    pub(crate) fn held_against_tables(&mut self, seen: &Seen, job: &Job) -> Result<()> {
        let compared = seen.agrees_with(&job.data())?;
        let verdict = &mut self.verdict;
        verdict.compared("values seen by a reader", seen.observations);
        verdict.compared("of them held against tables as of their epoch", compared);
        verdict.compared("epochs seen by a reader", seen.epochs);
        ensure!(seen.observations > 0, "the reader saw no value");
        Ok(())
    }

    /// Fails unless views and tables of a job that is ended equal one pass over all that was written.
    pub(crate) fn equals_one_pass(&mut self, world: &World, job: &Job) -> Result<()> {
        self.equals_one_pass_but(world, job, 0)
    }

    /// The same, where so many records more must have been rejected.
    pub(crate) fn equals_one_pass_but(
        &mut self,
        world: &World,
        job: &Job,
        rejected: u64,
    ) -> Result<()> {
        let made = world.made()?;
        let (generator, oracle) = (&made.generator, &made.oracle);
        let right = Answer::right(generator, oracle)?;
        let data = job.data();
        Answer::of_views(&mut job.reader()?)?.must_be(&right, "Redis")?;
        Answer::of_tables(&data)?.must_be(&right, "the tables")?;
        let (pairs, wanted) = (pairs_of_table(&data)?, right_pairs(generator, oracle));
        ensure!(
            pairs == wanted,
            "the table of likes holds the pairs {pairs:?}, not {wanted:?}"
        );
        let [counted, mut wanted] = [accounting_of_table(&data)?, right_accounting(oracle)];
        wanted[0] += rejected;
        wanted[5] += rejected;
        let [read, outcomes @ ..] = counted;
        let residual = read.cast_signed() - outcomes.iter().sum::<u64>().cast_signed();
        ensure!(residual == 0, "the accounting does not close: {counted:?}");
        let lost = wanted[0].saturating_sub(read);
        let doubled = read.saturating_sub(wanted[0]);
        ensure!(
            counted == wanted,
            "read, applied, unchanged, duplicate, superseded, rejected are {counted:?}, not {wanted:?}: \
             {lost} lost, {doubled} doubled"
        );
        let kept = rejected_places(&data)?;
        ensure!(
            kept == wanted[5],
            "{kept} rejected records are kept, not {}",
            wanted[5]
        );
        let verdict = &mut self.verdict;
        verdict.compared("records accounted for", read);
        verdict.compared("rejected records kept with their bytes", kept);
        verdict.compared("characters", right.characters.len() as u64);
        verdict.compared("like counts", right.likes.len() as u64);
        verdict.compared("pairs of account and target", pairs.0.cast_unsigned());
        Ok(())
    }

    /// A time between two.
    pub(crate) fn time(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.chance.random_range(from..to))
    }
}

/// Number of rejected records; none stands twice.
fn rejected_places(folder: &Path) -> Result<u64> {
    let lake = Lake::open(&folder.join("tables"))?;
    let mut places = BTreeSet::new();
    let Some(view) = lake.view(Relation::Rejected)? else {
        return Ok(0);
    };
    for batch in view.scan().batches()? {
        let batch = batch?;
        let topics = batch["topic"].as_string::<i32>();
        let partitions = batch["partition"].as_primitive::<Int32Type>();
        let offsets = batch["record_offset"].as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let place = (
                topics.value(row).to_owned(),
                partitions.value(row),
                offsets.value(row),
            );
            ensure!(!places.contains(&place), "{place:?} is rejected twice");
            places.insert(place);
        }
    }
    Ok(places.len() as u64)
}

/// Removes a folder; what is left of it is named.
pub(crate) fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "not removed");
    }
}

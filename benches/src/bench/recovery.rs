//! Starts of a job that was killed: its state comes from the input tables, and new records wait in the source.
//!
//! The generator's records are read from files by a real job, which fills the folder. Then the files go, as a topic
//! forgets what is old, and each start finds some more records of the same generator behind what is sealed. In the
//! end the views and the table of accounting must be what the generator's model says of all records: duplicates of
//! and versions before the kills included, so that what was restored is what was there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use model::{Millis, PartitionId, RawRecord};
use runtime::JobFolder;
use sources::file::{Compression, RecordFile};
use sources::generator::{FileSet, Generator, GeneratorConfig, Oracle, into_files_while};
use views::SqliteStore;

use super::Size;
use crate::answer::{self, Answer, accounting_of_table};
use crate::figure::{Bound, Figure};
use crate::job;
use crate::start::{Started, start_and_kill};

/// New records that wait for each start.
const NEW_RECORDS: u64 = 200;
/// Names a folder that keeps the filled job between runs: for work on the start itself.
const KEEP: &str = "BENCHES_KEEP";
/// Characters in place of those of the size; there are two and a half times as many likes.
const CHARACTERS: &str = "BENCHES_CHARACTERS";

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    let characters = characters(size.of(2_000, 1_000_000))?;
    let temporary = tempfile::tempdir()?;
    let kept = std::env::var_os(KEEP).map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let mut world = Filled::new(&folder, characters)?;
    let starts = size.of(1, 3);
    // The views are empty still: all that the job holds is written, which shows what it holds.
    let first = world.start()?;
    let mut cold = Vec::new();
    for _ in 0..starts {
        world.forget_prices()?;
        cold.push(world.start()?);
    }
    let mut warm = Vec::new();
    for _ in 0..starts {
        warm.push(world.start()?);
    }
    world.check()?;

    let what = format!("{characters} characters and {} likes", world.likes);
    let rows = first.loaded_rows;
    let mut figures = Vec::new();
    for (memo, runs) in [("no memo of prices", &cold), ("a memo of prices", &warm)] {
        let figure = |name: &str, value: fn(&Started) -> f64| {
            Figure::new(
                format!("{what}, {memo}: {name}"),
                "s",
                runs.iter().map(value).collect(),
            )
        };
        let cost = |value: fn(&Started) -> f64| runs.iter().map(value).collect();
        let peaks = runs.iter().map(|run| run.peak_bytes).collect();
        figures.extend([
            figure("progress is shown", |run| run.progress_seconds).floor(Bound::AtMost(1.0)),
            figure("all sinks are open and fenced", |run| run.open_seconds),
            figure(&format!("{rows} rows are loaded"), |run| run.loaded_seconds),
            figure("live", |run| run.live_seconds),
            figure("new records are shown", |run| run.shown_seconds)
                .goal(Bound::AtMost(10.0))
                .cost(cost(|run| run.cpu_seconds), peaks),
        ]);
    }
    Ok(figures)
}

/// How many characters there are to be, unless the environment says otherwise.
pub(super) fn characters(number: u32) -> Result<u32> {
    std::env::var(CHARACTERS).map_or(Ok(number), |number| number.parse().context(CHARACTERS))
}

/// A job whose folder is filled.
struct Filled {
    folder: PathBuf,
    generator: Generator,
    oracle: Oracle,
    likes: u64,
    /// The source now: the last records that are sealed, and all after them.
    records: Vec<Owned>,
    /// The sum of the next offsets of all partitions.
    offsets: i64,
    /// Records that were generated.
    read: u64,
}

/// A generated record.
struct Owned {
    partition: PartitionId,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    timestamp_millis: Millis,
    offset: i64,
}

impl Owned {
    fn of(partition: PartitionId, record: RawRecord<'_>) -> Self {
        Self {
            partition,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            timestamp_millis: record.timestamp_millis,
            offset: record.offset,
        }
    }
}

impl Filled {
    fn new(folder: &Path, characters: u32) -> Result<Self> {
        let likes = u64::from(characters) * 5 / 2;
        let equipment = u64::from(characters) * 5 / 4;
        let more = 40_000;
        let config = GeneratorConfig {
            characters,
            accounts: characters,
            equipment: equipment + more,
            likes: likes + more,
            ..GeneratorConfig::default()
        };
        let mut generator = Generator::new(config)?;
        let mut oracle = Oracle::new(i64::MAX);
        let mut last = std::collections::BTreeMap::new();
        let source = folder.join("source");
        // How many records a kept folder has read.
        let read = fs::read_to_string(folder.join("read")).ok();
        let read: Option<u64> = read.map(|read| read.parse()).transpose()?;
        fs::create_dir_all(&source)?;
        let fill = equipment + likes;
        let mut see = |generated: &sources::generator::GeneratedRecord<'_>| {
            oracle.see(
                generated.partition,
                generated.record.timestamp_millis,
                &generated.fact,
            );
            last.insert(
                generated.partition,
                Owned::of(generated.partition, generated.record),
            );
        };
        if let Some(read) = read {
            for _ in 0..fill.min(read) {
                see(&generator.next().context("generate a record")?);
            }
        } else {
            into_files_while(
                &mut generator,
                &source,
                FileSet::Partitions,
                Compression::Plain,
                |generated, written| {
                    see(generated);
                    written.records < fill
                },
            )?;
            let file = job_file(folder, "none", &source)?;
            job::run(&file)?;
            fs::remove_dir_all(&source)?;
        }
        let records: Vec<Owned> = last.into_values().collect();
        let mut filled = Self {
            folder: folder.to_owned(),
            generator,
            oracle,
            likes,
            offsets: records.iter().map(|record| record.offset + 1).sum(),
            records,
            read: fill,
        };
        filled.more(read.unwrap_or(0).saturating_sub(fill))?;
        Ok(filled)
    }

    /// So many more records than there were.
    fn more(&mut self, records: u64) -> Result<()> {
        for _ in 0..records {
            let generated = self.generator.next().context("generate a record")?;
            let timestamp = generated.record.timestamp_millis;
            self.oracle
                .see(generated.partition, timestamp, &generated.fact);
            let owned = Owned::of(generated.partition, generated.record);
            self.records.push(owned);
            self.offsets += 1;
        }
        self.read += records;
        fs::write(self.folder.join("read"), self.read.to_string())?;
        Ok(())
    }

    /// Starts the job with new records in its source, and kills it once they are shown.
    fn start(&mut self) -> Result<Started> {
        self.more(NEW_RECORDS)?;
        let source = self.folder.join("records.jsonl");
        let mut file = RecordFile::create(&source, Compression::Plain)?;
        for record in &self.records {
            let raw = RawRecord {
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                timestamp_millis: record.timestamp_millis,
                offset: record.offset,
                replays: None,
            };
            file.write(record.partition, raw)?;
        }
        file.finish()?;
        start_and_kill(&job_file(&self.folder, "embedded", &source)?, self.offsets)
    }

    fn forget_prices(&self) -> Result<()> {
        let prices = self.folder.join("data/prices");
        if prices.exists() {
            fs::remove_dir_all(prices)?;
        }
        Ok(())
    }

    /// Lets the job come to its end, and compares all that it holds with the generator's model.
    fn check(&mut self) -> Result<()> {
        self.start()?;
        let source = self.folder.join("records.jsonl");
        job::run(&job_file(&self.folder, "embedded", &source)?)?;
        let right = Answer::right(&self.generator, &self.oracle)?;
        let views = JobFolder::open(self.folder.join("data"))?.views();
        let mut reader = SqliteStore::open_read_only(&views)?;
        Answer::of_views(&mut reader)?.must_be(&right, "the embedded store")?;
        answer::of_tables(&self.folder)?.must_be(&right, "the tables")?;
        let (got, wanted) = (
            accounting_of_table(&self.folder)?,
            drill::answer::right_accounting(&self.oracle),
        );
        ensure!(
            got == wanted,
            "the table of accounting says {got:?}, not {wanted:?}"
        );
        Ok(())
    }
}

/// Writes the job file.
fn job_file(folder: &Path, views: &str, source: &Path) -> Result<PathBuf> {
    let text = format!(
        "job = \"bench-recovery\"\nfolder = \"data\"\n[source]\nkind = \"files\"\npaths = [{:?}]\n\
         [views]\nkind = \"{views}\"\n",
        source.display().to_string()
    );
    let file = folder.join("job.toml");
    fs::write(&file, text).context("write the job file")?;
    Ok(file)
}

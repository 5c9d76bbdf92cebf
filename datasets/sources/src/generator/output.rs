//! Generated records into files and into Kafka.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use model::{PartitionId, Topic};

use super::{GeneratedRecord, Generator, Oracle};
use crate::SourceError;
use crate::file::{Compression, RecordFile};
use crate::kafka::KafkaWriter;

/// How often the pace is compared with the clock.
const PACE_STEP: Duration = Duration::from_millis(2);

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// Number of records.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl Generated {
    fn add(&mut self, generated: &GeneratedRecord<'_>) {
        let parts = [generated.record.key, generated.record.value];
        self.records += 1;
        self.bytes += parts
            .into_iter()
            .flatten()
            .map(|part| part.len() as u64)
            .sum::<u64>();
    }
}

/// How generated records are laid out in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSet {
    /// One file a partition, e.g. `like.toggle-0.jsonl`. A source reads each only where it must.
    Partitions,
    /// All records in one file, `records.jsonl`, in the order of their timestamps.
    One,
}

/// Writes all remaining records into files of `folder`, which must exist.
///
/// - `oracle`: what is to see them, if anything.
/// - returns the files, and what was written.
pub fn into_files(
    generator: &mut Generator,
    folder: &Path,
    set: FileSet,
    compression: Compression,
    mut oracle: Option<&mut Oracle>,
) -> Result<(Vec<PathBuf>, Generated), SourceError> {
    into_files_while(generator, folder, set, compression, |generated, _| {
        if let Some(oracle) = &mut oracle {
            oracle.see(
                generated.partition,
                generated.record.timestamp_millis,
                &generated.fact,
            );
        }
        true
    })
}

/// Writes the remaining records into files of `folder`, which must exist, until all are written or
/// `go_on` says no. It is called after each record, with that record and what was written so far.
///
/// - returns the files, which are whole in either case, and what was written.
pub fn into_files_while(
    generator: &mut Generator,
    folder: &Path,
    set: FileSet,
    compression: Compression,
    mut go_on: impl FnMut(&GeneratedRecord<'_>, Generated) -> bool,
) -> Result<(Vec<PathBuf>, Generated), SourceError> {
    let mut files: BTreeMap<PathBuf, RecordFile> = BTreeMap::new();
    let mut paths: BTreeMap<PartitionId, PathBuf> = BTreeMap::new();
    let mut written = Generated::default();
    while let Some(generated) = generator.next() {
        let PartitionId { topic, partition } = generated.partition;
        let path = paths.entry(generated.partition).or_insert_with(|| {
            let name = match set {
                FileSet::Partitions => format!("{topic}-{partition}"),
                FileSet::One => "records".to_owned(),
            };
            folder.join(name + compression.suffix())
        });
        if !files.contains_key(path) {
            files.insert(path.clone(), RecordFile::create(path, compression)?);
        }
        if let Some(file) = files.get_mut(path) {
            file.write(generated.partition, generated.record)?;
        }
        written.add(&generated);
        if !go_on(&generated, written) {
            break;
        }
    }
    let names = files.keys().cloned().collect();
    for file in files.into_values() {
        file.finish()?;
    }
    Ok((names, written))
}

/// Writes up to `records` of the remaining records to topics and waits until the broker has them.
///
/// - `topics`: as of [`into_kafka_while`].
/// - `records_per_second`: the pace by the machine's clock; `None` is as fast as it goes.
/// - `oracle`: what is to see them, if anything.
pub fn into_kafka(
    generator: &mut Generator,
    writer: &mut KafkaWriter,
    topics: &BTreeMap<Topic, String>,
    records: u64,
    records_per_second: Option<f64>,
    mut oracle: Option<&mut Oracle>,
) -> Result<Generated, SourceError> {
    if records == 0 {
        return Ok(Generated::default());
    }
    let begin = Instant::now();
    into_kafka_while(generator, writer, topics, |generated, written| {
        if let Some(oracle) = &mut oracle {
            oracle.see(
                generated.partition,
                generated.record.timestamp_millis,
                &generated.fact,
            );
        }
        if let Some(pace) = records_per_second {
            let due = begin + Duration::from_secs_f64(written.records as f64 / pace);
            let early = due.saturating_duration_since(Instant::now());
            if early >= PACE_STEP {
                thread::sleep(early);
            }
        }
        written.records < records
    })
}

/// Writes the remaining records to topics until all are written or `go_on` says no, and waits until the
/// broker has them. `go_on` is called after each record, with that record and what was written so far.
///
/// - `topics`: names on the broker; topics that are absent have their default name. They must exist
///   with as many partitions as the generator's configuration says.
pub fn into_kafka_while(
    generator: &mut Generator,
    writer: &mut KafkaWriter,
    topics: &BTreeMap<Topic, String>,
    mut go_on: impl FnMut(&GeneratedRecord<'_>, Generated) -> bool,
) -> Result<Generated, SourceError> {
    let mut written = Generated::default();
    while let Some(generated) = generator.next() {
        let PartitionId { topic, partition } = generated.partition;
        let record = generated.record;
        writer.send(
            topics.get(&topic).map_or(topic.name(), String::as_str),
            Some(partition),
            record.key,
            record.value,
            Some(record.timestamp_millis),
        )?;
        written.add(&generated);
        if !go_on(&generated, written) {
            break;
        }
    }
    writer.flush()?;
    Ok(written)
}

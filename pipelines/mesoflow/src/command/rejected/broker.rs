//! The broker's side of a replay: what the topic holds of it, and publishing the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use model::{Millis, PartitionId, RawRecord};
use runtime::acts::{Published, RecordPlace};
use runtime::config::Job;
use sources::kafka::KafkaWriter;
use sources::{KafkaConfig, KafkaSource, Limits, Polled, RecordBatch, Source as _, StopFlag};

use super::target::Replay;
use crate::failure::Failed as _;

/// How long the broker may take to answer, and to show what it took.
const PATIENCE: Duration = Duration::from_secs(30);

const LIMITS: Limits = Limits {
    records: 1_000,
    bytes: 8 << 20,
};

const LOOK: &str = "see whether the broker is there (`mesoflow doctor`); then `mesoflow rejected resume` finishes what was begun, and doubles nothing";

/// The topics of a job.
pub(super) struct Broker {
    config: KafkaConfig,
    source: KafkaSource,
}

impl Broker {
    /// The broker of a job that reads topics.
    pub(super) fn of(job: &Job) -> Result<Self> {
        let mut config = crate::job::kafka_config(job, &StopFlag::default())?;
        config.give_up_after = Some(PATIENCE);
        let source = KafkaSource::new(config.clone())
            .advise("correct [source] of the job file: broker and topics")?;
        Ok(Self { config, source })
    }

    /// Whether the job reads such a topic.
    pub(super) fn has(&self, place: RecordPlace) -> bool {
        self.config.topics.contains_key(&place.topic) && place.partition >= 0
    }

    /// Where these partitions end now.
    pub(super) fn ends(&self, partitions: &BTreeSet<PartitionId>) -> Result<Vec<RecordPlace>> {
        let ends = self.source.end_offsets().advise(LOOK)?;
        partitions
            .iter()
            .map(|partition| {
                let &offset = ends
                    .get(partition)
                    .with_context(|| format!("there is no partition {partition} any more"))
                    .advise("a record goes back to its own partition: restore the topic")?;
                Ok(RecordPlace {
                    topic: partition.topic,
                    partition: partition.partition,
                    offset,
                })
            })
            .collect()
    }

    /// Publishes records, and waits until all of them are acknowledged.
    pub(super) fn publish(&self, replays: &[Replay], ends: &[RecordPlace]) -> Result<()> {
        let mut newest = BTreeMap::new();
        for end in ends {
            newest.insert(end.partition(), self.newest(*end)?);
        }
        let mut writer = KafkaWriter::new(self.config.clone()).advise(LOOK)?;
        for replay in replays {
            let place = replay.row.place;
            let name = &self.config.topics[&place.topic];
            // A replay must not move the clock of its partition, by which event ids are forgotten, and must not be the
            // first that retention deletes: it is as young as the newest record there.
            let newest = newest.get(&place.partition()).copied().flatten();
            let record = RawRecord {
                key: replay.row.key.as_deref(),
                value: replay.value.as_deref(),
                timestamp_millis: newest.max(Some(replay.row.timestamp)).unwrap_or_default(),
                offset: place.offset,
                replays: Some(replay.original.offset),
            };
            writer
                .replay(name, place.partition, record, replay.row.timestamp)
                .advise(LOOK)?;
        }
        writer.flush().advise(LOOK)
    }

    /// The timestamp of the newest record below an end.
    fn newest(&self, end: RecordPlace) -> Result<Option<Millis>> {
        let partition = end.partition();
        let starts = self.source.start_offsets().advise(LOOK)?;
        let start = starts.get(&partition).copied().unwrap_or_default();
        // The last offsets may be those of markers and of aborted records.
        let mut newest = None;
        let mut back = 1;
        while newest.is_none() && end.offset - back >= start {
            let from = RecordPlace {
                offset: end.offset - back,
                ..end
            };
            self.read(from, end.offset, |record| {
                newest = Some(record.timestamp_millis);
            })?;
            back *= 16;
        }
        Ok(newest)
    }

    /// Which of the replays stand in the topics, at or above `ends`, and where. Of several the first counts.
    pub(super) fn look(&self, replays: &[Replay], ends: &[RecordPlace]) -> Result<Vec<Published>> {
        let now = self.source.end_offsets().advise(LOOK)?;
        let mut found: BTreeMap<RecordPlace, i64> = BTreeMap::new();
        for &from in ends {
            let end = now.get(&from.partition()).copied().unwrap_or_default();
            self.read(from, end, |record| {
                if let Some(offset) = record.replays {
                    let original = RecordPlace { offset, ..from };
                    found.entry(original).or_insert(record.offset);
                }
            })?;
        }
        let published = replays.iter().filter_map(|replay| {
            Some(Published {
                record: replay.row.place,
                replayed_at: *found.get(&replay.original)?,
            })
        });
        Ok(published.collect())
    }

    /// The same, until all of them are seen.
    pub(super) fn look_for_all(
        &self,
        replays: &[Replay],
        ends: &[RecordPlace],
    ) -> Result<Vec<Published>> {
        let begun = Instant::now();
        loop {
            let published = self.look(replays, ends)?;
            if published.len() == replays.len() {
                return Ok(published);
            }
            if begun.elapsed() > PATIENCE {
                return Err(anyhow!(
                    "{} of {} published records are not seen in the topics yet",
                    replays.len() - published.len(),
                    replays.len()
                ))
                .advise(
                    "a transaction of someone else may be open there; `mesoflow rejected resume` looks again, and doubles nothing",
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Reads a partition from a place to an end.
    fn read(&self, from: RecordPlace, end: i64, mut each: impl FnMut(RawRecord<'_>)) -> Result<()> {
        if from.offset >= end {
            return Ok(());
        }
        let mut reader = self
            .source
            .open(from.partition(), from.offset)
            .advise(LOOK)?;
        let mut batch = RecordBatch::new();
        let mut heard = Instant::now();
        loop {
            let wait = Duration::from_millis(200);
            match reader
                .poll(&mut batch, LIMITS, Some(end), wait)
                .advise(LOOK)?
            {
                Polled::Records => {
                    heard = Instant::now();
                    batch.iter().for_each(&mut each);
                }
                Polled::End => return Ok(()),
                Polled::Idle if heard.elapsed() > PATIENCE => {
                    return Err(anyhow!(
                        "read {} from offset {} to {end}: nothing comes",
                        from.partition(),
                        reader.next_offset()
                    ))
                    .advise(LOOK);
                }
                Polled::Idle => {}
            }
        }
    }
}

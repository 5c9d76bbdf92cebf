//! Reads one partition from its own queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::record::REPLAYS_HEADER;
use model::{Millis, PartitionId, RawRecord};
use rdkafka::consumer::Consumer;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers as _, Message};
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, warn};

use super::context::{Context, is_transient_code};
use super::source::KafkaClient;
use crate::{Limits, PartitionReader, Polled, RecordBatch, SourceError, Wake};

/// Reads one partition. Not being read, it holds at most its queue in memory.
pub(super) struct KafkaReader {
    // Dropped before the client, whose last holder closes the consumer.
    queue: PartitionQueue<Context>,
    client: Arc<KafkaClient>,
    name: String,
    partition: PartitionId,
    /// All records below it were handed out.
    next_offset: i64,
    /// All records below it were taken from the queue; above `next_offset` where a batch was cut.
    taken: i64,
    /// A record behind the cut, to be handed out next.
    held: RecordBatch,
    /// The queue's last word was that the partition ends here.
    at_end: bool,
    /// The cut for which the partition was opened once more to learn whether it was passed.
    settled: Option<i64>,
    /// Called when the queue is no longer empty.
    wake: Option<Wake>,
}

/// What the queue gave.
enum Taken {
    Record,
    Cut,
    End,
    Nothing,
}

impl KafkaReader {
    pub(super) fn open(
        client: Arc<KafkaClient>,
        partition: PartitionId,
        name: String,
        next_offset: i64,
    ) -> Result<Self, SourceError> {
        let queue = assign(&client, partition, &name, next_offset)?;
        Ok(Self {
            queue,
            client,
            name,
            partition,
            next_offset,
            taken: next_offset,
            held: RecordBatch::new(),
            at_end: false,
            settled: None,
            wake: None,
        })
    }

    /// Takes one message from the queue into `batch`, or into `held` if it lies behind the cut.
    fn take(
        &mut self,
        batch: &mut RecordBatch,
        stop_at: Option<i64>,
        timeout: Duration,
    ) -> Result<Taken, SourceError> {
        // librdkafka waits for whole milliseconds: what is left of one would be a spin, not a wait.
        let timeout = Duration::from_millis(timeout.as_micros().div_ceil(1_000) as u64);
        match self.queue.poll(timeout) {
            None => Ok(Taken::Nothing),
            Some(Ok(message)) => {
                let record = record_of(&message);
                self.at_end = false;
                if stop_at.is_some_and(|stop| record.offset >= stop) {
                    self.taken = record.offset;
                    self.held.push(record);
                    return Ok(Taken::Cut);
                }
                self.taken = record.offset + 1;
                batch.push(record);
                Ok(Taken::Record)
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                self.at_end = true;
                self.taken = self.taken.max(self.position()?);
                Ok(Taken::End)
            }
            Some(Err(source)) => self.hear(source).map(|()| Taken::Nothing),
        }
    }

    /// An error in place of a record: passes if librdkafka goes on by itself.
    fn hear(&self, source: KafkaError) -> Result<(), SourceError> {
        let partition = self.partition;
        match source.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::LogTruncation,
            ) => {
                let (low, high) = self.client.watermarks(partition)?;
                Err(SourceError::OffsetGone {
                    partition,
                    next_offset: self.taken,
                    available: low..high,
                })
            }
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition,
            ) => Err(self.client.unknown_partition(partition)),
            Some(code) if is_transient_code(code) => {
                self.client
                    .status()
                    .away(format!("read {partition}: {source}"));
                Ok(())
            }
            _ => Err(SourceError::Kafka {
                doing: format!("read {partition} at offset {}", self.taken),
                source,
            }),
        }
    }

    /// Where librdkafka stands: behind transaction markers, which are no records.
    fn position(&self) -> Result<i64, SourceError> {
        let positions = self
            .client
            .consumer
            .position()
            .map_err(|source| SourceError::Kafka {
                doing: format!("ask for the position in {}", self.partition),
                source,
            })?;
        let place = positions.find_partition(&self.name, self.partition.partition);
        Ok(match place.map(|place| place.offset()) {
            Some(Offset::Offset(offset)) => offset,
            // Nothing was read yet.
            _ => self.taken,
        })
    }

    /// Decides whether a cut was passed where the partition ends in front of it.
    ///
    /// A partition whose last records were compacted away ends in front of offsets that were its
    /// end. A partition that is opened *after* the cut was chosen and then ends has no record below
    /// the cut, if the cut is not behind the end.
    fn settle(&mut self, stop: i64) -> Result<(), SourceError> {
        let (low, high) = self.client.watermarks(self.partition)?;
        if stop > high {
            return Err(SourceError::OffsetGone {
                partition: self.partition,
                next_offset: stop,
                available: low..high,
            });
        }
        if self.settled == Some(stop) {
            self.taken = stop;
            return Ok(());
        }
        debug!(partition = %self.partition, self.taken, stop, "open again to see what lies below the cut");
        unassign(&self.client, self.partition, &self.name);
        self.queue = assign(&self.client, self.partition, &self.name, self.taken)?;
        if let Some(wake) = self.wake.clone() {
            self.queue.set_nonempty_callback(move || wake());
        }
        self.at_end = false;
        self.settled = Some(stop);
        Ok(())
    }

    /// Moves `next_offset` over everything that was taken, up to the cut.
    fn advance(&mut self, stop_at: Option<i64>) {
        let to = stop_at.map_or(self.taken, |stop| self.taken.min(stop));
        self.next_offset = self.next_offset.max(to);
    }

    /// Hands out the held record, if it lies in front of the cut.
    fn release(&mut self, batch: &mut RecordBatch, stop_at: Option<i64>) {
        let Some(record) = self.held.get(0) else {
            return;
        };
        if stop_at.is_none_or(|stop| record.offset < stop) {
            batch.push(record);
            self.taken = record.offset + 1;
            self.held.clear();
        }
    }
}

impl PartitionReader for KafkaReader {
    fn partition(&self) -> PartitionId {
        self.partition
    }

    fn wake_with(&mut self, wake: Wake) {
        let called = Arc::clone(&wake);
        self.queue.set_nonempty_callback(move || called());
        self.wake = Some(wake);
    }

    fn next_offset(&self) -> i64 {
        self.next_offset
    }

    fn poll(
        &mut self,
        batch: &mut RecordBatch,
        limits: Limits,
        stop_at: Option<i64>,
        timeout: Duration,
    ) -> Result<Polled, SourceError> {
        batch.clear();
        let deadline = Instant::now() + timeout;
        self.advance(stop_at);
        if stop_at.is_some_and(|stop| self.next_offset >= stop) {
            return Ok(Polled::End);
        }
        if self.client.consumer.context().is_misrouted() {
            return Err(SourceError::Misrouted {
                partition: self.partition,
            });
        }
        self.release(batch, stop_at);
        let before_cut = |taken: i64| stop_at.is_none_or(|stop| taken < stop);
        while !limits.are_reached_by(batch) && before_cut(self.taken) {
            let wait = if batch.is_empty() {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            match self.take(batch, stop_at, wait)? {
                Taken::Record => {}
                Taken::Cut => break,
                Taken::End => {
                    self.client.status().up();
                    if batch.is_empty() {
                        continue;
                    }
                    break;
                }
                Taken::Nothing if batch.is_empty() => {
                    if let Some(stop) = stop_at
                        && self.at_end
                    {
                        self.settle(stop)?;
                    }
                    if Instant::now() >= deadline {
                        break;
                    }
                }
                Taken::Nothing => break,
            }
        }
        self.advance(stop_at);
        if !batch.is_empty() {
            self.client.status().up();
            return Ok(Polled::Records);
        }
        Ok(match stop_at {
            Some(stop) if self.next_offset >= stop => Polled::End,
            _ => Polled::Idle,
        })
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        unassign(&self.client, self.partition, &self.name);
    }
}

fn assign(
    client: &Arc<KafkaClient>,
    partition: PartitionId,
    name: &str,
    next_offset: i64,
) -> Result<PartitionQueue<Context>, SourceError> {
    let kafka = |source| SourceError::Kafka {
        doing: format!("open {partition} at offset {next_offset}"),
        source,
    };
    // Split first: no record may go to the main queue between the two.
    let queue = client
        .consumer
        .split_partition_queue(name, partition.partition)
        .ok_or_else(|| client.unknown_partition(partition))?;
    let place = list(name, partition, Offset::Offset(next_offset)).map_err(kafka)?;
    match client.consumer.incremental_assign(&place) {
        Ok(()) => Ok(queue),
        // The one error that this call gives by its name only.
        Err(KafkaError::Subscription(name)) if name == "_CONFLICT" => {
            Err(SourceError::AlreadyOpen { partition })
        }
        Err(source) => Err(kafka(source)),
    }
}

/// Stops fetching; a failure leaves a queue that nobody reads, within its bound.
fn unassign(client: &KafkaClient, partition: PartitionId, name: &str) {
    let done = list(name, partition, Offset::Invalid)
        .and_then(|place| client.consumer.incremental_unassign(&place));
    if let Err(error) = done {
        warn!(%partition, %error, "partition is not released");
    }
}

fn list(name: &str, partition: PartitionId, offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(name, partition.partition, offset)?;
    Ok(list)
}

fn record_of<'a>(message: &'a BorrowedMessage<'_>) -> RawRecord<'a> {
    RawRecord {
        key: message.key(),
        value: message.payload(),
        // Messages of formats before 0.10 have none; they never move the running maximum.
        timestamp_millis: Millis(message.timestamp().to_millis().unwrap_or(0)),
        offset: message.offset(),
        // librdkafka tells at once where there are no headers.
        replays: message.headers().and_then(replays_of),
    }
}

/// The record that a message replays, if it says that it does; -1 where it says so and no offset.
fn replays_of(headers: &BorrowedHeaders) -> Option<i64> {
    let mut headers = headers.iter();
    let header = headers.find(|header| header.key == REPLAYS_HEADER)?;
    let text = std::str::from_utf8(header.value.unwrap_or_default());
    Some(text.ok().and_then(|text| text.parse().ok()).unwrap_or(-1))
}

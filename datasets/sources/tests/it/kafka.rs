//! A real broker. `MESOFLOW_TEST_KAFKA` names it; the test command starts one.

use std::collections::BTreeMap;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::record::REPLAYS_HEADER;
use model::{Millis, PartitionId, RawRecord, Topic};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use sources::generator::{Generator, GeneratorConfig, Oracle, into_kafka};
use sources::kafka::{KafkaAdmin, KafkaWriter, NewTopic};
use sources::{Availability, KafkaConfig, KafkaSource, Polled, RecordBatch, Source, SourceError};

use crate::reading::{LIMITS, Owned, read_all, read_to};

const PATIENCE: Duration = Duration::from_secs(30);

fn likes(partition: i32) -> PartitionId {
    PartitionId {
        topic: Topic::Likes,
        partition,
    }
}

fn broker() -> String {
    std::env::var("MESOFLOW_TEST_KAFKA").expect(
        "MESOFLOW_TEST_KAFKA must be the host:port of a Kafka broker; the test command starts one",
    )
}

/// Topics of one test, under names of their own, deleted at its end.
struct Topics {
    config: KafkaConfig,
    admin: KafkaAdmin,
}

impl Topics {
    /// No topic yet.
    fn named() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let test = format!("sources-{}-{}-{count}", process::id(), now.as_millis());
        let mut config = KafkaConfig::new(broker());
        config.group.clone_from(&test);
        config.give_up_after = Some(PATIENCE);
        for name in config.topics.values_mut() {
            *name = format!("{test}-{name}");
        }
        let admin = KafkaAdmin::new(config.clone()).unwrap();
        Self { config, admin }
    }

    /// `like.toggle` alone, with its own clock.
    fn likes(partitions: i32) -> Self {
        let topics = Self::named();
        topics.create(Topic::Likes, partitions);
        topics
    }

    fn create(&self, topic: Topic, partitions: i32) {
        let mut new = NewTopic::input(topic, self.name(topic));
        new.partitions = partitions;
        let clock = ("message.timestamp.type".to_owned(), "CreateTime".to_owned());
        new.settings.extend([clock]);
        self.admin.create_topics(&[new]).unwrap();
    }

    fn name(&self, topic: Topic) -> &str {
        &self.config.topics[&topic]
    }

    fn source(&self) -> KafkaSource {
        KafkaSource::new(self.config.clone()).unwrap()
    }

    /// Writes `count` records to a partition of likes.
    fn write(&self, partition: i32, count: i64) {
        let mut writer = KafkaWriter::new(self.config.clone()).unwrap();
        for number in 0..count {
            let value = format!("{partition}:{number}");
            writer
                .send(
                    self.name(Topic::Likes),
                    Some(partition),
                    (number % 2 == 0).then_some(b"key"),
                    (number % 7 != 6).then_some(value.as_bytes()),
                    Some(Millis(1_000 + number)),
                )
                .unwrap();
        }
        writer.flush().unwrap();
        assert_eq!(writer.acknowledged(), count as u64);
    }

    fn transactional(&self) -> BaseProducer {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.config.bootstrap_servers)
            .set("transactional.id", &self.config.group)
            .create()
            .unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer
    }

    fn send(&self, producer: &BaseProducer, value: &str) {
        let record = BaseRecord::<(), str>::to(self.name(Topic::Likes));
        producer.send(record.partition(0).payload(value)).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        let names: Vec<_> = self.config.topics.values().map(String::as_str).collect();
        // A test that fails already says why.
        drop(self.admin.delete_topics(&names));
    }
}

fn values(records: &[Owned]) -> Vec<String> {
    let values = records.iter().map(|record| record.value.clone().unwrap());
    values
        .map(|value| String::from_utf8(value).unwrap())
        .collect()
}

#[test]
fn three_partitions_are_read_by_a_thread_each() {
    let topics = Topics::likes(3);
    for partition in 0..3 {
        topics.write(partition, 20_000 + i64::from(partition));
    }
    let source = topics.source();
    assert_eq!(source.partitions().unwrap(), [0, 1, 2].map(likes));

    let readers = [0, 1, 2].map(|partition| source.open(likes(partition), 0).unwrap());
    let threads = readers.map(|mut reader| {
        thread::spawn(move || {
            let end = 20_000 + i64::from(reader.partition().partition);
            (read_to(&mut *reader, end), reader.next_offset())
        })
    });

    for (partition, thread) in threads.into_iter().enumerate() {
        let (records, next_offset) = thread.join().unwrap();
        assert_eq!(next_offset, 20_000 + partition as i64);
        for (number, record) in records.iter().enumerate() {
            let value = format!("{partition}:{number}").into_bytes();
            assert_eq!(record.offset, number as i64);
            assert_eq!(record.timestamp_millis, 1_000 + number as i64);
            assert_eq!(record.key, (number % 2 == 0).then(|| b"key".to_vec()));
            assert_eq!(record.value, (number % 7 != 6).then_some(value));
        }
    }
    assert_eq!(source.status().availability, Availability::Up);
}

#[test]
fn a_batch_is_cut_exactly_at_a_next_offset() {
    let topics = Topics::likes(1);
    topics.write(0, 3_000);
    let source = topics.source();
    let mut reader = source.open(likes(0), 10).unwrap();

    let mut offsets = Vec::new();
    for stop_at in [10, 11, 500, 1_999, 3_000] {
        let records = read_to(&mut *reader, stop_at);
        offsets.extend(records.iter().map(|record| record.offset));
        assert_eq!(reader.next_offset(), stop_at);
        assert_eq!(offsets.last().map_or(10, |last| last + 1), stop_at);
    }

    assert_eq!(offsets, (10..3_000).collect::<Vec<_>>());
}

#[test]
fn a_replay_says_which_record_it_replays_and_others_do_not() {
    let topics = Topics::likes(1);
    topics.write(0, 3);
    let mut writer = KafkaWriter::new(topics.config.clone()).unwrap();
    let record = RawRecord {
        key: Some(b"key"),
        value: Some(b"right"),
        timestamp_millis: Millis(7_000),
        offset: 0,
        replays: Some(1),
    };
    writer
        .replay(topics.name(Topic::Likes), 0, record, Millis(1_001))
        .unwrap();
    writer.flush().unwrap();
    // Headers of others, and one that is no offset.
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker())
        .create()
        .unwrap();
    for (key, value) in [("traceparent", "1"), (REPLAYS_HEADER, "one")] {
        let value = Some(value);
        let headers = OwnedHeaders::new().insert(Header { key, value });
        let message = BaseRecord::<(), str>::to(topics.name(Topic::Likes));
        let message = message.partition(0).payload("x").headers(headers);
        producer.send(message).unwrap();
    }
    producer.flush(PATIENCE).unwrap();

    let records = read_all(&topics.source()).remove(&likes(0)).unwrap();
    let replays: Vec<_> = records.iter().map(|record| record.replays).collect();
    assert_eq!(replays, [None, None, None, Some(1), None, Some(-1)]);
    assert_eq!(records[3].value.as_deref(), Some(&b"right"[..]));
    assert_eq!(records[3].timestamp_millis, 7_000);
}

#[test]
fn a_reader_waits_for_what_comes_and_says_so() {
    let topics = Topics::likes(1);
    let source = topics.source();
    let mut reader = source.open(likes(0), 0).unwrap();
    let mut batch = RecordBatch::new();
    let mut poll = || reader.poll(&mut batch, LIMITS, None, Duration::from_millis(200));
    assert_eq!(poll().unwrap(), Polled::Idle);

    topics.write(0, 3);

    let deadline = Instant::now() + PATIENCE;
    while poll().unwrap() == Polled::Idle {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(batch.len(), 3);
}

#[test]
fn a_partition_is_opened_again_at_another_offset() {
    let topics = Topics::likes(1);
    topics.write(0, 100);
    let source = topics.source();
    for next_offset in [90, 0, 50, 100] {
        let mut reader = source.open(likes(0), next_offset).unwrap();
        let records = read_to(&mut *reader, 100);
        assert_eq!(records.len() as i64, 100 - next_offset);
    }
}

#[test]
fn aborted_records_and_markers_are_passed_over() {
    let topics = Topics::likes(1);
    let producer = topics.transactional();
    // Offsets: a 0, marker 1, aborted 2, marker 3, b 4, marker 5, aborted 6, marker 7.
    for (value, commit) in [("a", true), ("x", false), ("b", true), ("y", false)] {
        producer.begin_transaction().unwrap();
        topics.send(&producer, value);
        if commit {
            producer.commit_transaction(PATIENCE).unwrap();
        } else {
            producer.abort_transaction(PATIENCE).unwrap();
        }
    }
    let source = topics.source();
    assert_eq!(source.end_offsets().unwrap()[&likes(0)], 8);

    let mut reader = source.open(likes(0), 0).unwrap();
    for (stop_at, wanted) in [
        (1, vec!["a"]),
        (3, vec![]),
        (5, vec!["b"]),
        (7, vec![]),
        (8, vec![]),
    ] {
        assert_eq!(values(&read_to(&mut *reader, stop_at)), wanted);
        assert_eq!(reader.next_offset(), stop_at);
    }
    assert!(matches!(
        source.open(likes(0), 0).err().unwrap(),
        SourceError::AlreadyOpen { .. }
    ));
    drop(reader);
    // Whatever offset the reading goes on from.
    for next_offset in 0..=8 {
        let mut reader = source.open(likes(0), next_offset).unwrap();
        let wanted: &[&str] = match next_offset {
            0 => &["a", "b"],
            1..=4 => &["b"],
            _ => &[],
        };
        assert_eq!(values(&read_to(&mut *reader, 8)), wanted);
    }
}

#[test]
fn a_reader_that_waits_at_markers_stands_behind_them() {
    let topics = Topics::likes(1);
    let producer = topics.transactional();
    producer.begin_transaction().unwrap();
    topics.send(&producer, "a");
    producer.commit_transaction(PATIENCE).unwrap();
    let source = topics.source();
    let mut reader = source.open(likes(0), 0).unwrap();
    let mut batch = RecordBatch::new();

    let deadline = Instant::now() + PATIENCE;
    while reader.next_offset() < 2 {
        let polled = reader.poll(&mut batch, LIMITS, None, Duration::from_millis(50));
        polled.unwrap();
        assert!(
            Instant::now() < deadline,
            "still at {}",
            reader.next_offset()
        );
    }

    assert_eq!(reader.next_offset(), 2);
}

#[test]
fn the_end_is_in_front_of_an_open_transaction() {
    let topics = Topics::likes(1);
    let producer = topics.transactional();
    producer.begin_transaction().unwrap();
    topics.send(&producer, "a");
    producer.commit_transaction(PATIENCE).unwrap();
    producer.begin_transaction().unwrap();
    topics.send(&producer, "b");
    let source = topics.source();

    assert_eq!(source.end_offsets().unwrap()[&likes(0)], 2);
    let mut reader = source.open(likes(0), 0).unwrap();
    assert_eq!(values(&read_to(&mut *reader, 2)), ["a"]);
    producer.commit_transaction(PATIENCE).unwrap();
    assert_eq!(values(&read_to(&mut *reader, 4)), ["b"]);
}

/// Polls until there is an error.
fn first_error(source: &KafkaSource, next_offset: i64, stop_at: Option<i64>) -> SourceError {
    let mut reader = source.open(likes(0), next_offset).unwrap();
    let mut batch = RecordBatch::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        match reader.poll(&mut batch, LIMITS, stop_at, Duration::from_millis(100)) {
            Err(error) => return error,
            Ok(_) => assert!(Instant::now() < deadline, "no error"),
        }
    }
}

#[test]
fn an_offset_that_is_gone_is_an_error_with_the_missing_range() {
    let topics = Topics::likes(1);
    topics.write(0, 100);
    topics.admin.delete_records(likes(0), 40).unwrap();
    let source = topics.source();
    assert_eq!(source.start_offsets().unwrap()[&likes(0)], 40);

    let deleted = first_error(&source, 25, None);
    assert_eq!(deleted.missing_offsets(), Some(25..40));
    assert!(!deleted.is_transient());
    let truncated = first_error(&source, 120, None);
    assert_eq!(truncated.missing_offsets(), Some(100..120));
    let cut_behind_the_end = first_error(&source, 40, Some(110));
    assert_eq!(cut_behind_the_end.missing_offsets(), Some(100..110));
    let mut reader = source.open(likes(0), 40).unwrap();
    assert_eq!(read_to(&mut *reader, 100).len(), 60);
}

#[test]
fn topics_may_be_absent_appear_and_grow() {
    let topics = Topics::named();
    let source = topics.source();
    assert_eq!(source.partitions().unwrap(), []);
    assert!(matches!(
        source.open(likes(0), 0).err().unwrap(),
        SourceError::UnknownPartition { .. }
    ));

    topics.create(Topic::Likes, 1);
    assert_eq!(source.partitions().unwrap(), [likes(0)]);
    topics
        .admin
        .grow_topic(topics.name(Topic::Likes), 2)
        .unwrap();

    let deadline = Instant::now() + PATIENCE;
    while source.partitions().unwrap() != [likes(0), likes(1)] {
        assert!(
            Instant::now() < deadline,
            "the new partition does not appear"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_deleted_topic_has_no_partitions_any_more() {
    let topics = Topics::likes(1);
    let source = topics.source();
    assert_eq!(source.partitions().unwrap(), [likes(0)]);

    topics
        .admin
        .delete_topics(&[topics.name(Topic::Likes)])
        .unwrap();

    let deadline = Instant::now() + PATIENCE;
    while !source.partitions().unwrap().is_empty() {
        assert!(Instant::now() < deadline, "the topic does not go away");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn facts_of_a_topic_are_those_it_was_made_with() {
    let topics = Topics::named();
    let mut new = NewTopic::input(Topic::Equipment, topics.name(Topic::Equipment));
    new.settings
        .insert("retention.ms".to_owned(), "-1".to_owned());
    topics.admin.create_topics(&[new.clone()]).unwrap();
    topics.admin.create_topics(&[new]).unwrap();

    let deadline = Instant::now() + PATIENCE;
    let facts = loop {
        if let Some(facts) = topics
            .admin
            .topic_facts()
            .unwrap()
            .remove(&Topic::Equipment)
            .flatten()
        {
            break facts;
        }
        assert!(Instant::now() < deadline, "the topic does not appear");
    };
    assert_eq!((facts.partitions, facts.replicas), (3, 1));
    assert_eq!(facts.retention_millis, None);
    assert_eq!(facts.cleanup_policy, "delete");
    assert_eq!(facts.timestamp_type, "LogAppendTime");
    assert_eq!(facts.message_bytes_max, 4_194_304);
    assert_eq!(topics.admin.broker_count().unwrap(), 1);
    assert_eq!(topics.admin.topic_facts().unwrap()[&Topic::Likes], None);
}

#[test]
fn lag_tools_see_the_offsets() {
    let topics = Topics::likes(2);
    let source = topics.source();

    let next_offsets = BTreeMap::from([(likes(0), 5), (likes(1), 7)]);
    source.commit_for_lag(&next_offsets).unwrap();

    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &topics.config.bootstrap_servers)
        .set("group.id", &topics.config.group)
        .create()
        .unwrap();
    let name = topics.name(Topic::Likes);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(name, 0, 1);
        let committed = consumer.committed_offsets(asked, PATIENCE).unwrap();
        let offset = |partition| committed.find_partition(name, partition).unwrap().offset();
        if (offset(0), offset(1)) == (Offset::Offset(5), Offset::Offset(7)) {
            return;
        }
        assert!(Instant::now() < deadline, "the offsets are not seen");
    }
}

#[test]
fn a_broker_that_is_away_is_waited_for_and_shown() {
    let mut config = KafkaConfig::new("127.0.0.1:1");
    config.request_timeout = Duration::from_millis(100);
    config.give_up_after = Some(Duration::from_millis(300));
    let source = KafkaSource::new(config.clone()).unwrap();

    let error = source.partitions().unwrap_err();

    assert!(matches!(error, SourceError::GaveUp { .. }));
    assert!(error.is_transient());
    assert_eq!(source.status().availability, Availability::Away);
    assert!(source.status().last_error.is_some());
    config.give_up_after = None;
    let source = KafkaSource::new(config.clone()).unwrap();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        config.stop.set();
    });
    assert!(matches!(
        source.partitions(),
        Err(SourceError::Stopped { .. })
    ));
    stopper.join().unwrap();
}

#[test]
fn generated_records_arrive_as_they_were_generated() {
    let topics = Topics::named();
    for topic in Topic::ALL {
        let partitions = if topic == Topic::Donations { 1 } else { 3 };
        topics.create(topic, partitions);
    }
    let config = GeneratorConfig {
        characters: 100,
        documents: 2,
        equipment: 300,
        enrich: 100,
        likes: 50_000,
        donations: 100,
        ..GeneratorConfig::default()
    };
    let mut writer = KafkaWriter::new(topics.config.clone()).unwrap();
    let mut generator = Generator::new(config.clone()).unwrap();
    let mut oracle = Oracle::new(i64::MAX);
    let written = into_kafka(
        &mut generator,
        &mut writer,
        &topics.config.topics,
        u64::MAX,
        None,
        Some(&mut oracle),
    )
    .unwrap();
    assert_eq!(written.records, 50_500);

    let read = read_all(&topics.source());

    let mut wanted: BTreeMap<PartitionId, Vec<Owned>> = BTreeMap::new();
    let mut generator = Generator::new(config).unwrap();
    while let Some(generated) = generator.next() {
        let records = wanted.entry(generated.partition).or_default();
        records.push(generated.record.into());
    }
    assert!(read == wanted);
    for (partition, outcomes) in oracle.outcomes() {
        assert_eq!(outcomes.read(), read[partition].len() as u64);
    }
}

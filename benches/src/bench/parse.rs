//! How many documents and compact characters a core reads, against serde_json into the same structs.

use std::hint::black_box;

use anyhow::{Context, Result, bail, ensure};
use model::admission::{AdmissionSettings, Admitted, Outcome, Partition};
use model::event::{Equipment, Event, Payload};
use model::snapshot::Snapshot;
use model::snapshot::binary::SnapshotView;
use model::{Millis, RawRecord, Topic};
use sources::generator::{Generator, GeneratorConfig};

use super::Size;
use super::document::{CompactEvent, Document};
use crate::figure::{Bound, Figure};
use crate::measure::rate;

const SAMPLE: &[u8] = include_bytes!("../../../datasets/samples/evan_equip.json");

/// What is measured, in one run after the other.
struct Variant<'a> {
    what: String,
    goal: Option<f64>,
    act: Box<dyn FnMut(usize) + 'a>,
    rates: Vec<f64>,
}

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    // As the provider sends it: without white space.
    let value: serde_json::Value = serde_json::from_slice(SAMPLE).context("read the sample")?;
    let document = serde_json::to_vec(&value)?;
    let by_serde: Document<'_> = serde_json::from_slice(&document)?;
    let snapshot = model::document::parse(&document)?;
    ensure!(
        by_serde.into_snapshot() == snapshot,
        "both parsers read the same from the sample"
    );
    ensure!(
        decoded(&model::document::encode(&document)?)? == snapshot,
        "the binary form holds what was read"
    );

    let messages = compact_messages(size.of(200, 4_000))?;
    for message in &messages {
        let by_serde: CompactEvent<'_> = serde_json::from_slice(message)?;
        ensure!(
            snapshot_of(message)? == by_serde.into_snapshot(),
            "both parsers read the same from a compact character"
        );
    }
    let bytes = messages.iter().map(Vec::len).sum::<usize>() / messages.len();
    let mut known = KnownHashes::new(&document, size.of(16, 64))?;

    let kilobytes = document.len() as f64 / 1e3;
    let mut variants = [
        variant(
            format!("document of {kilobytes:.1} KB to the binary form that admission stores"),
            Some(10_000.0),
            |_| {
                black_box(model::document::encode(&document)).expect("it was read before");
            },
        ),
        variant("the same to structs".to_owned(), None, |_| {
            black_box(model::document::parse(&document)).expect("it was read before");
        }),
        variant("the same to structs by serde_json".to_owned(), None, |_| {
            let document: Document<'_> =
                serde_json::from_slice(&document).expect("it was read before");
            black_box(document.into_snapshot());
        }),
        variant(
            "document whose hash is known, through admission".to_owned(),
            None,
            |_| known.admit(),
        ),
        variant(
            format!("compact character of {bytes} bytes, whole message to the binary form"),
            Some(20_000.0),
            |call| {
                black_box(read(&messages[call % messages.len()])).expect("it was read before");
            },
        ),
        variant(
            "the same to structs by serde_json".to_owned(),
            None,
            |call| {
                let event: CompactEvent<'_> =
                    serde_json::from_slice(&messages[call % messages.len()])
                        .expect("it was read before");
                black_box(event.into_snapshot());
            },
        ),
    ];
    for _ in 0..size.of(1, 5) {
        for variant in &mut variants {
            let rate = rate(size.of(0.05, 0.6), &mut variant.act)?;
            variant.rates.push(rate);
        }
    }
    let ratio = |what: &str, ours: usize, theirs: usize| {
        let runs = variants[ours].rates.iter().zip(&variants[theirs].rates);
        Figure::new(
            what,
            "times",
            runs.map(|(ours, theirs)| ours / theirs).collect(),
        )
    };
    let ratios = [
        ratio("document, binary form against serde_json", 0, 2),
        ratio("document, structs against serde_json", 1, 2),
        ratio("known hash against reading the document", 3, 0),
        ratio("compact character against serde_json", 4, 5),
    ];
    let mut figures: Vec<Figure> = Vec::new();
    for variant in variants {
        let figure = Figure::new(variant.what, "a second and core", variant.rates);
        figures.push(match variant.goal {
            Some(goal) => figure.goal(Bound::AtLeast(goal)),
            None => figure,
        });
    }
    ensure!(
        known.is_right(),
        "every document of a known hash is unchanged"
    );
    figures.extend(ratios);
    Ok(figures)
}

fn variant<'a>(what: String, goal: Option<f64>, act: impl FnMut(usize) + 'a) -> Variant<'a> {
    Variant {
        what,
        goal,
        act: Box::new(act),
        rates: Vec::new(),
    }
}

/// Messages with the compact characters of the generator, each another one.
fn compact_messages(count: u32) -> Result<Vec<Vec<u8>>> {
    let mut generator = Generator::new(GeneratorConfig {
        characters: count,
        equipment: count.into(),
        likes: 0,
        broken: 0.0,
        duplicate: 0.0,
        late: 0.0,
        unchanged: 0.0,
        ..GeneratorConfig::default()
    })?;
    let mut messages = Vec::new();
    while let Some(generated) = generator.next() {
        messages.push(generated.record.value.context("find a value")?.to_vec());
    }
    Ok(messages)
}

fn record(value: &[u8], offset: i64) -> RawRecord<'_> {
    RawRecord {
        key: None,
        value: Some(value),
        timestamp_millis: Millis(1_767_225_600_000 + offset),
        offset,
        replays: None,
    }
}

fn read(message: &[u8]) -> Result<Box<[u8]>> {
    let event = Event::read(Topic::Equipment, &record(message, 0), |_, _| false)?;
    match event.payload {
        Payload::Equipment(payload) => match payload.equipment {
            Equipment::Snapshot(bytes) => Ok(bytes),
            Equipment::Confirmation | Equipment::Skipped => bail!("the message has no equipment"),
        },
        Payload::Enrich(_) | Payload::Like(_) | Payload::Donation(_) => {
            bail!("the message is of another type")
        }
    }
}

fn snapshot_of(message: &[u8]) -> Result<Snapshot> {
    decoded(&read(message)?)
}

fn decoded(bytes: &[u8]) -> Result<Snapshot> {
    Ok(SnapshotView::new(bytes)?.decode()?)
}

/// Admits one document again and again, under an event id of its own each time.
struct KnownHashes {
    partition: Partition,
    admitted: Admitted,
    message: Vec<u8>,
    next_offset: i64,
    unchanged: u64,
    calls: u64,
}

/// Where the digits of the event id that are counted up stand.
const ID_DIGITS: std::ops::Range<usize> = 36..48;

impl KnownHashes {
    fn new(document: &[u8], ids_max: usize) -> Result<Self> {
        let settings = AdmissionSettings {
            dedup_horizon_millis: 86_400_000,
            dedup_ids_max: ids_max,
        };
        let mut known = Self {
            partition: Partition::new(Topic::Equipment, settings),
            admitted: Admitted::new(Topic::Equipment),
            message: message(document),
            next_offset: 0,
            unchanged: 0,
            calls: 0,
        };
        let outcome = known.admit_next();
        ensure!(
            outcome == Outcome::Applied,
            "the first document is {outcome:?}"
        );
        // What is not parsed may hold anything.
        let whole = std::mem::replace(&mut known.message, message(b"{\"character_class\":7}"));
        let outcome = known.admit_next();
        ensure!(
            outcome == Outcome::Unchanged,
            "a document whose hash is known is looked into: {outcome:?}"
        );
        known.message = whole;
        Ok(known)
    }

    fn admit(&mut self) {
        self.calls += 1;
        self.unchanged += u64::from(self.admit_next() == Outcome::Unchanged);
    }

    fn admit_next(&mut self) -> Outcome {
        let offset = self.next_offset;
        self.next_offset += 1;
        let digits = format!("{offset:012x}");
        self.message[ID_DIGITS].copy_from_slice(digits.as_bytes());
        self.admitted.clear();
        self.partition
            .admit(&record(&self.message, offset), &mut self.admitted)
    }

    fn is_right(&self) -> bool {
        self.calls > 0 && self.unchanged == self.calls
    }
}

fn message(document: &[u8]) -> Vec<u8> {
    let mut message = br#"{"eventId":"00000000-0000-4000-8000-000000000000","eventType":"EquipmentUpdated","occurredAt":"2026-01-01T00:00:00.000Z","aggregateId":"ocid","schemaVersion":1,"payload":{"ocid":"ocid","equipmentHash":"known","equipment":"#.to_vec();
    message.extend_from_slice(document);
    message.extend_from_slice(b"}}");
    message
}

//! Files of records.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use model::{Millis, PartitionId, RawRecord, Topic};
use sources::file::{Compression, RecordFile, STRAY_LINES, STRAY_TOPIC};
use sources::{FileSource, Limits, Polled, RecordBatch, Source, SourceError};
use tempfile::TempDir;

use crate::reading::{LIMITS, read_all, read_to};

const LIKES: PartitionId = PartitionId {
    topic: Topic::Likes,
    partition: 0,
};
const STRAY: PartitionId = PartitionId {
    topic: STRAY_TOPIC,
    partition: STRAY_LINES,
};

/// A file with a record of `LIKES` at each of `offsets`.
fn file_with(folder: &TempDir, name: &str, compression: Compression, offsets: &[i64]) -> PathBuf {
    let path = folder.path().join(name);
    let mut file = RecordFile::create(&path, compression).unwrap();
    for &offset in offsets {
        let value = format!("{{\"n\":{offset}}}");
        let record = RawRecord {
            key: Some(b"k"),
            value: (offset % 5 != 0).then_some(value.as_bytes()),
            timestamp_millis: Millis(offset * 2),
            offset,
            replays: (offset % 7 == 3).then_some(offset - 3),
        };
        file.write(LIKES, record).unwrap();
    }
    file.finish().unwrap();
    path
}

#[test]
fn every_compression_gives_the_same_records() {
    let folder = TempDir::new().unwrap();
    let offsets: Vec<_> = (3..5_000).collect();
    let read = |compression: Compression| {
        let name = format!("records{}", compression.suffix());
        let path = file_with(&folder, &name, compression, &offsets);
        read_all(&FileSource::open(&[path]).unwrap())
    };

    let plain = read(Compression::Plain);

    assert_eq!(plain[&LIKES].len(), offsets.len());
    assert_eq!(plain[&LIKES][0].offset, 3);
    assert_eq!(plain[&LIKES][2].value, None);
    assert_eq!(plain[&LIKES][0].replays, Some(0));
    assert_eq!(plain[&LIKES][1].replays, None);
    assert_eq!(read(Compression::Gzip), plain);
    assert_eq!(read(Compression::Zstd), plain);
}

#[test]
fn reading_goes_on_at_any_offset_across_files() {
    let folder = TempDir::new().unwrap();
    let first = file_with(&folder, "a.jsonl", Compression::Plain, &[0, 1, 4]);
    let second = file_with(&folder, "b.jsonl.gz", Compression::Gzip, &[7, 8]);
    let source = FileSource::open(&[first, second]).unwrap();
    let all = read_all(&source).remove(&LIKES).unwrap();

    for next_offset in 0..=9 {
        let mut reader = source.open(LIKES, next_offset).unwrap();
        let wanted: Vec<_> = all
            .iter()
            .filter(|record| record.offset >= next_offset)
            .collect();
        assert_eq!(read_to(&mut *reader, 9).iter().collect::<Vec<_>>(), wanted);
    }
    let gone = source.open(LIKES, 12).err().unwrap();
    assert_eq!(gone.missing_offsets(), Some(9..12));
}

#[test]
fn a_folder_is_its_files_by_name() {
    let folder = TempDir::new().unwrap();
    file_with(&folder, "2.jsonl", Compression::Plain, &[5]);
    file_with(&folder, "1.jsonl", Compression::Plain, &[4]);

    let source = FileSource::open(&[folder.path().to_owned()]).unwrap();

    assert_eq!(source.start_offsets().unwrap()[&LIKES], 4);
    assert_eq!(source.end_offsets().unwrap()[&LIKES], 6);
}

#[test]
fn a_batch_is_cut_exactly_where_it_was_cut_before() {
    let folder = TempDir::new().unwrap();
    let path = file_with(&folder, "a.jsonl", Compression::Plain, &[0, 1, 4, 5, 6]);
    let source = FileSource::open(&[path]).unwrap();
    let mut reader = source.open(LIKES, 0).unwrap();
    let mut batch = RecordBatch::new();
    let mut poll = |stop_at, limits| {
        let polled = reader
            .poll(&mut batch, limits, stop_at, Duration::ZERO)
            .unwrap();
        let offsets: Vec<_> = batch.iter().map(|record| record.offset).collect();
        (polled, offsets, reader.next_offset())
    };

    assert_eq!(poll(Some(3), LIMITS), (Polled::Records, vec![0, 1], 3));
    assert_eq!(poll(Some(3), LIMITS), (Polled::End, vec![], 3));
    assert_eq!(poll(Some(4), LIMITS), (Polled::End, vec![], 4));
    let two = Limits {
        records: 2,
        ..LIMITS
    };
    assert_eq!(poll(None, two), (Polled::Records, vec![4, 5], 6));
    let small = Limits { bytes: 1, ..LIMITS };
    assert_eq!(poll(None, small), (Polled::Records, vec![6], 7));
    assert_eq!(poll(None, LIMITS), (Polled::End, vec![], 7));
}

#[test]
fn a_cut_behind_the_end_is_an_error_with_the_missing_range() {
    let folder = TempDir::new().unwrap();
    let path = file_with(&folder, "a.jsonl", Compression::Plain, &[0, 1]);
    let source = FileSource::open(&[path]).unwrap();
    let mut reader = source.open(LIKES, 0).unwrap();
    let mut batch = RecordBatch::new();
    let mut poll = || reader.poll(&mut batch, LIMITS, Some(5), Duration::ZERO);

    assert_eq!(poll().unwrap(), Polled::Records);
    let error = poll().unwrap_err();
    assert_eq!(error.missing_offsets(), Some(2..5));
    assert!(!error.is_transient());
}

#[test]
fn bare_envelopes_have_their_line_as_offset_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bare.jsonl");
    let like = r#"{"eventType":"LikeToggled","occurredAt":"2026-01-01T00:00:00Z","x":1}"#;
    let donation = r#"{"occurredAt":"2026-01-01T00:00:01Z","eventType":"DonationReceived"}"#;
    fs::write(&path, format!("{like}\nnonsense\r\n\n{donation}\n{like}")).unwrap();

    let source = FileSource::open(&[path]).unwrap();

    let records = read_all(&source);
    let seen = |topic| {
        let partition = PartitionId {
            topic,
            partition: 0,
        };
        let seen = records[&partition].iter();
        seen.map(|record| {
            (
                record.offset,
                record.value.clone().unwrap(),
                record.timestamp_millis,
            )
        })
        .collect::<Vec<_>>()
    };
    let start = 1_767_225_600_000;
    assert_eq!(
        seen(Topic::Likes),
        [(0, like.into(), start), (4, like.into(), start)]
    );
    assert_eq!(
        seen(Topic::Donations),
        [(3, donation.into(), start + 1_000)]
    );
    assert_eq!(records[&STRAY].len(), 1);
    assert_eq!(records[&STRAY][0].value, Some(b"nonsense".to_vec()));
    assert_eq!(records[&STRAY][0].offset, 1);
}

#[test]
fn a_followed_file_is_read_line_by_line_as_it_grows() {
    let folder = TempDir::new().unwrap();
    let path = file_with(&folder, "a.jsonl", Compression::Plain, &[0]);
    let source = FileSource::follow(&path).unwrap();
    let mut reader = source.open(LIKES, 0).unwrap();
    assert_eq!(read_to(&mut *reader, 1).len(), 1);
    let mut batch = RecordBatch::new();
    let mut poll = || reader.poll(&mut batch, LIMITS, None, Duration::from_millis(1));
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    let line = r#"{"topic":"like.toggle","partition":0,"offset":1,"timestamp_millis":1,"value":"#;

    append(line);
    assert_eq!(poll().unwrap(), Polled::Idle);
    assert_eq!(source.end_offsets().unwrap()[&LIKES], 1);
    append("null}\n");
    assert_eq!(poll().unwrap(), Polled::Records);
    assert_eq!(source.end_offsets().unwrap()[&LIKES], 2);
    append(&line.replace("\"partition\":0", "\"partition\":1"));
    append("null}\n");
    assert_eq!(poll().unwrap(), Polled::Idle);
    assert_eq!(source.partitions().unwrap().len(), 2);
}

#[test]
fn files_that_cannot_be_resumed_are_refused() {
    let folder = TempDir::new().unwrap();
    let twice = file_with(&folder, "twice.jsonl", Compression::Plain, &[1, 1]);
    let gzip = file_with(&folder, "a.gz", Compression::Gzip, &[1]);
    let whole = fs::read(&gzip).unwrap();
    let cut = folder.path().join("cut.gz");
    fs::write(&cut, &whole[..whole.len() - 12]).unwrap();
    let error = |paths: &[PathBuf]| FileSource::open(paths).err().unwrap();

    assert!(matches!(
        error(&[twice]),
        SourceError::OffsetNotGrowing {
            line: 2,
            offset: 1,
            ..
        }
    ));
    assert!(matches!(error(&[cut]), SourceError::Read { .. }));
    assert!(matches!(
        error(&[folder.path().join("absent")]),
        SourceError::Open { .. }
    ));
    assert!(matches!(
        FileSource::follow(&gzip).err().unwrap(),
        SourceError::CannotFollow { .. }
    ));
}

#[test]
fn a_partition_that_no_file_has_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = file_with(&folder, "a.jsonl", Compression::Plain, &[0]);
    let source = FileSource::open(&[path]).unwrap();

    assert!(matches!(
        source.open(STRAY, 0).err().unwrap(),
        SourceError::UnknownPartition { .. }
    ));
}

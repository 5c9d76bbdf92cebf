//! Generated records and the answer to them.

use std::collections::{BTreeMap, BTreeSet};

use model::{PartitionId, Topic};
use serde_json::Value;
use sources::FileSource;
use sources::file::Compression;
use sources::generator::{
    Body, Fact, FileSet, Generator, GeneratorConfig, Oracle, Outcomes, into_files,
};
use tempfile::TempDir;

use crate::reading::{Owned, read_all};

const DAY_MILLIS: i64 = 86_400_000;

fn small() -> GeneratorConfig {
    GeneratorConfig {
        characters: 50,
        documents: 2,
        accounts: 200,
        equipment: 400,
        enrich: 200,
        likes: 4_000,
        donations: 100,
        broken: 0.05,
        duplicate: 0.05,
        late: 0.05,
        ..GeneratorConfig::default()
    }
}

/// All records of a configuration, and what the oracle says of them.
fn generate(config: &GeneratorConfig) -> (Vec<(PartitionId, Owned, Fact)>, Oracle) {
    let mut generator = Generator::new(config.clone()).unwrap();
    let mut oracle = Oracle::new(DAY_MILLIS);
    let mut records = Vec::new();
    while let Some(generated) = generator.next() {
        let timestamp = generated.record.timestamp_millis;
        oracle.see(generated.partition, timestamp, &generated.fact);
        records.push((generated.partition, generated.record.into(), generated.fact));
    }
    (records, oracle)
}

#[test]
fn equal_configurations_give_equal_records() {
    let (first, _) = generate(&small());
    let (second, _) = generate(&small());
    let (other, _) = generate(&GeneratorConfig { seed: 2, ..small() });

    assert!(first == second);
    assert!(first != other);
    assert_eq!(first.len(), 4_700);
}

#[test]
fn offsets_and_timestamps_grow_in_every_partition() {
    let (records, _) = generate(&small());
    let mut last: BTreeMap<PartitionId, (i64, i64)> = BTreeMap::new();
    for (partition, record, _) in &records {
        let (offset, timestamp) = last.entry(*partition).or_insert((-1, 0));
        assert_eq!(record.offset, *offset + 1);
        assert!(record.timestamp_millis >= *timestamp);
        (*offset, *timestamp) = (record.offset, record.timestamp_millis);
    }
    // Three topics of three partitions, one of one.
    assert_eq!(last.len(), 10);
}

#[test]
fn every_outcome_occurs_and_the_counts_close() {
    // So many that each of the reasons is drawn.
    let (records, oracle) = generate(&GeneratorConfig {
        broken: 0.3,
        ..small()
    });

    let mut read: BTreeMap<PartitionId, u64> = BTreeMap::new();
    for (partition, ..) in &records {
        *read.entry(*partition).or_default() += 1;
    }
    let sums = oracle
        .outcomes()
        .iter()
        .map(|(&partition, outcomes)| (partition, outcomes.read()));
    assert_eq!(sums.collect::<BTreeMap<_, _>>(), read);
    let mut total = Outcomes::default();
    for outcomes in oracle.outcomes().values() {
        total.applied += outcomes.applied;
        total.unchanged += outcomes.unchanged;
        total.duplicate += outcomes.duplicate;
        total.superseded += outcomes.superseded;
        for (reason, count) in &outcomes.rejected {
            *total.rejected.entry(reason).or_default() += count;
        }
    }
    assert!(total.applied > 2_000);
    assert!(total.unchanged > 0 && total.duplicate > 0 && total.superseded > 0);
    let reasons: Vec<_> = total.rejected.keys().copied().collect();
    assert_eq!(
        reasons,
        [
            "EQUIPMENT_MISSING",
            "INVALID_FIELD",
            "KEY_MISMATCH",
            "MALFORMED",
            "MISSING_FIELD",
            "NOT_EXPECTED",
            "SELF_LIKE",
            "TOO_DEEP",
            "TOO_LARGE",
            "UNKNOWN_TYPE",
            "UNKNOWN_VERSION",
        ]
    );
}

#[test]
fn likes_are_the_pairs_and_every_character_wears_something() {
    let (_, oracle) = generate(&small());

    let mut likes: BTreeMap<u32, u64> = BTreeMap::new();
    for &(_, target) in oracle.pairs() {
        *likes.entry(target).or_default() += 1;
    }
    assert_eq!(*oracle.likes(), likes);
    assert_eq!(oracle.worn().len(), 50);
    assert!(oracle.worn().values().any(|&revision| revision > 0));
}

#[test]
fn the_bytes_say_what_the_facts_say() {
    let generator = Generator::new(small()).unwrap();
    let names = generator.names();
    let (records, _) = generate(&small());
    let mut event_ids = BTreeMap::new();
    for (partition, record, fact) in &records {
        let key = record.key.clone().unwrap();
        let envelope: Value = match fact {
            Fact::Broken { .. } => continue,
            _ => serde_json::from_slice(record.value.as_ref().unwrap()).unwrap(),
        };
        let payload = &envelope["payload"];
        assert_eq!(envelope["aggregateId"].as_str().unwrap().as_bytes(), key);
        let (topic, event, version) = match *fact {
            Fact::Equipment {
                character,
                event,
                version,
                body,
                ..
            } => {
                assert_eq!(payload["ocid"], names.ocid(character));
                assert_eq!(payload.get("snapshot").is_some(), body == Body::Snapshot);
                assert_eq!(payload.get("equipment").is_some(), body == Body::Document);
                (Topic::Equipment, event, version)
            }
            Fact::Enrich {
                character,
                event,
                version,
                ..
            } => {
                assert_eq!(payload["ocid"], names.ocid(character));
                (Topic::Enrich, event, version)
            }
            Fact::Like {
                account,
                target,
                event,
                version,
                wanted,
            } => {
                assert_eq!(payload["likerAccountId"], names.account(account));
                assert_eq!(payload["targetOcid"], names.ocid(target));
                assert_eq!(payload.get("liked").and_then(Value::as_bool), wanted);
                (Topic::Likes, event, version)
            }
            Fact::Donation {
                sender,
                receiver,
                event,
                amount,
                ..
            } => {
                assert_eq!(payload["senderId"], names.account(sender));
                assert_eq!(payload["receiverId"], names.ocid(receiver));
                assert_eq!(payload["amount"], amount);
                (Topic::Donations, event, None)
            }
            Fact::Broken { .. } => unreachable!(),
        };
        assert_eq!(partition.topic, topic);
        assert_eq!(envelope.get("version").and_then(Value::as_u64), version);
        let id = envelope["eventId"].as_str().unwrap().to_owned();
        assert_eq!(*event_ids.entry(id).or_insert(event), event);
    }
    let events: BTreeSet<_> = event_ids.values().collect();
    assert_eq!(events.len(), event_ids.len());
}

/// The text of a snapshot's member, if it has it.
fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[test]
fn snapshots_hold_the_items_of_the_outfit() {
    let generator = Generator::new(small()).unwrap();
    let (records, _) = generate(&small());
    let mut seen = 0;
    for (_, record, fact) in &records {
        let Fact::Equipment {
            character,
            revision,
            body: Body::Snapshot,
            ..
        } = *fact
        else {
            continue;
        };
        seen += 1;
        let value = record.value.as_ref().unwrap();
        assert!(
            (5_500..8_500).contains(&value.len()),
            "{} bytes",
            value.len()
        );
        let envelope: Value = serde_json::from_slice(value).unwrap();
        let snapshot = &envelope["payload"]["snapshot"];
        let outfit = generator.outfit(character, revision);
        assert_eq!(snapshot["class"], outfit.class);
        let sizes = outfit.presets.each_ref().map(Vec::len);
        assert_eq!(sizes, [24, 0, 0]);
        for (place, item) in outfit.presets[0].iter().enumerate() {
            let told = &snapshot["presets"][0][place];
            assert_eq!(told["slot"], item.slot.as_str());
            assert_eq!(told["name"], item.name.as_str());
            assert_eq!(told["level"], item.level.0);
            assert_eq!(text(&told["grade"]), item.grade);
            let lines = [0, 1, 2].map(|line| text(&told["lines"][line]));
            assert_eq!(lines, item.lines);
            let lines = [0, 1, 2].map(|line| text(&told["additionalLines"][line]));
            assert_eq!(lines, item.additional_lines);
            assert_eq!(told["stars"].as_u64().unwrap_or(0), u64::from(item.stars.0));
            let all_stat = told["flame"]["allStat"].as_i64().unwrap_or(0);
            assert_eq!(all_stat, i64::from(item.flame.all_stat));
            let base = told["baseAttack"].as_i64().unwrap_or(0);
            assert_eq!(base, i64::from(item.base_attack));
        }
    }
    assert!(seen > 100);
}

#[test]
fn a_revision_changes_one_slot() {
    let generator = Generator::new(small()).unwrap();
    for character in [2, 7, 49] {
        for revision in 0..30 {
            let [before, ..] = generator.outfit(character, revision).presets;
            let [after, ..] = generator.outfit(character, revision + 1).presets;
            let changed = before
                .iter()
                .zip(&after)
                .filter(|(before, after)| before != after);
            assert!(changed.count() <= 1);
        }
    }
    assert_ne!(generator.outfit(7, 0), generator.outfit(7, 24));
}

#[test]
fn documents_have_three_presets_of_real_size() {
    let config = GeneratorConfig {
        equipment: 60,
        likes: 0,
        enrich: 0,
        donations: 0,
        broken: 0.0,
        late: 0.0,
        ..small()
    };
    let (records, _) = generate(&config);
    let documents = records.iter().filter(|(_, _, fact)| {
        matches!(
            fact,
            Fact::Equipment {
                body: Body::Document,
                ..
            }
        )
    });
    let mut seen = 0;
    for (_, record, _) in documents {
        seen += 1;
        let bytes = record.value.as_ref().unwrap().len();
        assert!((220_000..260_000).contains(&bytes), "{bytes} bytes");
    }
    assert!(seen >= 2);
    let outfit = Generator::new(small()).unwrap().outfit(0, 0);
    assert_eq!(outfit.presets.map(|preset| preset.len()), [23, 24, 23]);
}

#[test]
fn shares_of_unlikes_and_repeats_are_met() {
    let config = GeneratorConfig {
        characters: 10_000,
        accounts: 1_000_000,
        equipment: 0,
        likes: 50_000,
        broken: 0.0,
        duplicate: 0.0,
        late: 0.0,
        unlike: 0.02,
        popularity: 1,
        ..GeneratorConfig::default()
    };
    let (records, oracle) = generate(&config);

    let pairs: BTreeSet<_> = records
        .iter()
        .map(|(_, _, fact)| match fact {
            Fact::Like {
                account, target, ..
            } => (account, target),
            _ => panic!("only likes were asked for"),
        })
        .collect();
    assert!(
        (48_500..49_500).contains(&pairs.len()),
        "{} pairs",
        pairs.len()
    );
    let applied: u64 = oracle
        .outcomes()
        .values()
        .map(|outcomes| outcomes.applied)
        .sum();
    assert_eq!(applied, 50_000);
}

#[test]
fn files_hold_what_was_generated_in_every_layout() {
    let (records, _) = generate(&small());
    let mut wanted: BTreeMap<PartitionId, Vec<Owned>> = BTreeMap::new();
    for (partition, record, _) in records {
        wanted.entry(partition).or_default().push(record);
    }
    for (set, compression) in [
        (FileSet::Partitions, Compression::Zstd),
        (FileSet::One, Compression::Plain),
    ] {
        let folder = TempDir::new().unwrap();
        let mut generator = Generator::new(small()).unwrap();
        let (files, generated) =
            into_files(&mut generator, folder.path(), set, compression, None).unwrap();

        assert_eq!(generated.records, 4_700);
        assert_eq!(files.len(), if set == FileSet::One { 1 } else { 10 });
        assert!(read_all(&FileSource::open(&files).unwrap()) == wanted);
    }
}

#[test]
fn an_id_counts_again_behind_the_horizon() {
    let partition = PartitionId {
        topic: Topic::Likes,
        partition: 0,
    };
    let like = Fact::Like {
        account: 1,
        target: 2,
        event: 3,
        version: None,
        wanted: None,
    };
    let mut oracle = Oracle::new(100);
    let mut see = |timestamp, fact| oracle.see(partition, model::Millis(timestamp), fact);

    see(0, &like);
    see(100, &like);
    // A rejected record moves the running maximum, too.
    see(
        101,
        &Fact::Broken {
            reason: "MALFORMED",
        },
    );
    see(50, &like);

    let outcomes = &oracle.outcomes()[&partition];
    assert_eq!((outcomes.applied, outcomes.duplicate), (2, 1));
    assert!(oracle.likes().is_empty());
}

#[test]
fn settings_without_sense_are_refused_by_name() {
    let error = |config| Generator::new(config).unwrap_err().to_string();

    assert!(
        error(GeneratorConfig {
            broken: 1.5,
            ..small()
        })
        .contains("broken is 1.5")
    );
    assert!(
        error(GeneratorConfig {
            characters: 0,
            ..small()
        })
        .contains("characters")
    );
    assert!(
        error(GeneratorConfig {
            configurations: 5,
            ..small()
        })
        .contains("configurations")
    );
}

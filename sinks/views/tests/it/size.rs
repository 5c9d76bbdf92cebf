//! What a character costs in the stores: at most 2 KiB on average, breakdown included.

use std::collections::HashMap;
use std::sync::Arc;

use model::Epoch;
use model::valued::{CharacterValuation, ItemValuation, PresetValuation, SharedComponent};
use model::view::CharacterEncoder;
use sources::generator::{Generator, GeneratorConfig, Outfit};
use valuation::totals::{best_preset, item_value, preset_total};
use valuation::{Item, Ruleset};
use views::{Answer, Call, Command, ViewChange, ViewReader};

use crate::support::{InRedis, InSqlite, Place, complete};

const BYTES_MAX: usize = 2_048;
const CHARACTERS: u32 = 500;

/// Values compact characters: one preset of 24 items out of a catalogue of 20,000.
struct Appraiser {
    ruleset: Ruleset,
    generator: Generator,
    known: HashMap<String, (Arc<ItemValuation>, valuation::totals::ItemTotal)>,
}

impl Appraiser {
    fn new() -> Self {
        let config = GeneratorConfig {
            characters: CHARACTERS,
            ..GeneratorConfig::default()
        };
        Self {
            ruleset: odds::shipped("kms_2026_03").unwrap(),
            generator: Generator::new(config).unwrap(),
            known: HashMap::new(),
        }
    }

    fn value(&mut self, character: u32) -> CharacterValuation {
        let Outfit { class, presets } = self.generator.outfit(character, 0);
        assert_eq!(presets.each_ref().map(Vec::len), [24, 0, 0]);
        let presets = presets.map(|items| self.preset(class, items));
        CharacterValuation {
            class: class.into(),
            preset: best_preset(presets.each_ref().map(|preset| preset.cost_mesos)),
            presets,
        }
    }

    fn preset(&mut self, class: &str, items: Vec<Item>) -> PresetValuation {
        let priced: Vec<_> = items
            .into_iter()
            .map(|item| self.item(class, item))
            .collect();
        let total = preset_total(priced.iter().map(|(_, total)| *total));
        PresetValuation {
            cost_mesos: total.cost_mesos,
            missing_parts: total.missing_parts,
            sd_mesos: total.sd_mesos,
            p90_mesos: total.p90_mesos,
            items: priced.into_iter().map(|(item, _)| item).collect(),
        }
    }

    fn item(
        &mut self,
        class: &str,
        item: Item,
    ) -> (Arc<ItemValuation>, valuation::totals::ItemTotal) {
        let ruleset = &self.ruleset;
        let known = self.known.entry(format!("{class} {item:?}"));
        let known = known.or_insert_with(|| {
            let value = item_value(ruleset, class, &item);
            let valued = ItemValuation {
                item,
                table_part: value.table_part,
                components: value.components.map(SharedComponent::from),
                cost_mesos: value.total.cost_mesos,
                missing_parts: value.total.missing_parts,
            };
            (Arc::new(valued), value.total)
        });
        known.clone()
    }
}

/// Writes all characters; returns their names and payloads.
fn write_characters(place: &dyn Place) -> Vec<ViewChange> {
    let mut appraiser = Appraiser::new();
    let mut encoder = CharacterEncoder::default();
    let names = appraiser.generator.names();
    let characters: Vec<_> = (0..CHARACTERS)
        .map(|number| {
            let value = appraiser.value(number);
            let epoch = Epoch(1_763_999_999_999);
            ViewChange::character(&names.ocid(number), epoch, Some(&value), &mut encoder)
        })
        .collect();
    let commands = characters.iter().map(|change| Command::Put {
        key: change.key.clone(),
        value: stored(change),
    });
    let call = Call {
        expect: None,
        next: complete(1, 1_763_999_999_999),
        commands: commands.collect(),
    };
    assert_eq!(place.open().apply(&call).unwrap(), Answer::Applied);

    let written = appraiser.value(0);
    let read = place.reader().character(&names.ocid(0)).unwrap();
    let read = read.value.unwrap().payload;
    assert_eq!(read.best().cost_mesos, written.best().cost_mesos);
    assert_eq!(read.items.len(), 24);
    characters
}

/// Prints a figure for those who run it with `--nocapture`, and holds it to the budget.
fn assert_within_budget(what: &str, bytes: usize, characters: usize) {
    let average = bytes / characters;
    println!("{what}: {average} bytes a character");
    assert!(average <= BYTES_MAX, "{what}: {average} bytes a character");
}

#[test]
fn a_character_takes_two_kibibytes_in_redis() {
    let place = InRedis::new();
    let characters = write_characters(&place);
    let count = characters.len();
    let payloads = characters.iter().map(|change| change.payload.as_ref());
    let payloads: usize = payloads.map(|payload| payload.unwrap().len()).sum();
    assert_within_budget("payload", payloads, count);

    // As many to a bucket as 1 million and 18 million characters have.
    for density in [15, 275] {
        let buckets: Vec<_> = characters.chunks_exact(density).enumerate().collect();
        let mut redis = place.raw();
        let mut bytes = 0;
        for (number, bucket) in &buckets {
            let key = format!("{}:c:{density}-{number}", place.tag);
            let mut fill = redis::pipe();
            for change in *bucket {
                let command = fill.cmd("HSET").arg(&key).arg(&*change.key.id);
                command.arg(stored(change));
            }
            fill.exec(&mut redis).unwrap();
            let mut usage = redis::cmd("MEMORY");
            usage.arg("USAGE").arg(&key).arg("SAMPLES").arg(0);
            bytes += usage.query::<usize>(&mut redis).unwrap();
        }
        let what = format!("Redis, {density} to a bucket");
        assert_within_budget(&what, bytes, buckets.len() * density);
    }
}

fn stored(change: &ViewChange) -> Vec<u8> {
    let mut value = format!("{} ", change.changed_at).into_bytes();
    value.extend_from_slice(change.payload.as_deref().unwrap());
    value
}

#[test]
fn a_character_takes_little_more_than_two_kibibytes_in_sqlite() {
    let place = InSqlite::new();
    let characters = write_characters(&place);
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    place.raw().execute_batch(checkpoint).unwrap();
    let bytes = std::fs::metadata(place.file()).unwrap().len();

    // Two to a page of 4 KiB, and the index of their names; the file lies on a disk.
    let bytes = usize::try_from(bytes).unwrap() * 10 / 11;
    assert_within_budget("SQLite", bytes, characters.len());
}

#[test]
fn a_like_count_stays_in_the_packed_form_of_redis() {
    let place = InRedis::new();
    let history = crate::support::History::of_many(100);
    crate::support::fill(&place, &history, 1, 1);
    for key in place.all_keys() {
        if key == place.keys.marker() {
            continue;
        }
        let mut encoding = redis::cmd("OBJECT");
        encoding.arg("ENCODING").arg(&key);
        let encoding: String = encoding.query(&mut place.raw()).unwrap();
        assert!(
            ["listpack", "ziplist"].contains(&encoding.as_str()),
            "{encoding}"
        );
    }
}

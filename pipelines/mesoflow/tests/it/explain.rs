//! `mesoflow explain`.

use std::fs;

use lake::{Lake, Owner};
use model::admission::{InputRow, RowKind};
use model::snapshot::binary;
use model::tables::{self, InputRows, Relation, ValuationRows};
use model::valued::CharacterValuation;
use model::{Epoch, EventId, Millis};
use serde_json::Value;
use valuation::{Meso, Ruleset};

use crate::support::{Ran, TestJob, character, mesoflow, ruleset, sample_snapshot, valuation};

const EPOCH: Epoch = Epoch(1_767_225_600_000);

/// A job that has accepted the sample in one epoch, and has kept its ruleset.
struct Explained {
    job: TestJob,
    ruleset: Ruleset,
    valuation: CharacterValuation,
}

impl Explained {
    fn new() -> Self {
        let ruleset = ruleset();
        let valuation = valuation(&ruleset, &sample_snapshot());
        let explained = Self {
            job: TestJob::new(""),
            ruleset,
            valuation,
        };
        explained.keep_ruleset();
        explained.accept();
        explained
    }

    fn keep_ruleset(&self) {
        let folder = self.job.path().join("rulesets");
        fs::create_dir(&folder).unwrap();
        let path = folder.join(format!("{}.json", self.ruleset.hash()));
        fs::write(path, self.ruleset.stored()).unwrap();
    }

    fn lake(&self) -> (Lake, Owner) {
        let owner = Owner {
            job: "mesoflow".to_owned(),
            generation: 1,
        };
        (Lake::open(&self.job.path().join("tables")).unwrap(), owner)
    }

    /// The input table as admission writes it: version, instant in zigzag form, snapshot.
    fn accept(&self) {
        let mut value = vec![1, 14];
        value.extend_from_slice(&binary::encode(&sample_snapshot()));
        let mut rows = InputRows::new(Relation::InputEquipment.spec());
        let row = InputRow {
            kind: RowKind::Row,
            diff: 1,
            key: b"evan",
            value: Some(&value),
            event_id: Some(EventId([0xab; 16])),
            timestamp_millis: Millis(1_767_225_599_999),
            offset: 41,
        };
        rows.push(2, EPOCH, &row);
        let (lake, owner) = self.lake();
        let mut table = lake.table(Relation::InputEquipment, &owner).unwrap();
        table
            .append(&[rows.finish()], Epoch(EPOCH.0 + 5), &[])
            .unwrap();
    }

    fn write_tables(&self, valuation: &CharacterValuation) {
        let mut rows = ValuationRows::default();
        tables::changes("evan", None, Some(valuation), EPOCH, &mut rows);
        let (lake, owner) = self.lake();
        let batches = [
            (Relation::ItemValuations, rows.items.finish()),
            (Relation::PresetValuations, rows.presets.finish()),
        ];
        for (relation, batch) in batches {
            let mut table = lake.table(relation, &owner).unwrap();
            table.append(&[batch], Epoch(EPOCH.0 + 3), &[]).unwrap();
        }
    }

    fn write_views(&self, valuation: &CharacterValuation) {
        let values = vec![character("evan", EPOCH, valuation)];
        self.job.embedded_views(&self.ruleset, EPOCH, values);
    }

    fn explain(&self, args: &[&str]) -> Ran {
        let job = self.job.file();
        mesoflow(["explain", "--job", &job].iter().chain(args))
    }
}

fn presets<'a>(report: &'a Value, store: &str) -> Vec<&'a Value> {
    let presets = report["presets"].as_array().unwrap().iter();
    presets.map(|preset| &preset[store]).collect()
}

#[test]
fn tables_and_view_that_are_right_are_equal() {
    let explained = Explained::new();
    explained.write_tables(&explained.valuation);
    explained.write_views(&explained.valuation);

    let report = explained.explain(&["evan", "--json"]).exits_with(0).json();

    assert_eq!(report["verdict"], "equal");
    assert_eq!(
        report["event"]["event_id"],
        "abababab-abab-abab-abab-abababababab"
    );
    assert_eq!(report["event"]["topic"], "character.equipment");
    assert_eq!(
        (&report["event"]["partition"], &report["event"]["offset"]),
        (&2.into(), &41.into())
    );
    assert_eq!(report["event"]["occurred_at"], "1970-01-01T00:00:00.007Z");
    assert_eq!(
        report["ruleset"]["hash"],
        explained.ruleset.hash().to_string()
    );
    assert_eq!(report["ruleset"]["kept_in"], "kept in the job's folder");
    assert_eq!(presets(&report, "tables"), ["equal"; 3]);
    assert_eq!(presets(&report, "view"), ["equal"; 3]);
    let items: usize = explained
        .valuation
        .presets
        .iter()
        .map(|preset| preset.items.len())
        .sum();
    assert_eq!(report["items"].as_array().unwrap().len(), items);
}

#[test]
fn one_item_is_told_with_formula_and_tables() {
    let explained = Explained::new();
    explained.write_tables(&explained.valuation);

    let report = explained
        .explain(&["evan", "1/무기", "--json"])
        .exits_with(0)
        .json();

    let items = report["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(
        (&items[0]["preset"], &items[0]["slot"]),
        (&1.into(), &"무기".into())
    );
    let components = items[0]["components"].as_array().unwrap();
    assert_eq!(components.len(), 6);
    for component in components {
        assert_eq!(component["tables"], "equal", "{component}");
        assert_eq!(component["view"], "not_compared", "{component}");
        assert!(!component["formula"].as_str().unwrap().is_empty());
    }
    assert!(!components[0]["depends_on"].as_array().unwrap().is_empty());
    let ran = explained.explain(&["evan", "무기"]).exits_with(0);
    assert!(
        ran.out.contains("2/무기") && ran.out.contains("from main odds of"),
        "{}",
        ran.out
    );
}

#[test]
fn a_stored_value_that_is_wrong_differs() {
    let explained = Explained::new();
    let mut wrong = explained.valuation.clone();
    wrong.presets[0].cost_mesos = Meso(wrong.presets[0].cost_mesos.0 + 1);
    explained.write_tables(&wrong);
    explained.write_views(&explained.valuation);

    let ran = explained.explain(&["evan", "--json"]).exits_with(1);

    let report = ran.json();
    assert_eq!(report["verdict"], "differs");
    assert_eq!(presets(&report, "tables"), ["differs", "equal", "equal"]);
    assert!(ran.err.contains("differs"), "{}", ran.err);
}

#[test]
fn a_view_without_the_character_differs() {
    let explained = Explained::new();
    let job = &explained.job;
    job.embedded_views(&explained.ruleset, EPOCH, Vec::new());
    let report = explained.explain(&["evan", "--json"]).exits_with(1).json();
    assert_eq!(report["verdict"], "differs");
}

#[test]
fn stores_of_another_time_are_not_compared() {
    let explained = Explained::new();
    let values = vec![character("evan", EPOCH, &explained.valuation)];
    explained
        .job
        .embedded_views(&explained.ruleset, Epoch(EPOCH.0 + 9), values);
    let report = explained.explain(&["evan", "--json"]).exits_with(0).json();
    assert_eq!(report["verdict"], "not_compared");
    assert_eq!(
        (&report["view"]["standing"], &report["tables"]["standing"]),
        (&"ahead".into(), &"absent".into())
    );
}

#[test]
fn what_is_not_known_is_said() {
    let explained = Explained::new();
    let ran = explained.explain(&["nobody"]).exits_with(1);
    assert!(
        ran.err.contains("nobody") && ran.err.contains("as of epoch"),
        "{}",
        ran.err
    );
    let ran = explained.explain(&["evan", "2/모자걸이"]).exits_with(2);
    assert!(
        ran.err.contains("모자걸이") && ran.err.contains("무기"),
        "{}",
        ran.err
    );
    let empty = TestJob::new("");
    mesoflow(["explain", "evan", "--job", &empty.file()]).exits_with(2);
}

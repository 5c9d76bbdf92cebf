//! The folder of a job with rows in its tables, and the program over it.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use lake::{CompactionLimits, Lake, Owner, Retain, Table};
use model::admission::{InputRow, RowKind};
use model::tables::{
    CharacterNowRows, InputRows, LikeCountNowRows, LikeCountRows, LikeRows, Relation,
    ValuationRows, changes,
};
use model::valued::{CharacterValuation, ItemValuation, PresetValuation, SharedComponent};
use model::{Epoch, EventId, Millis};
use tempfile::TempDir;
use valuation::{ComponentValue, Detail, Item, Level, Meso, Star, Status};

/// Money of 35 digits: no float holds it.
pub(crate) const DEAR: i128 = 99_999_999_999_999_999_999_999_999_999_999_999;

/// The folder of a job, deleted with it.
pub(crate) struct TestJob {
    folder: TempDir,
    pub(crate) lake: Lake,
}

impl TestJob {
    /// A job with rows at epochs 1 to 9.
    pub(crate) fn filled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&folder.path().join("tables")).unwrap();
        let job = Self { folder, lake };
        job.fill_valuations();
        job.fill_likes();
        job.fill_input();
        job
    }

    pub(crate) fn tables(&self) -> PathBuf {
        self.folder.path().join("tables")
    }

    fn table(&self, relation: Relation, generation: u64) -> Table {
        let owner = Owner {
            job: "job".to_owned(),
            generation,
        };
        self.lake.table(relation, &owner).unwrap()
    }

    /// The program over this job.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mesoflow-query"));
        command
            .env_remove("COLUMNS")
            .arg("--folder")
            .arg(self.folder.path());
        command
    }

    /// Runs the program with these arguments.
    pub(crate) fn query(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// What the program prints when all is well.
    pub(crate) fn answer(&self, arguments: &[&str]) -> String {
        let output = self.query(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and message of a request that is refused.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.query(arguments);
        assert_eq!(output.stdout, b"", "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), said)
    }

    /// Compacts every table below `since` and writes a checkpoint.
    pub(crate) fn compact(&self, since: Epoch) {
        for relation in Relation::ALL {
            if self.lake.view(relation).unwrap().is_none() {
                continue;
            }
            let mut table = self.table(relation, 2);
            let retain = Retain {
                since,
                ..Retain::default()
            };
            let limits = CompactionLimits::everything();
            if let Some(plan) = table.plan_compaction(retain, &limits).unwrap() {
                table.commit_compaction(&plan.run().unwrap()).unwrap();
            }
            table.checkpoint().unwrap();
        }
    }

    fn fill_valuations(&self) {
        let dear = character(DEAR, "에테르넬 메이지햇");
        let cheap = character(1, "it's \"cheap\", a, b");
        let steps = [
            (3, None, Some(&dear)),
            (5, Some(&dear), Some(&cheap)),
            (9, Some(&cheap), Some(&dear)),
        ];
        let relations = [
            Relation::ItemValuations,
            Relation::PresetValuations,
            Relation::CharacterValuations,
        ];
        let mut tables = relations.map(|relation| self.table(relation, 1));
        for (epoch, old, new) in steps {
            let mut rows = ValuationRows::default();
            changes("ocid-1", old, new, Epoch(epoch), &mut rows);
            let second = (epoch == 5).then_some(&cheap);
            changes("ocid-2", None, second, Epoch(epoch), &mut rows);
            let batches = [
                rows.items.finish(),
                rows.presets.finish(),
                rows.characters.finish(),
            ];
            for (table, batch) in tables.iter_mut().zip(batches) {
                table.append(&[batch], Epoch(epoch), &[]).unwrap();
            }
        }
        let mut now = CharacterNowRows::new(Epoch(9), "rules");
        now.push("ocid-1", &dear, Epoch(9));
        self.table(Relation::CharactersNow, 1)
            .rewrite(&[now.finish()], Epoch(9))
            .unwrap();
    }

    fn fill_likes(&self) {
        let mut likes = self.table(Relation::Likes, 1);
        let mut like_counts = self.table(Relation::LikeCounts, 1);
        for epoch in 1..10u64 {
            let account = format!("account-{}", epoch % 4);
            let diff = if epoch > 4 && epoch % 3 == 0 { -1 } else { 1 };
            let mut rows = LikeRows::default();
            rows.push("ocid-1", &account, Epoch(epoch), diff);
            likes.append(&[rows.finish()], Epoch(epoch), &[]).unwrap();
            let mut rows = LikeCountRows::default();
            rows.push("ocid-1", epoch.cast_signed(), Epoch(epoch), 1);
            if epoch > 1 {
                rows.push("ocid-1", epoch.cast_signed() - 1, Epoch(epoch), -1);
            }
            like_counts
                .append(&[rows.finish()], Epoch(epoch), &[])
                .unwrap();
        }
        let mut now = LikeCountNowRows::new(Epoch(9));
        now.push("ocid-1", 9, Epoch(9));
        self.table(Relation::LikeCountsNow, 1)
            .rewrite(&[now.finish()], Epoch(9))
            .unwrap();
    }

    fn fill_input(&self) {
        use RowKind::{Head, Id, Row};
        let steps = [
            (
                2,
                vec![
                    (Row, "ocid-1", 10, 1),
                    (Head, "ocid-1", 10, 1),
                    (Row, "ocid-2", 11, 1),
                ],
            ),
            (
                5,
                vec![
                    (Row, "ocid-1", 12, 1),
                    (Row, "ocid-1", 13, 1),
                    (Id, "ocid-1", 14, 1),
                ],
            ),
            (8, vec![(Row, "ocid-2", 15, -1), (Row, "ocid-3", 16, 1)]),
        ];
        let mut table = self.table(Relation::InputEquipment, 1);
        for (epoch, rows) in steps {
            let mut builder = InputRows::new(Relation::InputEquipment.spec());
            for (kind, key, offset, diff) in rows {
                let value = i64::to_le_bytes(offset);
                let row = InputRow {
                    kind,
                    diff,
                    key: key.as_bytes(),
                    value: (diff > 0 && kind != Id).then_some(&value[..]),
                    event_id: (kind != Head).then_some(EventId([offset as u8; 16])),
                    timestamp_millis: Millis(offset),
                    offset,
                };
                builder.push(0, Epoch(epoch), &row);
            }
            table
                .append(&[builder.finish()], Epoch(epoch), &[])
                .unwrap();
        }
        // A table that is there and has no rows.
        let empty = InputRows::new(Relation::InputLikes.spec()).finish();
        self.table(Relation::InputLikes, 1)
            .append(&[empty], Epoch(9), &[])
            .unwrap();
    }
}

/// A character with two equal items of this cost in its second preset.
fn character(mesos: i128, name: &str) -> CharacterValuation {
    let priced = ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(Meso(mesos)),
        tries: Some(1.0 / 3.0),
        sd_mesos: Some(mesos as f64 * 0.7),
        detail: Detail::None,
    };
    let none = ComponentValue::settled(Status::None);
    let item = Arc::new(ItemValuation {
        item: Item {
            slot: "모자".into(),
            part: "모자".into(),
            name: name.into(),
            level: Level(250),
            stars: Star(22),
            grade: Some("레전드리".into()),
            ..Item::default()
        },
        table_part: "모자".into(),
        components: [
            priced,
            ComponentValue::settled(Status::UnknownTable),
            none.clone(),
            none.clone(),
            none.clone(),
            none,
        ]
        .map(SharedComponent::from),
        cost_mesos: Meso(mesos),
        missing_parts: 1,
    });
    let preset = PresetValuation {
        cost_mesos: Meso(2 * mesos),
        missing_parts: 2,
        sd_mesos: 1e15 / 7.0,
        p90_mesos: 1e16 / 7.0,
        items: vec![item.clone(), item],
    };
    CharacterValuation {
        class: "에반".into(),
        preset: 2,
        presets: [
            PresetValuation::default(),
            preset,
            PresetValuation::default(),
        ],
    }
}

//! Runs the program, and makes what a job leaves behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use model::Epoch;
use model::snapshot::Snapshot;
use model::valued::{CharacterValuation, ItemValuation, PresetValuation, SharedComponent};
use model::view::{CharacterEncoder, Origin};
use serde_json::Value;
use tempfile::TempDir;
use valuation::{Ruleset, totals};
use views::{Host, HostError, SqliteStore, ViewChange, ViewError, ViewStore, ViewWriter};

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.out);
        parsed.unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// Asserts the exit code, showing all that was printed.
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// Runs the program with arguments, without input.
pub(crate) fn mesoflow<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    mesoflow_with(args, [])
}

/// Runs the program with arguments and more variables in its environment, without input.
pub(crate) fn mesoflow_with<A: AsRef<std::ffi::OsStr>>(
    args: impl IntoIterator<Item = A>,
    variables: impl IntoIterator<Item = (&'static str, String)>,
) -> Ran {
    let done = Command::new(env!("CARGO_BIN_EXE_mesoflow"))
        .args(args)
        .envs(variables)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

/// The sample document of the provider.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/samples/evan_equip.json")
}

/// What the sample says.
pub(crate) fn sample_snapshot() -> Snapshot {
    model::document::parse(&fs::read(sample()).unwrap()).unwrap()
}

/// The value of a snapshot in the form that views and tables are made from.
pub(crate) fn valuation(ruleset: &Ruleset, snapshot: &Snapshot) -> CharacterValuation {
    let value = totals::character_value(ruleset, &snapshot.class, &snapshot.presets);
    let mut presets = <[PresetValuation; 3]>::default();
    let valued = snapshot.presets.iter().zip(value.presets);
    for (preset, (items, (total, values))) in presets.iter_mut().zip(valued) {
        let items = items.iter().zip(values).map(|(item, value)| {
            Arc::new(ItemValuation {
                item: item.clone(),
                table_part: value.table_part,
                components: value.components.map(SharedComponent::from),
                cost_mesos: value.total.cost_mesos,
                missing_parts: value.total.missing_parts,
            })
        });
        *preset = PresetValuation {
            cost_mesos: total.cost_mesos,
            missing_parts: total.missing_parts,
            sd_mesos: total.sd_mesos,
            p90_mesos: total.p90_mesos,
            items: items.collect(),
        };
    }
    CharacterValuation {
        class: snapshot.class.as_str().into(),
        preset: value.preset,
        presets,
    }
}

/// The folder of a job with its job file.
pub(crate) struct TestJob {
    folder: TempDir,
}

impl TestJob {
    /// A job with settings beside name and folder, which are there.
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("folder = \".\"\n{settings}\n");
        fs::write(folder.path().join("job.toml"), text).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> String {
        self.path().join("job.toml").display().to_string()
    }

    /// Embedded views of the job, true of `as_of`.
    pub(crate) fn embedded_views(&self, ruleset: &Ruleset, as_of: Epoch, values: Vec<ViewChange>) {
        let store = SqliteStore::open(&self.path().join("views.sqlite")).unwrap();
        write_views(store, ruleset, as_of, values);
    }
}

/// A job of which generation 1 is the newest.
struct OneGeneration;

impl Host for OneGeneration {
    fn newest_generation(&mut self) -> Result<u64, HostError> {
        Ok(1)
    }

    fn wait(&mut self, error: &ViewError, _: u32) -> bool {
        panic!("{error:?}")
    }
}

/// Writes all views anew, as generation 1.
pub(crate) fn write_views(
    store: impl ViewStore,
    ruleset: &Ruleset,
    as_of: Epoch,
    values: Vec<ViewChange>,
) {
    let mut writer = claim_views(store, ruleset);
    writer.rewrite(as_of, values).unwrap();
}

/// Claims a store for generation 1, and writes nothing.
pub(crate) fn claim_views<S: ViewStore>(
    store: S,
    ruleset: &Ruleset,
) -> ViewWriter<S, impl Host + use<S>> {
    let origin = Origin {
        code: "c0de".to_owned(),
        ruleset: ruleset.hash().to_string(),
    };
    let mut writer = ViewWriter::new(store, OneGeneration, 1, origin);
    writer.need().unwrap();
    writer
}

/// The view of a character.
pub(crate) fn character(ocid: &str, at: Epoch, valuation: &CharacterValuation) -> ViewChange {
    ViewChange::character(ocid, at, Some(valuation), &mut CharacterEncoder::default())
}

/// The ruleset that is the default.
pub(crate) fn ruleset() -> Ruleset {
    odds::shipped(odds::SHIPPED[0]).unwrap()
}

//! Drills: a real job, real services, and a fault; what comes out is compared with the right answer.
//!
//! A drill writes generated records into topics of its own, runs the program as a user does, breaks it or what
//! it depends on, lets it come to rest, and compares views and tables with one pass over all records in plain
//! maps. Beside that someone reads the views all the time: nothing that was seen may be taken back. Faults are
//! counted by whoever injects them; a drill whose fault did not happen fails.

pub mod answer;
mod drills;
mod history;
mod job;
mod scene;
mod service;
mod shim;
mod verdict;
mod watcher;
mod world;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

pub use drills::{ALL, Drill};
pub use scene::Sizes;
use scene::{Scene, Stage};
pub use verdict::Verdict;

/// The drill of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Drill> {
    ALL.iter().find(|drill| drill.name == name)
}

/// Runs drills one after the other; they share services.
#[derive(Debug)]
pub struct Ground {
    binary: PathBuf,
    folder: PathBuf,
    stage: Stage,
    sizes: Sizes,
    number: usize,
}

impl Ground {
    /// A ground for drills.
    ///
    /// - `binary`: the program, whose `run` is broken.
    /// - `folder`: where services and jobs keep everything; must be there, on a local disk.
    #[must_use]
    pub fn new(binary: &Path, folder: &Path, sizes: Sizes) -> Self {
        Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            stage: Stage::new(folder),
            sizes,
            number: 0,
        }
    }

    /// Runs a drill to its verdict.
    pub fn run(&mut self, drill: &Drill, seed: u64) -> Verdict {
        self.number += 1;
        let folder = self.folder.join(format!("{}-{}", drill.name, self.number));
        let begun = Instant::now();
        let mut scene = Scene::new(
            &mut self.stage,
            &self.binary,
            folder.clone(),
            drill.name,
            seed,
            self.sizes,
        );
        let done = std::fs::create_dir_all(&folder)
            .context("make the folder of the drill")
            .and_then(|()| (drill.run)(&mut scene))
            .and_then(|()| happened(drill, &scene.verdict));
        let mut verdict = scene.verdict;
        verdict.seconds = begun.elapsed().as_secs_f64();
        match done {
            Ok(()) => scene::remove(&folder),
            Err(error) => {
                verdict.failure = Some(format!("{error:#}"));
                verdict.kept = Some(folder);
            }
        }
        verdict
    }
}

/// Fails if a fault that the drill is about was not counted.
fn happened(drill: &Drill, verdict: &Verdict) -> Result<()> {
    for &fault in drill.faults {
        let times: u64 = verdict
            .injected
            .iter()
            .filter(|(what, _)| what.starts_with(fault))
            .map(|(_, times)| times)
            .sum();
        if times == 0 {
            bail!("the fault {fault:?} did not happen: nothing was shown");
        }
    }
    Ok(())
}

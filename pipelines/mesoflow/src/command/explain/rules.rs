//! The ruleset that was in force, from the job's folder.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use model::Epoch;
use runtime::bindings;
use runtime::config::Job;
use runtime::folder::{Generation, JobFolder};
use valuation::Ruleset;

use crate::failure::Failed as _;

/// Epochs and the hashes of the rulesets in force, as far as the newest binding log goes back.
pub(super) fn bound(folder: &Path) -> Result<Vec<(Epoch, String)>> {
    if !folder.join("bindings").is_dir() {
        return Ok(Vec::new());
    }
    let folder = JobFolder::open(folder)?;
    let bindings = bindings::inherited(&folder, Generation(u64::MAX))?;
    Ok(bindings
        .into_iter()
        .map(|binding| (binding.epoch, binding.ruleset))
        .collect())
}

/// The hash of the ruleset in force at an epoch, if that is still known.
pub(super) fn in_force(bound: &[(Epoch, String)], epoch: Epoch) -> Option<String> {
    let newest = bound.iter().rev().find(|(bound, _)| *bound <= epoch);
    newest.map(|(_, hash)| hash.clone())
}

/// The ruleset of that hash, and where it was found; without a hash the one of the job file.
pub(super) fn load(job: &Job, hash: Option<&str>) -> Result<(Ruleset, String)> {
    let Some(hash) = hash else {
        let named = runtime::load_rules(&job.ruleset)?;
        return Ok((named, format!("as the job file says: {}", job.ruleset)));
    };
    let is_wanted = |ruleset: &Ruleset| ruleset.hash().to_string() == hash;
    for form in ["json", "toml"] {
        let path = job.folder.join("rulesets").join(format!("{hash}.{form}"));
        if path.is_file() {
            let kept = read_kept(&path)?;
            if is_wanted(&kept) {
                return Ok((kept, "kept in the job's folder".to_owned()));
            }
        }
    }
    if let Ok(named) = runtime::load_rules(&job.ruleset)
        && is_wanted(&named)
    {
        return Ok((named, format!("as the job file says: {}", job.ruleset)));
    }
    for name in odds::SHIPPED {
        let shipped = odds::shipped(name)?;
        if is_wanted(&shipped) {
            return Ok((shipped, "shipped with this program".to_owned()));
        }
    }
    Err(anyhow!(
        "ruleset {hash} is not kept in {}/rulesets",
        job.folder.display()
    ))
    .advise("name the job file that the job runs with, and the program's own version")
}

/// A kept ruleset: its whole content, or a file of settings over the shipped tables.
fn read_kept(path: &Path) -> Result<Ruleset> {
    let bytes = fs::read(path).with_context(|| format!("read {}", path.display()))?;
    if let Ok(ruleset) = Ruleset::from_stored(&bytes) {
        return Ok(ruleset);
    }
    odds::load(path).with_context(|| format!("load the kept ruleset {}", path.display()))
}

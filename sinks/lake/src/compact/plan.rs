//! Which files a compaction takes.

use model::Epoch;
use model::tables::{Kind, TableSpec};

use crate::files::{LiveFile, Origin};

/// When a compaction is worth its while, and how much it takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactionLimits {
    /// Appended files below which nothing is done, unless they are more than is taken at once.
    pub files_min: usize,
    /// Bytes of appended files that are taken at once, as they are on disk.
    pub appended_bytes_max: u64,
    /// Bytes of rows that are sorted at once, as they are in memory, where they take several times as much as on
    /// disk. Sorted stretches are put aside on disk until they are merged.
    pub stretch_bytes: usize,
    /// A run is taken along when it holds at most this many times the bytes that come before it.
    pub run_ratio: u64,
}

impl Default for CompactionLimits {
    fn default() -> Self {
        Self {
            files_min: 16,
            appended_bytes_max: 64 << 20,
            stretch_bytes: 64 << 20,
            run_ratio: 3,
        }
    }
}

impl CompactionLimits {
    /// Takes all files whatever their number and size: for tests and for a last tidying up.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            files_min: 0,
            appended_bytes_max: u64::MAX,
            run_ratio: u64::MAX,
            ..Self::default()
        }
    }
}

/// The files that a compaction takes, in the order in which they are to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub files: Vec<LiveFile>,
    /// Whether no older rows lie in files that are left out.
    pub whole: bool,
    /// The highest epoch that rows may be raised to: what is left out tells of later epochs, and must go on doing so,
    /// or a row would stand beside the one that took its place.
    pub since_max: Option<Epoch>,
}

/// Chooses among all files of a table, which come in the order of time.
pub(crate) fn choose(
    files: Vec<LiveFile>,
    spec: &TableSpec,
    limits: &CompactionLimits,
) -> Option<Chosen> {
    if spec.kind == Kind::Now {
        return None;
    }
    let mut runs: Vec<(String, Vec<LiveFile>)> = Vec::new();
    let mut appended = Vec::new();
    let mut appended_bytes = 0;
    let mut since_max = None;
    for file in files {
        match file.origin() {
            Origin::Run(run) => match runs.iter_mut().find(|(name, _)| *name == run) {
                Some((_, files)) => files.push(file),
                None => runs.push((run, vec![file])),
            },
            Origin::Appended => {
                let fits = appended_bytes + file.bytes <= limits.appended_bytes_max;
                // The oldest are taken; what is left out stays one stretch of time.
                if since_max.is_none() && (fits || appended.is_empty()) {
                    appended_bytes += file.bytes;
                    appended.push(file);
                } else {
                    let first = file.epochs(spec.epoch_column()).unwrap_or_default().0;
                    let below = Epoch(first.0.saturating_sub(1));
                    since_max = Some(since_max.map_or(below, |max: Epoch| max.min(below)));
                }
            }
        }
    }
    if appended.len() < limits.files_min && since_max.is_none() {
        return None;
    }
    // The newest run is named after the largest epoch.
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut bytes = appended_bytes;
    let mut taken = Vec::new();
    // A log has nothing to merge: its runs are left alone.
    if spec.kind != Kind::Log {
        while let Some((_, files)) = runs.last() {
            let size: u64 = files.iter().map(|file| file.bytes).sum();
            if size > bytes.max(1).saturating_mul(limits.run_ratio) {
                break;
            }
            bytes += size;
            taken.push(runs.pop()?.1);
        }
    }
    let whole = runs.is_empty();
    let mut chosen: Vec<LiveFile> = taken.into_iter().rev().flatten().collect();
    chosen.append(&mut appended);
    if chosen.is_empty() {
        return None;
    }
    Some(Chosen {
        files: chosen,
        whole,
        since_max,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use model::tables::Relation;

    use super::*;
    use crate::files::{Bound, FileStats, name};

    fn file(origin: &Origin, place: usize, bytes: u64, epochs: (i64, i64)) -> LiveFile {
        let (min, max) = epochs;
        LiveFile {
            name: name(origin, "set", place),
            path: PathBuf::new(),
            bytes,
            stats: FileStats {
                rows: 1,
                bounds: [("epoch".to_owned(), Bound::Int { min, max })].into(),
            },
        }
    }

    fn run(epoch: i64, bytes: u64) -> LiveFile {
        file(&Origin::Run(format!("{epoch:020}")), 0, bytes, (0, epoch))
    }

    fn appended(epoch: i64, bytes: u64) -> LiveFile {
        file(&Origin::Appended, epoch as usize, bytes, (epoch, epoch))
    }

    const LIMITS: CompactionLimits = CompactionLimits {
        files_min: 2,
        appended_bytes_max: 100,
        stretch_bytes: 0,
        run_ratio: 2,
    };

    fn sizes(files: Vec<LiveFile>, relation: Relation) -> Option<(Vec<u64>, bool)> {
        choose(files, relation.spec(), &LIMITS).map(|chosen| {
            let sizes = chosen.files.iter().map(|file| file.bytes).collect();
            (sizes, chosen.whole)
        })
    }

    #[test]
    fn few_files_are_left_alone() {
        assert_eq!(sizes(vec![appended(9, 1)], Relation::Likes), None);
    }

    #[test]
    fn small_runs_are_taken_along_and_large_ones_are_not() {
        let files = || vec![run(3, 1000), run(5, 60), appended(8, 20), appended(9, 30)];
        assert_eq!(
            sizes(files(), Relation::Likes),
            Some((vec![60, 20, 30], false))
        );
        assert_eq!(
            sizes(files(), Relation::Rejected),
            Some((vec![20, 30], false))
        );
        assert_eq!(
            sizes(files()[1..].to_vec(), Relation::Likes),
            Some((vec![60, 20, 30], true))
        );
    }

    #[test]
    fn the_oldest_appended_files_are_taken_up_to_the_limit() {
        let files = || vec![appended(7, 60), appended(8, 30), appended(9, 30)];
        assert_eq!(sizes(files(), Relation::Likes), Some((vec![60, 30], true)));
        let since_max = |files| {
            choose(files, Relation::Likes.spec(), &LIMITS)
                .unwrap()
                .since_max
        };
        assert_eq!(since_max(files()), Some(Epoch(8)));
        assert_eq!(since_max(files()[..2].to_vec()), None);
    }

    #[test]
    fn few_files_of_more_than_the_limit_are_taken_all_the_same() {
        let files = vec![appended(7, 300), appended(8, 30)];
        assert_eq!(sizes(files, Relation::Likes), Some((vec![300], true)));
    }

    #[test]
    fn a_table_that_is_rewritten_is_never_compacted() {
        let files = vec![appended(7, 60), appended(8, 30)];
        assert_eq!(sizes(files, Relation::LikeCountsNow), None);
    }

    /// A run in files of 64 MiB at most.
    fn run_files(epoch: i64, bytes: u64) -> Vec<LiveFile> {
        let origin = Origin::Run(format!("{epoch:020}"));
        let places = 0..bytes.div_ceil(64 << 20);
        let sizes = places.map(|place| (bytes - (place << 26)).min(64 << 20));
        let files = sizes.enumerate();
        files
            .map(|(place, size)| file(&origin, place, size, (0, epoch)))
            .collect()
    }

    #[test]
    fn a_table_that_is_tended_for_a_day_stays_short_and_rows_are_rewritten_a_few_times() {
        // A commit a second at 5,000 events/s, a look a minute. Nothing is ever dropped: the worst case.
        const COMMIT_BYTES: u64 = 370_000;
        let limits = CompactionLimits::default();
        let spec = Relation::InputLikes.spec();
        let (mut runs, mut appended): (Vec<LiveFile>, Vec<LiveFile>) = Default::default();
        let (mut bytes, mut rewritten) = (0, 0);
        for minute in 0..24 * 60 {
            for second in 0..60 {
                appended.push(super::tests::appended(minute * 60 + second, COMMIT_BYTES));
                bytes += COMMIT_BYTES;
            }
            let all: Vec<LiveFile> = runs.iter().chain(&appended).cloned().collect();
            let chosen = choose(all, spec, &limits).expect("a minute is worth it");
            assert_eq!(chosen.since_max, None, "none is left for later");
            let size: u64 = chosen.files.iter().map(|file| file.bytes).sum();
            rewritten += size;
            runs.retain(|run| !chosen.files.contains(run));
            appended.clear();
            runs.extend(run_files(minute * 60 + 59, size));
        }
        let mut names: Vec<_> = runs.iter().map(|file| file.origin()).collect();
        names.dedup();
        assert!(names.len() <= 6, "{} runs", names.len());
        let large = bytes.div_ceil(64 << 20) as usize;
        assert!(runs.len() <= large + names.len(), "{} files", runs.len());
        assert!(
            rewritten < 10 * bytes,
            "{rewritten} of {bytes} bytes rewritten"
        );
    }
}

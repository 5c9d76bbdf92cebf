//! The thread of the `_now` tables: now and then each is rewritten as a whole from its table of changes,
//! as of the epoch that this one is committed through.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::error::ArrowError;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use lake::{Lake, LakeError, Owner, Table, View};
use model::Epoch;
use model::tables::Relation;
use rustc_hash::FxHashMap;

use super::committer::SinkFailure;
use crate::error::{Fault, joined};
use crate::priority;
use crate::scrub::Anew;

/// The tables of changes, each with its column of keys and the table of what stands now.
const TABLES: [(Relation, &str, Relation); 2] = [
    (
        Relation::CharacterValuations,
        "ocid",
        Relation::CharactersNow,
    ),
    (Relation::LikeCounts, "target_ocid", Relation::LikeCountsNow),
];

/// A job that was asked to stop does not wait for a rewrite that takes longer.
const HASTE: Duration = Duration::from_secs(1);

/// The job was asked to stop.
struct InHaste;

/// The running thread.
pub(crate) struct NowTables {
    end: Sender<InHaste>,
    thread: JoinHandle<Result<(), SinkFailure>>,
}

impl NowTables {
    /// Opens the tables and starts the thread, which rewrites them every `period`.
    ///
    /// - `ruleset`: the hash of the ruleset in force.
    /// - `anew`: the tables to be rewritten although nothing changed.
    /// - `fault`: raised at once if it cannot go on.
    pub(crate) fn start(
        lake: Lake,
        owner: &Owner,
        ruleset: String,
        period: Duration,
        anew: Anew,
        fault: &Fault,
    ) -> Result<Self, NowError> {
        let tables = TABLES
            .into_iter()
            .map(|(_, _, now)| lake.table(now, owner))
            .collect::<Result<Vec<_>, _>>()?;
        let (end, ended) = bounded(0);
        let (fault, guard) = (
            fault.clone(),
            fault.guard("the thread of the now tables panicked"),
        );
        let thread = thread::Builder::new()
            .name("now-tables".to_owned())
            .spawn(move || {
                let _guard = guard;
                let done = Rewriting {
                    lake,
                    tables,
                    ruleset,
                    anew,
                }
                .run(period, &ended);
                if done.is_err() {
                    fault.raise("the now tables could not be rewritten");
                }
                done
            })
            .map_err(NowError::Thread)?;
        Ok(Self { end, thread })
    }

    /// Rewrites the tables a last time and waits for the thread.
    ///
    /// - `in_haste`: a rewrite that is known to take long is left to the next start.
    pub(crate) fn finish(self, in_haste: bool) -> Result<(), SinkFailure> {
        if in_haste && self.end.send(InHaste).is_err() {
            tracing::debug!("the now tables have ended");
        }
        drop(self.end);
        joined(self.thread).unwrap_or(Ok(()))
    }
}

/// Why the thread could not be started.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum NowError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error("start a thread")]
    Thread(std::io::Error),
}

struct Rewriting {
    lake: Lake,
    tables: Vec<Table>,
    ruleset: String,
    anew: Anew,
}

impl Rewriting {
    fn run(mut self, period: Duration, ended: &Receiver<InHaste>) -> Result<(), SinkFailure> {
        let mut took = Duration::ZERO;
        loop {
            let is_end = match ended.recv_timeout(period) {
                Err(RecvTimeoutError::Timeout) => false,
                Ok(InHaste) if took > HASTE => {
                    tracing::info!("the now tables are rewritten by the next start");
                    return Ok(());
                }
                Ok(InHaste) | Err(RecvTimeoutError::Disconnected) => true,
            };
            let started = Instant::now();
            for (table, (changes, key, _)) in self.tables.iter_mut().zip(TABLES) {
                let (lake, ruleset) = (&self.lake, &self.ruleset);
                // An end does not wait for a compaction that is left behind.
                let _turn = (!is_end).then(priority::upkeep);
                let is_damaged = self.anew.is_wanted(table.spec().relation);
                match rewrite(lake, table, changes, key, ruleset, is_damaged) {
                    Ok(()) => self.anew.is_done(table.spec().relation),
                    // The next time will do.
                    Err(error) if error.is_transient() && !is_end => {
                        tracing::warn!(table = table.spec().name(), %error, "not rewritten, will try again");
                    }
                    Err(source) => {
                        let epoch = table.committed().unwrap_or_default();
                        return Err(SinkFailure {
                            group: "now tables",
                            epoch,
                            source,
                        });
                    }
                }
            }
            if is_end {
                return Ok(());
            }
            took = started.elapsed();
        }
    }
}

fn rewrite(
    lake: &Lake,
    table: &mut Table,
    changes: Relation,
    key: &str,
    ruleset: &str,
    is_damaged: bool,
) -> Result<(), LakeError> {
    let Some(view) = lake.view(changes)? else {
        return Ok(());
    };
    let Some(as_of) = view.committed() else {
        return Ok(());
    };
    // A rewrite that got no clear answer may have landed.
    table.refresh()?;
    let is_newest = table.committed() >= Some(as_of);
    if is_newest && !is_damaged {
        return Ok(());
    }
    let started = Instant::now();
    let batch = standing(&view, key)?
        .and_then(|rows| as_now(&rows, table, as_of, ruleset))
        .map_err(|source| LakeError::Rows {
            doing: "gather",
            table: changes.name().to_owned(),
            source,
        })?;
    if is_newest {
        table.restore(&[batch])?;
    } else {
        table.rewrite(&[batch], as_of)?;
    }
    tracing::debug!(table = table.spec().name(), %as_of, elapsed = ?started.elapsed(), "rewrote");
    Ok(())
}

/// The rows of a table of changes that stand at its newest epoch, one a key.
fn standing(view: &View, key: &str) -> Result<Result<RecordBatch, ArrowError>, LakeError> {
    let mut batches = Vec::new();
    // Of each key the newest epoch at which a row was added, with that row, and at which one was taken away. Files
    // that were compacted have the rows of a key in any order.
    let mut keys: FxHashMap<Box<str>, Newest> = FxHashMap::default();
    for batch in view.scan().batches()? {
        let batch = batch?;
        let texts: &StringArray = batch
            .column_by_name(key)
            .expect("the table has its key")
            .as_string();
        let epochs = batch
            .column_by_name("epoch")
            .expect("changes have epochs")
            .as_primitive::<Int64Type>();
        let diffs = batch
            .column_by_name("diff")
            .expect("changes have diffs")
            .as_primitive::<Int32Type>();
        for row in 0..batch.num_rows() {
            let epoch = epochs.value(row);
            let newest = match keys.get_mut(texts.value(row)) {
                Some(newest) => newest,
                None => keys.entry(texts.value(row).into()).or_default(),
            };
            if diffs.value(row) < 0 {
                newest.taken = newest.taken.max(epoch);
            } else if epoch >= newest.added {
                newest.added = epoch;
                newest.place = (batches.len(), row);
            }
        }
        batches.push(batch);
    }
    // A change at one epoch takes the old row away and adds the new one.
    let mut rows: Vec<_> = keys
        .into_iter()
        .filter(|(_, newest)| newest.added >= newest.taken)
        .collect();
    rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let places: Vec<(usize, usize)> = rows.into_iter().map(|(_, newest)| newest.place).collect();
    if places.is_empty() {
        return Ok(Ok(RecordBatch::new_empty(Arc::clone(&view.spec().schema))));
    }
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    Ok(interleave_record_batch(&batches, &places))
}

/// What is known of a key.
struct Newest {
    added: i64,
    taken: i64,
    /// Batch and row of what was added.
    place: (usize, usize),
}

impl Default for Newest {
    fn default() -> Self {
        Self {
            added: i64::MIN,
            taken: i64::MIN,
            place: (0, 0),
        }
    }
}

/// Puts the rows into the form of a `_now` table.
fn as_now(
    rows: &RecordBatch,
    table: &Table,
    as_of: Epoch,
    ruleset: &str,
) -> Result<RecordBatch, ArrowError> {
    let count = rows.num_rows();
    let schema = &table.spec().schema;
    let columns = schema
        .fields()
        .iter()
        .map(|field| -> Result<ArrayRef, ArrowError> {
            Ok(match field.name().as_str() {
                "as_of" => Arc::new(Int64Array::from(vec![as_of.0.cast_signed(); count])),
                "changed_at" => Arc::clone(rows.column(rows.schema().index_of("epoch")?)),
                "ruleset" => Arc::new(StringArray::from(vec![ruleset; count])),
                name => Arc::clone(rows.column(rows.schema().index_of(name)?)),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

#[cfg(test)]
mod tests {
    use lake::{CompactionLimits, Retain};
    use model::tables::LikeCountRows;

    use super::*;

    /// Counts that rise, fall, go and come again.
    const COUNTS: [(&str, [i64; 5]); 4] = [
        ("rises", [1, 2, 3, 4, 5]),
        ("falls", [9, 7, 5, 3, 1]),
        ("goes", [4, 4, 2, 0, 0]),
        ("comes again", [3, 0, 8, 0, 2]),
    ];

    /// One file at a time, however small.
    const ONE_BY_ONE: CompactionLimits = CompactionLimits {
        files_min: 1,
        appended_bytes_max: 1,
        stretch_bytes: 1,
        run_ratio: u64::MAX,
    };

    #[test]
    fn what_stands_is_the_sum_of_the_differences_also_after_compactions() {
        what_stands_is_the_sum(1, &CompactionLimits::everything(), 1);
        what_stands_is_the_sum(5, &CompactionLimits::everything(), 1);
        what_stands_is_the_sum(5, &ONE_BY_ONE, 5);
        let apart = CompactionLimits {
            run_ratio: 0,
            ..ONE_BY_ONE
        };
        what_stands_is_the_sum(5, &apart, 5);
    }

    fn what_stands_is_the_sum(since: u64, limits: &CompactionLimits, compactions: u32) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let owner = Owner {
            job: "test".to_owned(),
            generation: 1,
        };
        let mut table = lake.table(Relation::LikeCounts, &owner).unwrap();
        for step in 0..5_usize {
            let epoch = Epoch(step as u64 + 1);
            let mut rows = LikeCountRows::default();
            for (target, counts) in COUNTS {
                let before = step.checked_sub(1).map_or(0, |before| counts[before]);
                rows.change(target, before, counts[step], epoch);
            }
            table.append(&[rows.finish()], epoch, &[]).unwrap();
        }
        for compacted in 0..=compactions {
            if compacted > 0 {
                let retain = Retain {
                    since: Epoch(since),
                    ..Retain::default()
                };
                let plan = table.plan_compaction(retain, limits);
                let files = plan.unwrap().expect("there are files").run().unwrap();
                table.commit_compaction(&files).unwrap();
            }
            let view = lake.view(Relation::LikeCounts).unwrap().unwrap();
            let rows = standing(&view, "target_ocid").unwrap().unwrap();
            let targets: &StringArray = rows["target_ocid"].as_string();
            let likes = rows["likes"].as_primitive::<Int64Type>();
            let found: Vec<(&str, i64)> = (0..rows.num_rows())
                .map(|row| (targets.value(row), likes.value(row)))
                .collect();
            assert_eq!(
                found,
                [("comes again", 2), ("falls", 1), ("rises", 5)],
                "after {compacted} compactions by {limits:?}"
            );
        }
    }
}

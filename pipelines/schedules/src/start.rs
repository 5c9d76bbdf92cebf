//! The start of a generation: fences, log, claim, release, load (DESIGN 3.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use lake::decide::Opening;
use runtime::decide::{self, PartitionStart, Release};
use views::Need;

use crate::check::{Broken, Property, broken};
use crate::config::{Config, Cut, Epoch, StartGrain};
use crate::folder::{self, Bound, Log, partition_id, topic_of};
use crate::process::{Phase, Process, Producer, TableView, apply, no_inputs, phases};
use crate::store::{origin, real_epoch, small_epoch};
use crate::table::{Row, RowKind, TableKind};
use crate::world::{Fate, World};

/// Whether the next phase of a start is the claim.
pub(crate) fn is_claim(config: &Config, process: &Process, tables: usize) -> bool {
    let phases = phases(config, tables);
    config.start != StartGrain::Whole
        && phases.get(usize::from(process.phase)) == Some(&Phase::Claim)
}

impl World {
    /// Whether a process has come to the end of its start.
    pub(crate) fn is_running(&self, config: &Config, process: &Process) -> bool {
        usize::from(process.phase) >= phases(config, self.tables.len()).len()
    }

    /// The next phase of a start.
    pub(crate) fn start(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let phases = phases(config, self.tables.len());
        let phase = phases[usize::from(process.phase)];
        let generation = process.generation;
        match phase {
            Phase::Fence(first) => {
                let places = match first {
                    u8::MAX => 0..self.tables.len(),
                    first => usize::from(first)..usize::from(first) + 1,
                };
                for place in places {
                    if self.fence(config, process, place) == Goes::Ends {
                        return Ok(Goes::Ends);
                    }
                }
            }
            Phase::Init => {
                self.topic.producer += 1;
                let number = self.topic.producer;
                let progress = process.producer.and_then(|producer| producer.progress);
                process.producer = Some(Producer { number, progress });
            }
            Phase::Progress => {
                let number = process.producer.map_or(0, |producer| producer.number);
                let progress = self.topic.progress;
                process.producer = Some(Producer { number, progress });
            }
            Phase::Inherit => {
                if config.protections.definite_epochs {
                    process.bindings =
                        folder::inherited(config, &self.logs, generation, &config.protections);
                }
                let bindings = process.bindings.iter();
                let history: Vec<_> = bindings.map(|bound| (bound.epoch, bound.cut)).collect();
                process.writer.before = history.last().map(|&(epoch, _)| epoch);
                process.history = Arc::new(history);
            }
            Phase::Claim => {
                // A claim without an answer is repeated.
                match self.claim(config, process, fate)? {
                    Claimed::Yes => {}
                    Claimed::NotYet => return Ok(Goes::On),
                    Claimed::Ends => return Ok(Goes::Ends),
                }
            }
            Phase::Begin => {
                let log = Log::begin(&process.bindings, &config.protections);
                self.logs[usize::from(generation) - 1] = Some(log);
            }
            Phase::Release => {
                if decide::release(self.newest_generation > generation) == Release::End {
                    return Ok(Goes::Ends);
                }
                self.released = self.released.max(generation);
                // Logs whose copy is not durable are still needed.
                if config.protections.own_log && config.protections.inherited_copied {
                    for log in &mut self.logs[..usize::from(generation) - 1] {
                        *log = None;
                    }
                }
            }
            Phase::Load => return self.load(config, process),
        }
        process.phase += 1;
        Ok(Goes::On)
    }

    fn fence(&mut self, config: &Config, process: &mut Process, place: usize) -> Goes {
        let table = &mut self.tables[place];
        let found = (table.generation > 0).then_some(u64::from(table.generation));
        match lake::decide::opening(u64::from(process.generation), found) {
            Opening::Fenced { .. } => return Goes::Ends,
            Opening::Fence => {}
        }
        let fences = match table.kind {
            TableKind::Derived => config.protections.fence_derived,
            TableKind::Rejected | TableKind::Accounting | TableKind::Input(_) => {
                config.protections.fence_inputs
            }
        };
        if fences {
            table.version += 1;
            table.generation = process.generation;
        }
        process.tables.push(TableView {
            version: table.version,
            committed: table.committed,
            offsets: table.offsets,
            since: table.since,
            rows: match table.kind {
                TableKind::Input(_) => Arc::clone(&table.rows),
                TableKind::Rejected | TableKind::Accounting | TableKind::Derived => Arc::default(),
            },
            unsettled: None,
            offsets_waiting: None,
        });
        Goes::On
    }

    /// Loads the input tables at the base, and plans what is read again.
    fn load(&mut self, config: &Config, process: &mut Process) -> Result<Goes, Broken> {
        let protections = &config.protections;
        let code = config.code_of(process.generation);
        let standing = process.writer.standing;
        let need = standing.map(|mark| {
            let seen = process.writer.seen(&mark, code, config);
            views::decide::need(&mark.real(), &origin(code), seen)
        });
        let (mut derived, mut sealed, mut since) = (None::<Epoch>, None::<Epoch>, 0);
        for (table, view) in self.tables.iter().zip(&process.tables) {
            let committed = view.committed.unwrap_or(0);
            match table.kind {
                TableKind::Derived => {
                    derived = Some(derived.map_or(committed, |d| d.min(committed)))
                }
                TableKind::Input(_) => {
                    sealed = Some(sealed.map_or(committed, |s| s.min(committed)));
                    since = since.max(view.since);
                }
                TableKind::Rejected | TableKind::Accounting => {}
            }
        }
        if config.outputs.topic {
            let progress = process.producer.and_then(|producer| producer.progress);
            let progress = progress.unwrap_or(0);
            derived = Some(derived.map_or(progress, |d| d.min(progress)));
        }
        let sealed = sealed.unwrap_or(0);
        let derived = derived.unwrap_or(sealed);
        let views_need = need.as_ref().filter(|_| protections.sink_base);
        let base = small_epoch(decide::base(
            real_epoch(derived),
            real_epoch(sealed),
            real_epoch(since),
            views_need,
        ));

        let bound = process.bindings.last().map_or(0, |bound| bound.epoch);
        let newest = process
            .tables
            .iter()
            .filter_map(|view| view.committed)
            .max();
        let seen = decide::seen(
            real_epoch(if protections.clock_tables {
                newest.unwrap_or(0)
            } else {
                0
            }),
            real_epoch(if protections.clock_bindings { bound } else { 0 }),
            need.as_ref().filter(|_| protections.clock_views),
        );
        process.newest = small_epoch(seen);
        process.must_pass = decide::must_pass(need.as_ref()).map(small_epoch);
        process.writer.since = base;

        if let Some(goes) = self.read_positions(config, process)? {
            return Ok(goes);
        }
        self.read_rows(config, process, base);

        let real: Vec<_> = (process.bindings.iter())
            .map(|bound| bound.real(config))
            .collect();
        let cut: BTreeMap<_, _> = (0..config.partitions.len())
            .map(|place| {
                let offset = i64::from(process.cut[place]);
                (partition_id(config, place), offset)
            })
            .collect();
        let topics: Vec<_> = (0..config.topics()).map(topic_of).collect();
        let sealed_bindings = decide::sealed_bindings(&real, &cut, &topics);
        let bindings = process.bindings.clone();
        let (in_tables, again) = bindings.split_at(sealed_bindings);
        for bound in in_tables.iter().filter(|bound| bound.epoch > base) {
            self.finish_tail_below(config, process, bound.epoch);
            self.finish_of_tail(config, process, bound.epoch, bound.cut);
        }
        process.replay = again.to_vec();
        let first = (process.replay.first()).map_or(Epoch::MAX, |bound| bound.epoch);
        self.finish_tail_below(config, process, first);
        for view in &mut process.tables {
            view.rows = Arc::default();
        }
        process.phase += 1;
        Ok(Goes::On)
    }

    /// Where each partition is read on; an alarm where that is not possible.
    fn read_positions(
        &mut self,
        config: &Config,
        process: &mut Process,
    ) -> Result<Option<Goes>, Broken> {
        let real: Vec<_> = (process.bindings.iter())
            .map(|bound| bound.real(config))
            .collect();
        let end = config.end();
        for place in 0..config.partitions.len() {
            let topic = config.partitions[place].topic;
            let table = self
                .tables
                .iter()
                .position(|of| of.kind == TableKind::Input(topic));
            let table = table.expect("each topic has its table");
            let sealed = process.tables[table].offsets.map(|of| i64::from(of[place]));
            let id = partition_id(config, place);
            let end = Some(i64::from(end[place]));
            match decide::partition_start(id, sealed, &real, 0, end) {
                PartitionStart::From(offset) => {
                    process.cut[place] = u16::try_from(offset).expect("few records");
                }
                alarm @ (PartitionStart::Gone { .. } | PartitionStart::Recreated { .. }) => {
                    return self
                        .alarm(format!("{alarm:?} at partition {place}"))
                        .map(Some);
                }
            }
        }
        Ok(None)
    }

    /// The job stops with an alarm: right if Kafka lost something.
    pub(crate) fn alarm(&mut self, what: String) -> Result<Goes, Broken> {
        if self.gone.is_empty() {
            return broken(Property::NoFalseAlarm, what);
        }
        self.alarm = true;
        Ok(Goes::Ends)
    }

    /// Restores the state of admission from the input tables; what lies above the base waits in the tail.
    fn read_rows(&self, config: &Config, process: &mut Process, base: Epoch) {
        let mut rows: Vec<Row> = Vec::new();
        for (table, view) in self.tables.iter().zip(&process.tables) {
            if matches!(table.kind, TableKind::Input(_)) {
                rows.extend(view.rows.iter());
            }
        }
        for row in &rows {
            let state = &mut process.partitions[usize::from(row.partition)];
            match row.kind {
                RowKind::Change => {
                    state.values[usize::from(row.key)] =
                        u8::try_from(row.value).expect("values of inputs are small");
                }
                RowKind::Id if config.protections.duplicate_state => {
                    let key = u8::try_from(row.key).expect("few keys");
                    state.ids.push((key, row.value, row.at));
                }
                RowKind::Head => state.newest = state.newest.max(row.value),
                RowKind::Id | RowKind::Rejected | RowKind::Count => {}
            }
        }
        rows.retain(|row| row.kind == RowKind::Change);
        rows.sort_by_key(|row| row.epoch);
        let later = rows.partition_point(|row| row.epoch <= base);
        process.tail = rows.split_off(later);
        let mut inputs = no_inputs(config);
        apply(config, &mut inputs, &rows);
        let cut = process
            .history
            .iter()
            .rev()
            .find(|&&(epoch, _)| epoch <= base);
        let cut: Cut = cut.map_or(Cut::default(), |&(_, cut)| cut);
        process.epochs = vec![Arc::new(crate::process::Finished {
            epoch: base,
            cut,
            rows: Vec::new(),
            inputs,
        })];
    }

    /// Finishes what the input tables have of epochs below one: where bindings are trimmed they alone tell of them.
    pub(crate) fn finish_tail_below(&self, config: &Config, process: &mut Process, below: Epoch) {
        while let Some(epoch) = process.tail.first().map(|row| row.epoch) {
            if epoch >= below {
                break;
            }
            let cut = process.cut;
            self.finish_of_tail(config, process, epoch, cut);
        }
    }

    /// Finishes an epoch that the input tables have.
    fn finish_of_tail(&self, config: &Config, process: &mut Process, epoch: Epoch, cut: Cut) {
        let rows = process.tail_through(epoch);
        let finished = process.finished_by(config, epoch, cut, rows);
        process.epochs.push(Arc::new(finished));
        process.newest = process.newest.max(if config.protections.clock_bindings {
            epoch
        } else {
            0
        });
    }
}

/// Whether a process goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes {
    On,
    Ends,
}

/// What a claim came to.
pub(crate) enum Claimed {
    Yes,
    NotYet,
    Ends,
}

/// The bindings as epochs and cuts.
pub(crate) fn history(bindings: &[Bound]) -> Arc<Vec<(Epoch, Cut)>> {
    Arc::new(
        (bindings.iter())
            .map(|bound| (bound.epoch, bound.cut))
            .collect(),
    )
}

/// What a need says about where differences start.
pub(crate) fn differences_from(need: &Need) -> Option<Epoch> {
    match *need {
        Need::Differences { from, .. } => Some(small_epoch(from)),
        Need::Rewrite { .. } => None,
    }
}

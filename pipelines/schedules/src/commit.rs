//! Commits of tables and transactions of the topic, as a process makes them.

use std::sync::Arc;

use lake::decide::{Settled, settle};
use runtime::decide;

use crate::check::{Broken, Property, broken};
use crate::config::{Config, Epoch, Protections};
use crate::live::{above, between};
use crate::oracle::Truth;
use crate::process::{Finished, Process};
use crate::publish::differences;
use crate::start::Goes;
use crate::store::{real_epoch, small_epoch};
use crate::table::{Commit, Row, RowKind, TableKind};
use crate::world::{Fate, Late, World};

impl World {
    /// The tables of inputs in the order of sealing, by their places.
    fn sealing_order(&self, config: &Config) -> Vec<usize> {
        let of = |wanted: fn(TableKind) -> bool| {
            let places = self.tables.iter().enumerate();
            places
                .filter(move |(_, table)| wanted(table.kind))
                .map(|(place, _)| place)
        };
        let sides = of(|kind| matches!(kind, TableKind::Rejected | TableKind::Accounting));
        let inputs = of(|kind| matches!(kind, TableKind::Input(_)));
        if config.protections.sealed_first {
            sides.chain(inputs).collect()
        } else {
            inputs.chain(sides).collect()
        }
    }

    /// Whether the tables of inputs lack something that is finished.
    pub(crate) fn inputs_lack(&self, process: &Process) -> bool {
        let finished = process.finished();
        let mut tables = self.tables.iter().zip(&process.tables);
        tables.any(|(table, view)| {
            table.kind != TableKind::Derived
                && (view.committed.unwrap_or(0) < finished
                    || view.unsettled.is_some()
                    || view.offsets_waiting.is_some())
        })
    }

    /// Whether the derived table does.
    pub(crate) fn derived_lacks(&self, process: &Process) -> bool {
        let finished = process.finished();
        let mut tables = self.tables.iter().zip(&process.tables);
        tables.any(|(table, view)| {
            table.kind == TableKind::Derived
                && (view.committed.unwrap_or(0) < finished || view.unsettled.is_some())
        })
    }

    /// Goes on with the commit of the tables of inputs: one table a step, in the order of sealing.
    pub(crate) fn commit_inputs(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let order = self.sealing_order(config);
        for &place in &order {
            if let Some(offsets) = process.tables[place].offsets_waiting.take() {
                if self.tables[place].version != process.tables[place].version {
                    return Ok(Goes::Ends);
                }
                self.tables[place].put_offsets(offsets);
                process.tables[place].version += 1;
                process.tables[place].offsets = Some(offsets);
                return Ok(Goes::On);
            }
        }
        if let Some(&place) = (order.iter()).find(|&&at| process.tables[at].unsettled.is_some()) {
            return self.settle(config, process, place, fate);
        }
        let through = *process.group.get_or_insert(process.finished());
        let committed = order
            .iter()
            .map(|&place| process.tables[place].committed.map(real_epoch));
        let Some(next) = decide::next_to_seal(committed, real_epoch(through)) else {
            process.group = None;
            return Ok(Goes::On);
        };
        let place = order[next];
        let kind = self.tables[place].kind;
        let view = &process.tables[place];
        let mut rows = Vec::new();
        for finished in taken(process, view.committed, through) {
            let of_table = finished.rows.iter().filter(|row| is_of(config, kind, row));
            rows.extend(of_table.copied());
        }
        let mut offsets = None;
        if matches!(kind, TableKind::Input(_)) {
            let known = above(&process.epochs, 0);
            let last = known.iter().rev().find(|known| known.epoch <= through);
            offsets = last.map(|last| last.cut);
        }
        if let Some(cut) = offsets.filter(|_| !config.protections.offsets_in_commit) {
            process.tables[place].offsets_waiting = Some(cut);
            offsets = None;
        }
        let commit = Commit {
            table: u8::try_from(place).expect("few tables"),
            base: view_version(process, place),
            from: process.tables[place].committed,
            generation: process.generation,
            through: Some(through),
            offsets,
            since: 0,
            rows: Arc::new(rows),
            history: Arc::clone(&process.history),
        };
        let goes = self.send(config, process, commit, fate)?;
        let committed = order
            .iter()
            .map(|&place| process.tables[place].committed.map(real_epoch));
        if decide::next_to_seal(committed, real_epoch(through)).is_none() {
            process.group = None;
        }
        Ok(goes)
    }

    /// Goes on with the derived table.
    pub(crate) fn commit_derived(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let place = (self.tables.iter()).position(|table| table.kind == TableKind::Derived);
        let place = place.expect("it lacks something");
        if process.tables[place].unsettled.is_some() {
            return self.settle(config, process, place, fate);
        }
        let committed = process.tables[place].committed;
        let through = process.finished();
        let mut rows = Vec::new();
        for (epoch, key, value) in differences(config, process, committed, through) {
            rows.push(Row {
                epoch,
                kind: RowKind::Change,
                partition: 0,
                key,
                value,
                at: 0,
            });
        }
        let commit = Commit {
            table: u8::try_from(place).expect("few tables"),
            base: view_version(process, place),
            from: committed,
            generation: process.generation,
            through: Some(through),
            offsets: None,
            since: 0,
            rows: Arc::new(rows),
            history: Arc::clone(&process.history),
        };
        self.send(config, process, commit, fate)
    }

    /// The epoch below which a process may compact an input table.
    pub(crate) fn history_limit(config: &Config, process: &Process, place: usize) -> Epoch {
        let own = process.tables[place].committed;
        let required = if config.protections.compaction_limit {
            process.required(config)
        } else {
            own
        };
        let since = decide::history_since(required.map(real_epoch), u64::MAX, 0);
        small_epoch(since).min(own.unwrap_or(0))
    }

    /// Compacts an input table.
    pub(crate) fn compact(
        &mut self,
        config: &Config,
        process: &mut Process,
        place: usize,
    ) -> Result<Goes, Broken> {
        self.left.compactions -= 1;
        let commit = Commit {
            table: u8::try_from(place).expect("few tables"),
            base: view_version(process, place),
            from: process.tables[place].committed,
            generation: process.generation,
            through: None,
            offsets: None,
            since: Self::history_limit(config, process, place),
            rows: Arc::default(),
            history: Arc::clone(&process.history),
        };
        self.send(config, process, commit, Fate::Answered)
    }

    fn send(
        &mut self,
        config: &Config,
        process: &mut Process,
        commit: Commit,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let place = usize::from(commit.table);
        match fate {
            Fate::Answered => {
                if self.put(config, &commit)? {
                    believe(process, &commit);
                } else {
                    process.tables[place].unsettled = Some(commit);
                }
            }
            Fate::Lost => {
                self.put(config, &commit)?;
                process.tables[place].unsettled = Some(commit);
            }
            Fate::Late => {
                self.late.push(Late::Commit(commit.clone()));
                process.tables[place].unsettled = Some(commit);
            }
        }
        Ok(Goes::On)
    }

    /// What follows from a commit that conflicted or got no answer.
    fn settle(
        &mut self,
        config: &Config,
        process: &mut Process,
        place: usize,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let commit = process.tables[place].unsettled.take();
        let mut commit = commit.expect("it is unsettled");
        let table = &self.tables[place];
        if config.protections.no_blind_rebase {
            match settle(u64::from(process.generation), table.found(&commit)) {
                Settled::Fenced { .. } => return Ok(Goes::Ends),
                Settled::Landed => {
                    process.tables[place].version = table.version - 1;
                    believe(process, &commit);
                    return Ok(Goes::On);
                }
                Settled::Moved => {
                    let what = format!(
                        "{:?} moved under generation {}",
                        table.kind, process.generation
                    );
                    if config.protections == Protections::default() {
                        return broken(Property::NoFalseAlarm, what);
                    }
                    return Ok(Goes::Ends);
                }
                Settled::Again => {}
            }
        }
        commit.base = table.version;
        process.tables[place].version = table.version;
        self.send(config, process, commit, fate)
    }

    /// A commit reaches the table; says whether it became a version.
    pub(crate) fn put(&mut self, config: &Config, commit: &Commit) -> Result<bool, Broken> {
        let place = usize::from(commit.table);
        let before = self.tables[place].committed;
        if !self.tables[place].put(commit, config.protections.commit_durable) {
            return Ok(false);
        }
        let kind = self.tables[place].kind;
        if config.one_generation && commit.generation < self.released {
            return broken(
                Property::OneGeneration,
                format!(
                    "generation {} commits to {kind:?} after {} was released",
                    commit.generation, self.released
                ),
            );
        }
        let Some(through) = commit.through else {
            let epoch = before.unwrap_or(0);
            let cut = self.say(epoch, &commit.history)?;
            let truth = Truth::of(config, &cut);
            self.tables[place].check(config, &truth, epoch)?;
            return Ok(true);
        };
        if Some(through) <= before {
            return broken(
                Property::StaysSaid,
                format!("{kind:?} is sealed through {through} after {before:?}"),
            );
        }
        for epoch in between(&commit.history, before.unwrap_or(0), through) {
            let cut = self.say(epoch, &commit.history)?;
            let truth = Truth::of(config, &cut);
            self.tables[place].check(config, &truth, epoch)?;
        }
        Ok(true)
    }
}

fn view_version(process: &Process, place: usize) -> u16 {
    process.tables[place].version
}

/// A commit has landed right after the version that was read last.
fn believe(process: &mut Process, commit: &Commit) {
    let view = &mut process.tables[usize::from(commit.table)];
    view.version += 1;
    match commit.through {
        Some(through) => {
            view.committed = Some(through);
            view.offsets = commit.offsets.or(view.offsets);
        }
        None => view.since = commit.since,
    }
}

/// The finished epochs that a table still takes.
fn taken(process: &Process, committed: Option<Epoch>, through: Epoch) -> Vec<&Finished> {
    let known = process.epochs.iter().map(AsRef::as_ref);
    let takes = |finished: &&Finished| {
        finished.epoch <= through
            && decide::takes(committed.map(real_epoch), real_epoch(finished.epoch))
    };
    known.filter(takes).collect()
}

fn is_of(config: &Config, kind: TableKind, row: &Row) -> bool {
    let topic = config.partitions[usize::from(row.partition)].topic;
    match row.kind {
        RowKind::Change | RowKind::Id | RowKind::Head => kind == TableKind::Input(topic),
        RowKind::Rejected => kind == TableKind::Rejected,
        RowKind::Count => kind == TableKind::Accounting,
    }
}

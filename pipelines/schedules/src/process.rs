//! A generation of the job: what it holds in memory.

use std::sync::Arc;

use crate::config::{Config, Cut, Epoch, StartGrain};
use crate::folder::Bound;
use crate::record::Admission;
use crate::store::{Mark, StoreCall};
use crate::table::{Commit, Row, RowKind};

/// A step of a start, in order (DESIGN 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Fence the tables from this one on, and read where they stand.
    Fence(u8),
    /// `initTransactions`.
    Init,
    /// Read the topic's progress.
    Progress,
    /// Read the log of the newest earlier generation.
    Inherit,
    /// Claim the view store.
    Claim,
    /// Begin the own log with a copy.
    Begin,
    /// Read the job's generation.
    Release,
    /// Load the input tables.
    Load,
}

/// The phases of a start in a world.
pub(crate) fn phases(config: &Config, tables: usize) -> Vec<Phase> {
    let protections = &config.protections;
    let tables = u8::try_from(tables).expect("few tables");
    let mut phases = Vec::new();
    if config.start != StartGrain::Fine {
        phases.push(Phase::Fence(u8::MAX));
    } else {
        phases.extend((0..tables).map(Phase::Fence));
    }
    if config.outputs.topic {
        phases.extend(if protections.progress_after_init {
            [Phase::Init, Phase::Progress]
        } else {
            [Phase::Progress, Phase::Init]
        });
    }
    if protections.fence_before_log {
        phases.push(Phase::Inherit);
    } else {
        phases.insert(0, Phase::Inherit);
    }
    if config.outputs.views {
        phases.push(Phase::Claim);
    }
    phases.extend([Phase::Begin, Phase::Release, Phase::Load]);
    phases
}

/// An epoch with what its records did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Finished {
    pub(crate) epoch: Epoch,
    pub(crate) cut: Cut,
    pub(crate) rows: Vec<Row>,
    /// The values of all keys afterwards, topic by topic.
    pub(crate) inputs: Vec<u8>,
}

/// How far an epoch that is not yet shown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Opened {
    /// Appended to the log.
    Appended,
    /// Synced.
    Synced,
}

/// What a process knows of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TableView {
    pub(crate) version: u16,
    pub(crate) committed: Option<Epoch>,
    pub(crate) offsets: Option<Cut>,
    pub(crate) since: Epoch,
    /// What it read, until it is loaded.
    pub(crate) rows: Arc<Vec<Row>>,
    /// A commit whose outcome is not known.
    pub(crate) unsettled: Option<Commit>,
    /// Offsets that wait for a commit of their own (a mutation).
    pub(crate) offsets_waiting: Option<Cut>,
}

/// What a writer of the view store is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// Nothing.
    #[default]
    Idle,
    /// Sends these calls.
    Writing(Vec<StoreCall>),
    /// Rewrites: what is left to do.
    Rewriting {
        target: Epoch,
        attempt: u64,
        left: Vec<Part>,
    },
}

/// A part of a rewrite.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Names the target in the marker.
    Begin,
    /// Writes these values: key and value.
    Put(Vec<(u8, u16)>),
    /// Lists the keys, and plans the deletes.
    List,
    /// Deletes these keys.
    Delete(Vec<u8>),
    /// Says that all is of the target.
    End,
}

/// The writer of the view store (`views::ViewWriter`, which blocks; here each call is a step).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    /// The marker as it stands by all that is known.
    pub(crate) standing: Option<Mark>,
    /// Whether the marker was read and not claimed (a mutation), and what stood there.
    pub(crate) unclaimed: Option<Option<Mark>>,
    pub(crate) shown: Option<Epoch>,
    /// What an earlier generation may have shown, under whatever code.
    pub(crate) before: Option<Epoch>,
    pub(crate) attempt: u64,
    pub(crate) work: Work,
    /// Changes above this epoch are there.
    pub(crate) since: Epoch,
}

/// A producer of the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Producer {
    pub(crate) number: u8,
    pub(crate) progress: Option<Epoch>,
}

/// A generation of the job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) generation: u8,
    /// The place of the next phase of its start; beyond the last: it runs.
    pub(crate) phase: u8,
    /// Bindings: inherited, then also own.
    pub(crate) bindings: Vec<Bound>,
    /// Epochs and cuts of the same.
    pub(crate) history: Arc<Vec<(Epoch, Cut)>>,
    pub(crate) tables: Vec<TableView>,
    pub(crate) partitions: Vec<Admission>,
    pub(crate) cut: Cut,
    /// Bound epochs that are still to be read again.
    pub(crate) replay: Vec<Bound>,
    /// Rows of the input tables above the base that no epoch has taken yet.
    pub(crate) tail: Vec<Row>,
    /// Released epochs that are finished, from the base on.
    pub(crate) epochs: Vec<Arc<Finished>>,
    pub(crate) open: Option<(Arc<Finished>, Opened)>,
    /// New epochs lie above this one.
    pub(crate) newest: Epoch,
    /// Through which epoch the tables of inputs are being sealed.
    pub(crate) group: Option<Epoch>,
    pub(crate) writer: Writer,
    pub(crate) producer: Option<Producer>,
    pub(crate) must_pass: Option<Epoch>,
}

impl Process {
    pub(crate) fn new(config: &Config, generation: u8) -> Self {
        Self {
            generation,
            phase: 0,
            bindings: Vec::new(),
            history: Arc::default(),
            tables: Vec::new(),
            partitions: (config.partitions.iter())
                .map(|_| Admission::new(config.keys))
                .collect(),
            cut: Cut::default(),
            replay: Vec::new(),
            tail: Vec::new(),
            epochs: Vec::new(),
            open: None,
            newest: 0,
            group: None,
            writer: Writer::default(),
            producer: None,
            must_pass: None,
        }
    }

    /// The newest epoch that is finished; 0 before any.
    pub(crate) fn finished(&self) -> Epoch {
        self.epochs.last().map_or(0, |last| last.epoch)
    }

    /// What the inputs are at an epoch that it knows: those of the newest epoch up to it.
    pub(crate) fn inputs_at(&self, epoch: Epoch) -> &[u8] {
        let after = self.epochs.partition_point(|known| known.epoch <= epoch);
        &self.epochs[after.saturating_sub(1)].inputs
    }

    /// Finishes an epoch: what `rows` change is added to what stood before.
    pub(crate) fn finished_by(
        &self,
        config: &Config,
        epoch: Epoch,
        cut: Cut,
        rows: Vec<Row>,
    ) -> Finished {
        let mut inputs = match self.epochs.last() {
            Some(last) => last.inputs.clone(),
            None => no_inputs(config),
        };
        apply(config, &mut inputs, &rows);
        Finished {
            epoch,
            cut,
            rows,
            inputs,
        }
    }

    /// Takes the rows of the tail through `epoch`, by their epochs.
    pub(crate) fn tail_through(&mut self, epoch: Epoch) -> Vec<Row> {
        let later = self.tail.partition_point(|row| row.epoch <= epoch);
        let rest = self.tail.split_off(later);
        std::mem::replace(&mut self.tail, rest)
    }

    /// What all required sinks have committed.
    pub(crate) fn required(&self, config: &Config) -> Option<Epoch> {
        let mut required = self.tables.iter().map(|table| table.committed).min();
        if config.outputs.topic {
            let progress = self.producer.and_then(|producer| producer.progress);
            required = required.map(|tables| tables.min(progress));
        }
        required.flatten()
    }
}

/// The inputs of a world without records.
pub(crate) fn no_inputs(config: &Config) -> Vec<u8> {
    vec![0; usize::from(config.keys) * usize::from(config.topics())]
}

/// Adds what rows change.
pub(crate) fn apply(config: &Config, inputs: &mut [u8], rows: &[Row]) {
    for row in rows.iter().filter(|row| row.kind == RowKind::Change) {
        let topic = config.partitions[usize::from(row.partition)].topic;
        let place = usize::from(topic) * usize::from(config.keys) + usize::from(row.key);
        inputs[place] = u8::try_from(row.value).expect("values of inputs are small");
    }
}

/// The graph: the value of each view key; 0: there is none.
pub(crate) fn derive(config: &Config, inputs: &[u8], code: u8) -> Vec<u16> {
    let keys = usize::from(config.keys);
    let shift = 50 * u16::from(code);
    let mut values = vec![0_u16; config.view_keys()];
    for key in 0..keys {
        let value = u16::from(inputs[key]);
        if value == 0 {
            continue;
        }
        values[key] = value + shift;
        let group = inputs.get(keys + key).copied().unwrap_or(0);
        if group != 0 && group <= config.groups {
            let sum = &mut values[keys + usize::from(group) - 1];
            *sum = (*sum).max(shift) + value;
        }
    }
    values
}

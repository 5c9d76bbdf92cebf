//! What a world has: inputs, outputs, faults, and the protections that hold in it.

/// The most partitions of a world.
pub(crate) const PARTITIONS_MAX: usize = 3;

/// The next offset of every partition.
pub type Cut = [u16; PARTITIONS_MAX];

/// An epoch of a world.
pub type Epoch = u32;

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The key's value becomes this; 0: it has none.
    Set(u8),
    /// 0 becomes 1, all else 0.
    Toggle,
    /// Confirms the value that the key has: rejected if it has another. Leaves no state behind.
    Confirm(u8),
}

/// A record of an input partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Which key of the partition's topic.
    pub key: u8,
    /// What it asks for.
    pub op: Op,
    /// The event id: a second record with it is a duplicate inside the horizon.
    pub id: u16,
    /// Kafka's timestamp.
    pub timestamp: u16,
}

/// A partition with all records that will ever come.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    /// 0: values of keys; 1: the group that a key belongs to.
    pub topic: u8,
    /// Its records by offset.
    pub records: Vec<Record>,
}

/// How often each fault may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// Starts of the job, the first one included. Each takes a generation; earlier ones live on.
    pub starts: u8,
    /// A process ends at once; what it sent may still arrive.
    pub crashes: u8,
    /// All processes end, and what was written and not synced is gone.
    pub power_losses: u8,
    /// The view store falls back to an earlier state.
    pub failovers: u8,
    /// The view store loses everything.
    pub flushes: u8,
    /// A call takes effect, its answer is lost.
    pub lost_answers: u8,
    /// A call gets no answer and takes effect later, or never.
    pub late_calls: u8,
    /// An input table is compacted.
    pub compactions: u8,
    /// Kafka compacts a record away that a newer one of its key follows.
    pub records_compacted: u8,
    /// The binding log is begun anew without what is past.
    pub trims: u8,
}

/// The outputs of a world besides its input tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// `rejected` and `accounting`.
    pub sides: bool,
    /// The table of derived values.
    pub derived: bool,
    /// The view store.
    pub views: bool,
    /// The transactional topic.
    pub topic: bool,
}

/// How finely a start is cut into steps: fewer steps, fewer interleavings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartGrain {
    /// A step a table, one a phase.
    Fine,
    /// All tables are fenced in one step.
    Tables,
    /// A start is one step.
    Whole,
}

/// A world's bounds.
#[derive(Clone, Debug)]
pub struct Config {
    /// The input partitions, at most three.
    pub partitions: Vec<Partition>,
    /// Keys of each topic.
    pub keys: u8,
    /// Groups that keys of topic 0 are put into by topic 1; a group's value is the sum over its keys.
    pub groups: u8,
    /// The outputs.
    pub outputs: Outputs,
    /// Most commands in a call to the view store.
    pub commands_max: usize,
    /// How long an id is a duplicate, in timestamps.
    pub horizon: u16,
    /// The code of each generation from 1 on (the last one holds for all later ones): views of another code are
    /// other values.
    pub codes: Vec<u8>,
    /// How finely a start is cut into steps.
    pub start: StartGrain,
    /// Whether appending, syncing and releasing an epoch are one step.
    pub whole_binding: bool,
    /// Whether the input tables are left as they are: a start then reads everything again.
    pub inputs_idle: bool,
    /// The most records of a partition that an epoch takes, unless it takes all that are left.
    pub reads_max: u16,
    /// Whether the machine's clock jumps ahead before an epoch is minted, as a choice of the schedule.
    pub clock_jumps: bool,
    /// The faults.
    pub faults: Faults,
    /// Whether it counts that an older generation has an effect, even if nothing wrong comes of it.
    pub one_generation: bool,
    /// What protects it.
    pub protections: Protections,
}

impl Config {
    /// The code that a generation runs.
    #[must_use]
    pub fn code_of(&self, generation: u8) -> u8 {
        let place = usize::from(generation.saturating_sub(1));
        (self.codes.get(place).or(self.codes.last()))
            .copied()
            .unwrap_or(0)
    }

    /// The number of view keys.
    #[must_use]
    pub fn view_keys(&self) -> usize {
        usize::from(self.keys) + usize::from(self.groups)
    }

    /// The number of topics.
    #[must_use]
    pub fn topics(&self) -> u8 {
        let topics = self.partitions.iter().map(|partition| partition.topic + 1);
        topics.max().unwrap_or(1)
    }

    /// The offsets at which all partitions end.
    #[must_use]
    pub fn end(&self) -> Cut {
        let mut end = Cut::default();
        for (place, partition) in self.partitions.iter().enumerate() {
            end[place] = u16::try_from(partition.records.len()).expect("a world has few records");
        }
        end
    }

    /// The same world with some protections taken out.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        for name in names {
            self.protections.take_out(name);
        }
        self
    }
}

macro_rules! protections {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Every protection of the protocol; each can be taken out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct Protections {
            $($(#[doc = $doc])+ pub $name: bool,)+
        }

        impl Default for Protections {
            fn default() -> Self {
                Self { $($name: true,)+ }
            }
        }

        impl Protections {
            /// The names of all.
            pub const NAMES: &[&str] = &[$(stringify!($name),)+];

            /// Takes one out by its name.
            ///
            /// # Panics
            /// If there is none of that name.
            pub fn take_out(&mut self, name: &str) {
                match name {
                    $(stringify!($name) => self.$name = false,)+
                    other => panic!("there is no protection {other:?}"),
                }
            }
        }
    };
}

protections! {
    /// A binding is synced before anything of its epoch is sent.
    durable_binding,
    /// The job's generation is read between the sync and any output.
    generation_read,
    /// What an older copy binds later, to its own log, counts for nothing.
    own_log,
    /// Inherited bindings are copied into the own log and synced before anything shows them.
    inherited_copied,
    /// Epochs that are bound are read again with the same records.
    definite_epochs,
    /// What is read again is compared with what was bound.
    records_compared,
    /// An epoch without records is shown only if it is bound.
    idle_bound,
    /// New epochs lie above those of bindings.
    clock_bindings,
    /// New epochs lie above those of tables.
    clock_tables,
    /// New epochs lie above those of views.
    clock_views,
    /// A start puts an empty commit on the input tables.
    fence_inputs,
    /// A start puts an empty commit on the derived table.
    fence_derived,
    /// The log is read after the tables are fenced.
    fence_before_log,
    /// After a conflict, or without an answer, generation and position are looked at before the commit is sent again.
    no_blind_rebase,
    /// The offsets are part of the input table's commit.
    offsets_in_commit,
    /// `rejected` and `accounting` are sealed before the input table.
    sealed_first,
    /// Event ids are restored from the input table.
    duplicate_state,
    /// The horizon of duplicates is measured in timestamps.
    timestamp_horizon,
    /// Compaction keeps what a derived table or a Kafka sink still needs.
    compaction_limit,
    /// A commit is on the disk before it has its name.
    commit_durable,
    /// The view store is claimed before its marker is believed.
    claim,
    /// Differences start at what the view store holds, not at what was loaded.
    sink_base,
    /// A call without an answer is repeated until it has one.
    settled_answers,
    /// The marker of an idle store is looked at.
    idle_probe,
    /// The target of a write that was cut off is reached before any other.
    finish_cut_off,
    /// A rewrite lies at or above what was shown.
    rewrite_above_shown,
    /// What another code has shown of an epoch stays said.
    origin,
    /// What a store that lost its marker may have shown is taken as shown under other code.
    unknown_origin,
    /// An epoch without records is bound whenever the views wait for a newer one, not at a start alone.
    pass_when_asked,
    /// A rewrite that was cut off starts again at part 0.
    rewrite_restarts,
    /// A rewrite deletes what the graph does not hold.
    rewrite_deletes,
    /// The marker is looked at after the keys are listed.
    listing_checked,
    /// A call is compared by the generation in the marker.
    marker_generation,
    /// A call is compared by `as_of` in the marker.
    marker_as_of,
    /// A call is compared by the target in the marker.
    marker_target,
    /// A call is compared by the attempt in the marker.
    marker_attempt,
    /// A call is compared by the part in the marker.
    marker_part,
    /// `initTransactions` is called before the progress is read.
    progress_after_init,
}

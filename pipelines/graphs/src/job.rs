//! The graphs of the main job on one worker: handles to feed it, a callback for what it says.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use dataflow::{Document, PriceCounts, Setting};
use differential_dataflow::AsCollection;
use model::Epoch;
use model::valued::SharedComponent;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::probe::{Handle as ProbeHandle, Probe};
use timely::dataflow::{InputHandle, StreamVec};
use timely::worker::Worker;
use valuation::{Key, RuleChange, Ruleset};

use crate::expectation::{self, Characters, Memo, ValuationChange, expectation};
use crate::likes::{self, LikeCounts, LikesChange, likes};

/// What holds from the start, the same for all workers.
#[derive(Clone)]
pub struct Settings {
    /// The ruleset of the start.
    pub rules: Arc<Ruleset>,
    /// Prices known beforehand under it.
    pub memo: Arc<Memo>,
    /// The first epoch whose changes are told; earlier ones only build the state.
    pub tell_from: Epoch,
    /// Counts the prices of this process.
    pub prices: Arc<PriceCounts>,
}

impl Settings {
    /// A ruleset, nothing known beforehand, everything told.
    #[must_use]
    pub fn new(rules: Ruleset) -> Self {
        Self {
            rules: Arc::new(rules),
            memo: Arc::default(),
            tell_from: Epoch(0),
            prices: Arc::default(),
        }
    }
}

/// What a worker says of an epoch. There may be several of a kind an epoch, until
/// [`Progress::frontier`] is beyond it.
pub enum Output {
    /// Characters whose value changed, at most once each an epoch.
    Valuations(Vec<ValuationChange>),
    /// Like counts that changed, at most once each an epoch.
    Likes(Vec<LikesChange>),
    /// All characters of this worker, as of the end of the epoch, because it was asked to.
    Characters(Characters),
    /// All like counts of this worker, as of the end of the epoch, because it was asked to.
    LikeCounts(LikeCounts),
    /// Prices that were computed, for a memo; they hold from the epoch on.
    Prices(Vec<(Key, SharedComponent)>),
}

/// Builds the graphs on a worker. Every worker of the job has to call it, in the same order among
/// its dataflows.
///
/// `emit` is called on the worker's thread while it steps, and must not block.
pub fn build(
    worker: &mut Worker,
    settings: &Settings,
    emit: impl FnMut(Epoch, Output) + 'static,
) -> (Inputs, Progress) {
    let emit: Emit = Rc::new(RefCell::new(emit));
    let mut inputs = Inputs::default();
    let expected = worker.dataflow_named("expectation", |scope| {
        let streams = expectation::Inputs {
            documents: inputs.characters.to_stream(scope),
            changes: inputs.rules.to_stream(scope),
            read_outs: inputs.characters_read_out.to_stream(scope),
        };
        let setting = Setting {
            rules: Arc::clone(&settings.rules),
            memo: Arc::clone(&settings.memo),
            prices: Arc::clone(&settings.prices),
            tell_from: settings.tell_from.0,
        };
        let outputs = expectation(streams, setting);
        let probe = ProbeHandle::new();
        say(outputs.changes, &emit, &probe, |changes| {
            [Output::Valuations(changes)]
        });
        say(outputs.prices, &emit, &probe, |prices| {
            [Output::Prices(prices)]
        });
        say(outputs.held, &emit, &probe, |held| {
            held.into_iter().map(Output::Characters)
        });
        probe
    });
    let counted = worker.dataflow_named("likes", |scope| {
        let streams = likes::Inputs {
            targets: inputs.likes.to_stream(scope).as_collection(),
            read_outs: inputs.likes_read_out.to_stream(scope),
        };
        let outputs = likes(streams, settings.tell_from.0);
        let probe = ProbeHandle::new();
        say(outputs.changes, &emit, &probe, |changes| {
            [Output::Likes(changes)]
        });
        say(outputs.held, &emit, &probe, |held| {
            held.into_iter().map(Output::LikeCounts)
        });
        probe
    });
    (inputs, Progress { expected, counted })
}

type Emit = Rc<RefCell<dyn FnMut(Epoch, Output)>>;

/// Hands what a stream says to `emit`, made into outputs by `outputs`.
fn say<D: 'static, I: IntoIterator<Item = Output>>(
    stream: StreamVec<'_, u64, D>,
    emit: &Emit,
    probe: &ProbeHandle<u64>,
    outputs: impl Fn(Vec<D>) -> I + 'static,
) {
    let emit = Rc::clone(emit);
    let nothing =
        stream.unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(Pipeline, "Say", |_, _| {
            move |input, _| {
                input.for_each(|capability, batch| {
                    let epoch = Epoch(*capability.least().expect("a message has an epoch"));
                    for output in outputs(std::mem::take(batch)) {
                        (emit.borrow_mut())(epoch, output);
                    }
                });
            }
        });
    nothing.probe_with(probe);
}

type Input<D> = InputHandle<u64, CapacityContainerBuilder<Vec<D>>>;

/// What a worker is fed with. Everything goes in at the epoch last advanced to; dropped, it says that
/// nothing more will come.
///
/// Records of one key at one epoch have to be given to one worker, in their order; the last snapshot
/// counts. Any worker will do: the graph takes everything to where it belongs.
#[derive(Default)]
pub struct Inputs {
    characters: Input<Document>,
    rules: Input<RuleChange>,
    characters_read_out: Input<()>,
    likes: Input<(String, u64, isize)>,
    likes_read_out: Input<()>,
}

impl Inputs {
    /// Goes on to `epoch`, which says that this worker is fed nothing more before it.
    ///
    /// # Panics
    /// When `epoch` lies before one already advanced to.
    pub fn advance_to(&mut self, Epoch(epoch): Epoch) {
        self.characters.advance_to(epoch);
        self.rules.advance_to(epoch.max(*self.rules.time()));
        self.characters_read_out.advance_to(epoch);
        self.likes.advance_to(epoch);
        self.likes_read_out.advance_to(epoch);
    }

    /// The epoch last advanced to.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(*self.likes.time())
    }

    /// Changes a rule from the epoch on, for all workers. All changes of one epoch have to be given to
    /// one worker, and each has to have been tried on the ruleset.
    ///
    /// # Panics
    /// When characters were already given at the epoch: rules come first.
    pub fn rule(&mut self, change: RuleChange) {
        assert_eq!(
            self.rules.time(),
            self.characters.time(),
            "rules come before characters"
        );
        self.rules.send(change);
    }

    /// A character's equipment is now `snapshot`, in the form of [`model::snapshot::binary`], or none.
    pub fn character(&mut self, ocid: &str, snapshot: Option<&[u8]>) {
        // That the rules of the epoch are complete lets characters go through before the epoch is.
        self.rules.advance_to(self.characters.time() + 1);
        self.characters
            .send((ocid.to_owned(), snapshot.map(<[u8]>::to_vec)));
    }

    /// One account more (`diff` 1) or less (-1) likes `target`.
    pub fn like(&mut self, target: &str, diff: i64) {
        let epoch = *self.likes.time();
        let diff = isize::try_from(diff).expect("64 bits");
        self.likes.send((target.to_owned(), epoch, diff));
    }

    /// Asks all workers for all their characters as of the end of the epoch.
    pub fn read_out_characters(&mut self) {
        self.characters_read_out.send(());
    }

    /// Asks all workers for all their like counts as of the end of the epoch.
    pub fn read_out_likes(&mut self) {
        self.likes_read_out.send(());
    }

    /// Hands buffered input on. [`advance_to`](Self::advance_to) does it too.
    pub fn flush(&mut self) {
        self.characters.flush();
        self.rules.flush();
        self.characters_read_out.flush();
        self.likes.flush();
        self.likes_read_out.flush();
    }
}

/// How far the graphs have come, over all workers.
#[derive(Clone, Debug)]
pub struct Progress {
    expected: ProbeHandle<u64>,
    counted: ProbeHandle<u64>,
}

impl Progress {
    /// The epochs still to come: whatever lies before was said, on every worker. `None` when the inputs
    /// of all workers are gone and everything was said.
    #[must_use]
    pub fn frontier(&self) -> Option<Epoch> {
        let least =
            |probe: &ProbeHandle<u64>| probe.with_frontier(|frontier| frontier.first().copied());
        let frontiers = least(&self.expected)
            .into_iter()
            .chain(least(&self.counted));
        frontiers.min().map(Epoch)
    }

    /// Whether everything of `epoch` was said, on every worker.
    #[must_use]
    pub fn is_beyond(&self, epoch: Epoch) -> bool {
        self.frontier().is_none_or(|frontier| frontier > epoch)
    }
}

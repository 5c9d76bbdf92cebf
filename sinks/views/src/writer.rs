//! Carries out the decisions of [`decide`] for one job and one store.

mod held;
mod scrub;

use std::time::Instant;

use failpoints::points;
use model::Epoch;
use model::view::{Marker, Origin};
use tracing::{info, warn};

use crate::call::{Call, Command};
use crate::change::ViewChange;
use crate::decide::{self, After, Need};
use crate::error::ViewError;
use crate::store::{Claim, Stray, ViewStore};
use held::HeldKeys;

/// How many keys a piece of a listing has, about.
const LIST_LIMIT: u32 = 5_000;

/// Why the newest generation of a job is not known.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// What a writer needs from the job around it. The writer calls it on its own thread.
pub trait Host: Send {
    /// The newest generation of the job, read now.
    fn newest_generation(&mut self) -> Result<u64, HostError>;

    /// Waits before the same thing is tried again, longer with each `attempt` (from 1), and shows
    /// the wait; `false` gives up with [`ViewError::GaveUp`], after which the writer may be asked
    /// again: it begins with a claim, and a call that is still on its way finds another marker.
    fn wait(&mut self, error: &ViewError, attempt: u32) -> bool;

    /// Asked before each call to the store: `true` abandons the write with [`ViewError::Abandoned`],
    /// for a quick end of the process. What is begun in the store is finished by the next writer.
    fn abandons(&mut self) -> bool {
        false
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The store is true of the target.
    Done,
    /// The store was not where it had been (failover, flush, another generation): ask for the
    /// [`ViewWriter::need`] again.
    Gap,
}

/// What a look at an idle store found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// All is as it was left.
    Fine,
    /// It is not: ask for the [`ViewWriter::need`] again.
    Gap,
}

/// Writes the views of one generation of a job to one store. An error that it returns is no
/// transient one: those it repeats identically for as long as the host waits.
#[derive(Debug)]
pub struct ViewWriter<S, H> {
    store: S,
    host: H,
    generation: u64,
    origin: Origin,
    /// The marker as it stands by all that is known; `None`: the store must be claimed (again).
    standing: Option<Marker>,
    /// The highest epoch of which readers may have seen a value.
    shown: Option<Epoch>,
    /// The highest epoch that an earlier generation may have shown, under whatever code.
    before: Option<Epoch>,
    attempt: u64,
}

impl<S: ViewStore, H: Host> ViewWriter<S, H> {
    /// A writer for `generation`, whose values are of `origin`: the only one that this generation
    /// ever has for the store. Touches nothing yet.
    pub fn new(store: S, host: H, generation: u64, origin: Origin) -> Self {
        Self {
            store,
            host,
            generation,
            origin,
            standing: None,
            shown: None,
            before: None,
            attempt: 0,
        }
    }

    /// Says that values of `epoch` may have been shown before, so that a rewrite of a store without
    /// a marker (a flushed one) takes nothing back: the newest binding that the job inherited.
    #[must_use]
    pub fn shown_before(mut self, epoch: Epoch) -> Self {
        if epoch > Epoch(0) {
            self.before = self.before.max(Some(epoch));
        }
        self
    }

    /// The marker as it stands by all that is known; `None` before a claim and after a gap.
    pub fn standing(&self) -> Option<&Marker> {
        self.standing.as_ref()
    }

    /// The epoch that the store is true of, if it is of any.
    pub fn as_of(&self) -> Option<Epoch> {
        self.standing.as_ref().and_then(|marker| marker.as_of)
    }

    /// Claims the store if it is not claimed, and says what it needs ([`decide::step`] says what to
    /// do about it). Its marker may name the highest epoch ever seen: mint above it.
    pub fn need(&mut self) -> Result<Need, ViewError> {
        let marker = self.claimed()?;
        let seen = decide::seen(&marker, &self.origin, self.shown, self.before);
        Ok(decide::need(&marker, &self.origin, seen))
    }

    /// Writes the net differences from `from` (what the store is true of) to `to`: each key at most
    /// once, and only if its value at `to` is another than at `from`. Where both are the same epoch,
    /// there can be no changes.
    pub fn write(
        &mut self,
        from: Epoch,
        to: Epoch,
        changes: Vec<ViewChange>,
    ) -> Result<Written, ViewError> {
        let need = self.need()?;
        let in_step = match &need {
            Need::Differences { from: held, finish } => {
                *held == from
                    && (from < to || from == to && changes.is_empty())
                    && finish.is_none_or(|target| target == to)
            }
            Need::Rewrite { .. } => false,
        };
        if !in_step {
            return Err(self.out_of_step(from, to, &need));
        }
        let marker = self.claimed()?;
        self.attempt = decide::next_attempt(&marker, self.attempt);
        let commands = changes.into_iter().map(ViewChange::into_command).collect();
        for call in decide::write_calls(&marker, to, &self.origin, self.attempt, commands) {
            if self.send(&call)? == Written::Gap {
                return Ok(Written::Gap);
            }
            if call.next.progress.is_some() {
                points::PART_WRITTEN.pass();
            }
        }
        Ok(Written::Done)
    }

    /// Writes every value at `target`, then deletes what is not among them. `values` are all values
    /// that the graph holds at `target`, in any order; their `changed_at` is replaced by `target`.
    pub fn rewrite(
        &mut self,
        target: Epoch,
        values: impl IntoIterator<Item = ViewChange>,
    ) -> Result<Written, ViewError> {
        let need = self.need()?;
        let (at_least, keep_equal) = match need {
            Need::Rewrite {
                at_least,
                keep_equal,
            } => (at_least, keep_equal),
            Need::Differences { .. } => (self.shown.max(self.before), false),
        };
        if at_least.is_some_and(|epoch| target < epoch) {
            return Err(self.out_of_step(target, target, &need));
        }
        let marker = self.claimed()?;
        self.attempt = decide::next_attempt(&marker, self.attempt);
        let started = Instant::now();
        info!(store = self.store.place(), epoch = %target, keep_equal, "rewriting views");
        let begin = decide::begin_rewrite(&marker, target, &self.origin, self.attempt);
        if self.send(&begin)? == Written::Gap {
            return Ok(Written::Gap);
        }
        points::REWRITE_BEGUN.pass();

        let mut held = HeldKeys::default();
        let commands = values
            .into_iter()
            .filter_map(|value| value.into_rewrite(target, keep_equal))
            .inspect(|command| held.insert(command.key()));
        for piece in decide::in_pieces(commands) {
            if self.send_part(piece)? == Written::Gap {
                return Ok(Written::Gap);
            }
        }
        if self.delete_others(held)? == Written::Gap {
            return Ok(Written::Gap);
        }
        points::REWRITE_WRITTEN.pass();
        let end = decide::end_rewrite(&self.claimed()?);
        let written = self.send(&end)?;
        if written == Written::Done {
            let seconds = started.elapsed().as_secs_f64();
            info!(store = self.store.place(), epoch = %target, seconds, "rewrote views");
        }
        Ok(written)
    }

    /// Looks at the marker of a store that was not written for a while; without it, a flushed store
    /// stays empty until the next change.
    pub fn probe(&mut self) -> Result<Probed, ViewError> {
        let believed = self.claimed()?;
        let found = self.insist(|store| store.read(&[]))?.marker;
        match self.follow(decide::probe(&believed, found.as_deref()))? {
            Written::Done => Ok(Probed::Fine),
            Written::Gap => Ok(Probed::Gap),
        }
    }

    /// Deletes what the store holds and `held` does not. Each piece of the listing is of one moment
    /// with the marker, which stands for one content: nothing can have come in between.
    fn delete_others(&mut self, held: HeldKeys) -> Result<Written, ViewError> {
        let held = held.sorted();
        let mut cursor = None;
        loop {
            let believed = self.claimed()?;
            let page = self.insist(|store| store.list(cursor.as_ref(), LIST_LIMIT))?;
            let after = decide::probe(&believed, page.marker.as_deref());
            if self.follow(after)? == Written::Gap {
                return Ok(Written::Gap);
            }
            points::REWRITE_LISTED.pass();
            let others = page.keys.into_iter().filter(|key| !held.contains(key));
            let others = others.map(|key| Command::Delete { key });
            let strays = page.strays.into_iter().map(Stray::into_command);
            for piece in decide::in_pieces(others.chain(strays)) {
                if self.send_part(piece)? == Written::Gap {
                    return Ok(Written::Gap);
                }
            }
            cursor = match page.next {
                Some(next) => Some(next),
                None => return Ok(Written::Done),
            };
        }
    }

    fn send_part(&mut self, commands: Vec<Command>) -> Result<Written, ViewError> {
        let call = decide::rewrite_part(&self.claimed()?, commands);
        self.send(&call)
    }

    /// Sends `call` until it is answered.
    fn send(&mut self, call: &Call) -> Result<Written, ViewError> {
        if self.host.abandons() {
            let store = self.place();
            return Err(ViewError::Abandoned { store });
        }
        // Readers may see it from now on, whether or not there is an answer.
        self.shown = self.shown.max(decide::shown(&call.next));
        points::CALL_BUILT.pass();
        let answer = self.insist(|store| store.apply(call))?;
        points::CALL_ANSWERED.pass();
        let written = self.follow(decide::after(answer))?;
        if written == Written::Done {
            self.standing = Some(call.next.clone());
        }
        Ok(written)
    }

    fn follow(&mut self, after: After) -> Result<Written, ViewError> {
        match after {
            After::GoOn => Ok(Written::Done),
            After::End { newest } => {
                self.standing = None;
                Err(self.fenced(newest))
            }
            After::ClaimAgain => {
                warn!(
                    store = self.store.place(),
                    "the view store is not where it was"
                );
                self.standing = None;
                Ok(Written::Gap)
            }
        }
    }

    /// The marker of the claimed store; claims it first if need be.
    fn claimed(&mut self) -> Result<Marker, ViewError> {
        if let Some(marker) = &self.standing {
            return Ok(marker.clone());
        }
        let own = self.generation;
        let newest = self.newest_generation()?;
        if !decide::may_claim(own, newest) {
            return Err(self.fenced(newest));
        }
        match self.insist(|store| store.claim(own))? {
            Claim::Fenced { by } => Err(self.fenced(by)),
            Claim::Claimed(marker) => {
                let as_of = marker.as_of.map(|epoch| epoch.0);
                info!(
                    store = self.store.place(),
                    generation = own,
                    as_of,
                    "claimed the view store"
                );
                self.shown = self.shown.max(decide::shown(&marker));
                // The store tells that what was shown before is of the own origin.
                if decide::is_own(&marker, &self.origin) && self.shown >= self.before {
                    self.before = None;
                }
                self.standing = Some(marker.clone());
                Ok(marker)
            }
        }
    }

    fn newest_generation(&mut self) -> Result<u64, ViewError> {
        let mut attempt = 0;
        loop {
            match self.host.newest_generation() {
                Ok(newest) => return Ok(newest),
                Err(source) => {
                    attempt += 1;
                    self.wait_or_give_up(ViewError::Generation { source }, attempt)?;
                }
            }
        }
    }

    /// Asks the store the same thing until it answers.
    fn insist<T>(&mut self, ask: impl Fn(&mut S) -> Result<T, ViewError>) -> Result<T, ViewError> {
        let mut attempt = 0;
        loop {
            match ask(&mut self.store) {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_transient() => {
                    attempt += 1;
                    self.wait_or_give_up(error, attempt)?;
                }
                Err(error) => {
                    self.standing = None;
                    return Err(error);
                }
            }
        }
    }

    fn wait_or_give_up(&mut self, error: ViewError, attempt: u32) -> Result<(), ViewError> {
        if self.host.wait(&error, attempt) {
            Ok(())
        } else {
            self.standing = None;
            Err(ViewError::GaveUp {
                store: self.place(),
                source: Box::new(error),
            })
        }
    }

    fn fenced(&self, newest: u64) -> ViewError {
        ViewError::Fenced {
            store: self.place(),
            own: self.generation,
            newest,
        }
    }

    fn out_of_step(&self, from: Epoch, to: Epoch, need: &Need) -> ViewError {
        ViewError::OutOfStep {
            store: self.place(),
            from,
            to,
            need: format!("{need:?}"),
        }
    }

    fn place(&self) -> String {
        self.store.place().to_owned()
    }
}

//! Carries out the decisions of [`decide`] for one job and one store.

mod held;

use std::time::Instant;

use model::Epoch;
use model::valued::CharacterValuation;
use model::view::{CharacterEncoder, Marker, Origin, Stamped, ViewKey, likes};
use tracing::{info, warn};

use crate::call::{Call, Command};
use crate::decide::{self, After, Need};
use crate::error::ViewError;
use crate::store::{Claim, ViewStore};
use held::HeldKeys;

/// How many keys a piece of a listing has, about.
const LIST_LIMIT: u32 = 5_000;

/// Why the newest generation of a job is not known.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// What a writer needs from the job around it.
pub trait Host: Send {
    /// The newest generation of the job, read now.
    fn newest_generation(&mut self) -> Result<u64, HostError>;

    /// Waits before the same thing is tried again, longer with each `attempt` (from 1), and shows
    /// the wait; `false` gives up, after which this process must write nothing more.
    fn wait(&mut self, error: &ViewError, attempt: u32) -> bool;
}

/// A value at the end of the epochs that are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewChange {
    /// Which value.
    pub key: ViewKey,
    /// The epoch of its last change.
    pub changed_at: Epoch,
    /// What it says; `None`: it is gone.
    pub payload: Option<Vec<u8>>,
}

impl ViewChange {
    /// A character's valuation, or its end.
    #[must_use]
    pub fn character(
        ocid: &str,
        changed_at: Epoch,
        valuation: Option<&CharacterValuation>,
        encoder: &mut CharacterEncoder,
    ) -> Self {
        let payload = valuation.map(|valuation| encoder.encode(valuation));
        Self {
            key: ViewKey::character(ocid),
            changed_at,
            payload,
        }
    }

    /// How many accounts like `target`; `None`: nobody does.
    #[must_use]
    pub fn likes(target: &str, changed_at: Epoch, count: Option<i64>) -> Self {
        Self {
            key: ViewKey::likes(target),
            changed_at,
            payload: count.map(likes::encode),
        }
    }

    fn into_command(self) -> Command {
        let Self {
            key,
            changed_at,
            payload,
        } = self;
        match payload {
            Some(payload) => Command::Put {
                key,
                value: Stamped {
                    changed_at,
                    payload,
                }
                .to_bytes(),
            },
            None => Command::Delete { key },
        }
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
    attempt: u64,
}

impl<S: ViewStore, H: Host> ViewWriter<S, H> {
    /// A writer for `generation`, whose values are of `origin`. Touches nothing yet.
    pub fn new(store: S, host: H, generation: u64, origin: Origin) -> Self {
        Self {
            store,
            host,
            generation,
            origin,
            standing: None,
            attempt: 0,
        }
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
        Ok(decide::need(&marker, &self.origin))
    }

    /// Writes the net differences from `from` (what the store is true of) to `to`: each key at most
    /// once, and only if its value at `to` is another than at `from`.
    pub fn write(
        &mut self,
        from: Epoch,
        to: Epoch,
        changes: Vec<ViewChange>,
    ) -> Result<Written, ViewError> {
        let need = self.need()?;
        let in_step = match &need {
            Need::Differences { from: held, finish } => {
                *held == from && from <= to && finish.is_none_or(|target| target == to)
            }
            Need::Rewrite { .. } => false,
        };
        if !in_step {
            return Err(ViewError::OutOfStep {
                from,
                to,
                need: format!("{need:?}"),
            });
        }
        let marker = self.claimed()?;
        self.attempt = decide::next_attempt(&marker, self.attempt);
        let commands = changes.into_iter().map(ViewChange::into_command).collect();
        for call in decide::write_calls(&marker, to, &self.origin, self.attempt, commands) {
            if self.send(&call)? == Written::Gap {
                return Ok(Written::Gap);
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
        let marker = self.claimed()?;
        if decide::shown(&marker).is_some_and(|shown| target < shown) {
            let need = format!("{need:?}");
            return Err(ViewError::OutOfStep {
                from: target,
                to: target,
                need,
            });
        }
        let keep_equal = matches!(
            need,
            Need::Rewrite {
                keep_equal: true,
                ..
            }
        );
        self.attempt = decide::next_attempt(&marker, self.attempt);
        let started = Instant::now();
        info!(store = self.store.place(), epoch = %target, keep_equal, "rewriting views");
        let begin = decide::begin_rewrite(&marker, target, &self.origin, self.attempt);
        if self.send(&begin)? == Written::Gap {
            return Ok(Written::Gap);
        }

        let mut held = HeldKeys::default();
        let commands = values.into_iter().filter_map(|value| {
            let payload = value.payload?;
            held.insert(&value.key);
            let value_bytes = Stamped {
                changed_at: target,
                payload,
            }
            .to_bytes();
            Some(match keep_equal {
                true => Command::PutIfOther {
                    key: value.key,
                    value: value_bytes,
                },
                false => Command::Put {
                    key: value.key,
                    value: value_bytes,
                },
            })
        });
        for piece in decide::in_pieces(commands) {
            if self.send_part(piece)? == Written::Gap {
                return Ok(Written::Gap);
            }
        }
        if self.delete_others(held)? == Written::Gap {
            return Ok(Written::Gap);
        }
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
            let others = page.keys.into_iter().filter(|key| !held.contains(key));
            for piece in decide::in_pieces(others.map(|key| Command::Delete { key })) {
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
        let answer = self.insist(|store| store.apply(call))?;
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
                Err(ViewError::Fenced {
                    own: self.generation,
                    newest,
                })
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
            return Err(ViewError::Fenced { own, newest });
        }
        match self.insist(|store| store.claim(own))? {
            Claim::Fenced { by } => Err(ViewError::Fenced { own, newest: by }),
            Claim::Claimed(marker) => {
                let as_of = marker.as_of.map(|epoch| epoch.0);
                info!(
                    store = self.store.place(),
                    generation = own,
                    as_of,
                    "claimed the view store"
                );
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
            Err(ViewError::GaveUp {
                source: Box::new(error),
            })
        }
    }
}

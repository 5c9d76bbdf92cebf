//! A store whose calls go wrong on purpose, in the order in which the faults were put in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use model::view::ViewKey;
use views::{Answer, Call, Cursor, ListOrder, Page, Snapshot, ViewError, ViewReader, ViewStore};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It takes effect, but its answer is lost.
    AnswerLost,
    /// It does not arrive yet, and there is no answer; see [`Faults::late`].
    Late,
    /// The process ends before it.
    CrashBefore,
    /// The process ends after it.
    CrashAfter,
}

/// The faults still to come, and the calls that were made.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    coming: VecDeque<Fault>,
    sent: Vec<Call>,
    late: Vec<Call>,
}

impl Faults {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// What happens to the next calls.
    pub(crate) fn come(&self, faults: &[Fault]) {
        self.inner().coming.extend(faults);
    }

    /// All calls that were made, also those to which something happened.
    pub(crate) fn sent(&self) -> Vec<Call> {
        self.inner().sent.clone()
    }

    /// Takes the calls that did not arrive yet.
    pub(crate) fn late(&self) -> Vec<Call> {
        std::mem::take(&mut self.inner().late)
    }
}

pub(crate) struct Faulty {
    store: Box<dyn ViewStore>,
    faults: Faults,
}

impl Faulty {
    pub(crate) fn new(store: Box<dyn ViewStore>) -> (Self, Faults) {
        let faults = Faults::default();
        let handle = faults.clone();
        (Self { store, faults }, handle)
    }

    fn unanswered(&self) -> ViewError {
        ViewError::Unanswered {
            doing: "apply a call",
            store: self.store.place().to_owned(),
            source: "lost on purpose".into(),
        }
    }

    fn crash(&self) -> ViewError {
        ViewError::Refused {
            doing: "apply a call",
            store: self.store.place().to_owned(),
            source: "the process ends here".into(),
        }
    }
}

impl ViewReader for Faulty {
    fn place(&self) -> &str {
        self.store.place()
    }

    fn order(&self) -> ListOrder {
        self.store.order()
    }

    fn read(&mut self, keys: &[ViewKey]) -> Result<Snapshot, ViewError> {
        self.store.read(keys)
    }

    fn list(&mut self, cursor: Option<&Cursor>, limit: u32) -> Result<Page, ViewError> {
        self.store.list(cursor, limit)
    }
}

impl ViewStore for Faulty {
    fn apply(&mut self, call: &Call) -> Result<Answer, ViewError> {
        let fault = {
            let mut inner = self.faults.inner();
            inner.sent.push(call.clone());
            inner.coming.pop_front().unwrap_or(Fault::None)
        };
        match fault {
            Fault::None => self.store.apply(call),
            Fault::AnswerLost => {
                self.store.apply(call)?;
                Err(self.unanswered())
            }
            Fault::Late => {
                self.faults.inner().late.push(call.clone());
                Err(self.unanswered())
            }
            Fault::CrashBefore => Err(self.crash()),
            Fault::CrashAfter => {
                self.store.apply(call)?;
                Err(self.crash())
            }
        }
    }
}

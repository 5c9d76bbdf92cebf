//! The view store: a marker and values, exchanged as the real script does it.

use model::Epoch as RealEpoch;
use model::view::{Marker, Origin, Progress, ProgressKind};
use views::{Answer, Call, decide};

use crate::config::{Epoch, Protections};

/// The marker in a form that is small to keep; decisions get the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    pub(crate) generation: u8,
    pub(crate) as_of: Option<Epoch>,
    /// The code that the values are of; 0 where `as_of` is none.
    pub(crate) code: u8,
    pub(crate) progress: Option<Going>,
}

/// A write of several calls that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Going {
    pub(crate) rewriting: bool,
    pub(crate) target: Epoch,
    pub(crate) code: u8,
    pub(crate) attempt: u64,
    pub(crate) part: u32,
}

/// The origin of values of a code.
pub(crate) fn origin(code: u8) -> Origin {
    Origin {
        code: code.to_string(),
        ruleset: "r".to_owned(),
    }
}

fn code_of(origin: &Origin) -> u8 {
    origin.code.parse().expect("codes of a world are numbers")
}

pub(crate) fn real_epoch(epoch: Epoch) -> RealEpoch {
    RealEpoch(u64::from(epoch))
}

pub(crate) fn small_epoch(epoch: RealEpoch) -> Epoch {
    Epoch::try_from(epoch.0).expect("epochs of a world are small")
}

impl Mark {
    pub(crate) fn real(&self) -> Marker {
        Marker {
            generation: u64::from(self.generation),
            as_of: self.as_of.map(real_epoch),
            origin: self.as_of.map(|_| origin(self.code)),
            progress: self.progress.map(|going| Progress {
                state: if going.rewriting {
                    ProgressKind::Rewriting
                } else {
                    ProgressKind::Writing
                },
                target: real_epoch(going.target),
                origin: origin(going.code),
                attempt: going.attempt,
                part: going.part,
            }),
        }
    }

    pub(crate) fn of(marker: &Marker) -> Self {
        Self {
            generation: u8::try_from(marker.generation).expect("few generations"),
            as_of: marker.as_of.map(small_epoch),
            code: marker.origin.as_ref().map_or(0, code_of),
            progress: marker.progress.as_ref().map(|progress| Going {
                rewriting: progress.state == ProgressKind::Rewriting,
                target: small_epoch(progress.target),
                code: code_of(&progress.origin),
                attempt: progress.attempt,
                part: progress.part,
            }),
        }
    }

    /// The marker with all that is not compared left out.
    fn compared(mut self, protections: &Protections) -> Self {
        if !protections.marker_generation {
            self.generation = 0;
        }
        if !protections.marker_as_of {
            self.as_of = None;
            self.code = 0;
        }
        if let Some(going) = &mut self.progress {
            if !protections.marker_target {
                going.target = 0;
            }
            if !protections.marker_attempt {
                going.attempt = 0;
            }
            if !protections.marker_part {
                going.part = 0;
            }
        }
        let masks_all =
            !protections.marker_target && !protections.marker_attempt && !protections.marker_part;
        if masks_all {
            // The generation alone (and what it holds) is compared.
            self.progress = None;
        }
        self
    }
}

/// What a call does to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Change {
    pub(crate) key: u8,
    /// 0: there is none.
    pub(crate) value: u16,
    /// The epoch that the writer computed it for.
    pub(crate) of: Epoch,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StoreCall {
    pub(crate) expect: Option<Mark>,
    pub(crate) next: Mark,
    pub(crate) changes: Vec<Change>,
    /// Whether a value stays as it is where it is equal already.
    pub(crate) keep_equal: bool,
}

/// A value, with what a reader of it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    pub(crate) value: u16,
    /// The highest epoch that it was shown of. Not in the real store: readers know it.
    pub(crate) of: Epoch,
}

/// The store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) mark: Option<Mark>,
    pub(crate) values: Vec<Value>,
    /// The newest generation that has claimed it, in this history of the store.
    pub(crate) claimed: u8,
}

/// What applying a call did.
pub(crate) enum Applied {
    Answer(Answer),
    /// A value went back.
    WentBack(Change, Value),
    /// By a generation that is older than the one that holds the store.
    ByOlder(u8),
}

impl Store {
    pub(crate) fn new(keys: usize) -> Self {
        Self {
            mark: None,
            values: vec![Value::default(); keys],
            claimed: 0,
        }
    }

    /// Everything is lost, the claim too. Readers remember what they saw.
    pub(crate) fn flush(&mut self) {
        self.mark = None;
        self.claimed = 0;
        for value in &mut self.values {
            value.value = 0;
        }
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.mark.map(|mark| mark.real().to_text())
    }

    /// Carries out a call in one atomic act, as the real decision says.
    pub(crate) fn apply(
        &mut self,
        call: &StoreCall,
        protections: &Protections,
        one_generation: bool,
    ) -> Applied {
        let text = |mark: Mark| mark.compared(protections).real();
        let real = Call {
            expect: call.expect.map(|mark| text(mark).to_text()),
            next: text(call.next),
            commands: Vec::new(),
        };
        let found = self.mark.map(|mark| text(mark).to_text());
        let mut answer = decide::answer(found.as_deref(), &real);
        // With part of the marker left out a call can look done that is not.
        if answer == Answer::DoneAlready && self.mark != Some(call.next) && real.expect == found {
            answer = Answer::Applied;
        }
        if answer != Answer::Applied {
            return Applied::Answer(answer);
        }
        if call.next.generation < self.claimed && one_generation {
            return Applied::ByOlder(self.claimed);
        }
        self.claimed = call.next.generation;
        self.mark = Some(call.next);
        for &change in &call.changes {
            let value = &mut self.values[usize::from(change.key)];
            if value.value != change.value && change.of < value.of {
                return Applied::WentBack(change, *value);
            }
            if !(call.keep_equal && value.value == change.value) {
                value.value = change.value;
            }
            value.of = value.of.max(change.of);
        }
        Applied::Answer(Answer::Applied)
    }
}

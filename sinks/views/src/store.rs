//! What every view store can do: a reader's part, and the one atomic act of a writer.

use model::view::{CharacterView, Kind, Marker, Stamped, ViewFormError, ViewKey, likes};

use crate::call::{Answer, Call, Command};
use crate::decide::{self, ClaimStep};
use crate::error::ViewError;
use crate::scrub::ListOrder;

/// A value with the marker that stood beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// The shard's marker; its `as_of` says of which epoch the value is true.
    pub marker: Option<Marker>,
    /// The value; `None`: there is none at `as_of`.
    pub value: Option<Stamped<T>>,
}

/// Values and marker of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The marker's text.
    pub marker: Option<String>,
    /// The stored bytes of each key, in the order asked for.
    pub values: Vec<Option<Vec<u8>>>,
}

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// From this bucket of a kind on.
    Bucket(Kind, u32),
    /// After this key, in the order of kinds and ids.
    After(ViewKey),
}

/// A piece of a listing, and the marker of the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The marker's text.
    pub marker: Option<String>,
    /// Keys that are held.
    pub keys: Vec<ViewKey>,
    /// Keys that are held where no reader looks for them.
    pub strays: Vec<Stray>,
    /// Where the next piece starts; `None`: this was the last.
    pub next: Option<Cursor>,
}

/// A key in a bucket that is not its own; no writer writes it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Which key.
    pub key: ViewKey,
    /// The bucket that it is in.
    pub bucket: u32,
}

impl Stray {
    /// The command that deletes it.
    pub(crate) fn into_command(self) -> Command {
        Command::DeleteStray {
            key: self.key,
            bucket: self.bucket,
        }
    }
}

/// What a claim found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The marker, now of the claiming generation.
    Claimed(Marker),
    /// A newer generation has the store.
    Fenced {
        /// Which.
        by: u64,
    },
}

/// The reading side of a store.
pub trait ViewReader: Send {
    /// Where the store is, for messages; without secrets.
    fn place(&self) -> &str;

    /// In which order [`list`](Self::list) lists.
    fn order(&self) -> ListOrder;

    /// Reads marker and values in one round trip, all of one moment.
    fn read(&mut self, keys: &[ViewKey]) -> Result<Snapshot, ViewError>;

    /// Lists keys from `cursor` on (`None`: from the start), together with the marker of the same
    /// moment; a piece ends soon after `limit` keys and may be empty.
    fn list(&mut self, cursor: Option<&Cursor>, limit: u32) -> Result<Page, ViewError>;

    /// The marker.
    fn marker(&mut self) -> Result<Option<Marker>, ViewError> {
        let text = self.read(&[])?.marker;
        text.map(|text| parse_marker(self.place(), &text))
            .transpose()
    }

    /// One value's payload and the marker.
    fn get(&mut self, key: &ViewKey) -> Result<Reading<Vec<u8>>, ViewError> {
        let snapshot = self.read(std::slice::from_ref(key))?;
        let marker = snapshot
            .marker
            .map(|text| parse_marker(self.place(), &text))
            .transpose()?;
        let bytes = snapshot.values.into_iter().next().flatten();
        let value = bytes
            .map(|bytes| Stamped::parse(&bytes).map(Stamped::into_owned))
            .transpose()
            .map_err(|source| form(self.place(), key, source))?;
        Ok(Reading { marker, value })
    }

    /// One character's valuation.
    fn character(&mut self, ocid: &str) -> Result<Reading<CharacterView>, ViewError> {
        let key = ViewKey::character(ocid);
        let reading = self.get(&key)?;
        reading
            .try_map(CharacterView::decode)
            .map_err(|source| form(self.place(), &key, source))
    }

    /// How many accounts like `target`.
    fn likes(&mut self, target: &str) -> Result<Reading<i64>, ViewError> {
        let key = ViewKey::likes(target);
        let reading = self.get(&key)?;
        reading
            .try_map(likes::decode)
            .map_err(|source| form(self.place(), &key, source))
    }
}

impl Reading<Vec<u8>> {
    fn try_map<T>(
        self,
        decode: impl FnOnce(&[u8]) -> Result<T, ViewFormError>,
    ) -> Result<Reading<T>, ViewFormError> {
        let decoded = self.value.map(|value| {
            decode(&value.payload).map(|payload| Stamped {
                changed_at: value.changed_at,
                payload,
            })
        });
        Ok(Reading {
            marker: self.marker,
            value: decoded.transpose()?,
        })
    }
}

/// The writing side of a store.
pub trait ViewStore: ViewReader {
    /// Carries out `call` in one atomic act, as [`decide::answer`] says.
    fn apply(&mut self, call: &Call) -> Result<Answer, ViewError>;

    /// Makes `generation` the one that may write and returns the marker. A marker that cannot be
    /// read counts as none: what stands there is not believed.
    fn claim(&mut self, generation: u64) -> Result<Claim, ViewError> {
        loop {
            let found = self.read(&[])?.marker;
            let next = match decide::claim(found.as_deref(), generation) {
                ClaimStep::Fenced { by } => return Ok(Claim::Fenced { by }),
                ClaimStep::Exchange { next } => next,
            };
            let call = Call {
                expect: found,
                next,
                commands: Vec::new(),
            };
            match self.apply(&call)? {
                Answer::Applied | Answer::DoneAlready => return Ok(Claim::Claimed(call.next)),
                Answer::Fenced { by } => return Ok(Claim::Fenced { by }),
                // An older generation wrote in between: it can do so only until the claim.
                Answer::Gap => {}
            }
        }
    }
}

fn form(store: &str, key: &ViewKey, source: ViewFormError) -> ViewError {
    ViewError::Form {
        store: store.to_owned(),
        key: key.clone(),
        source,
    }
}

fn parse_marker(store: &str, text: &str) -> Result<Marker, ViewError> {
    Marker::parse(text).map_err(|source| ViewError::Marker {
        store: store.to_owned(),
        source,
    })
}

impl<R: ViewReader + ?Sized> ViewReader for Box<R> {
    fn place(&self) -> &str {
        (**self).place()
    }

    fn order(&self) -> ListOrder {
        (**self).order()
    }

    fn read(&mut self, keys: &[ViewKey]) -> Result<Snapshot, ViewError> {
        (**self).read(keys)
    }

    fn list(&mut self, cursor: Option<&Cursor>, limit: u32) -> Result<Page, ViewError> {
        (**self).list(cursor, limit)
    }
}

impl<S: ViewStore + ?Sized> ViewStore for Box<S> {
    fn apply(&mut self, call: &Call) -> Result<Answer, ViewError> {
        (**self).apply(call)
    }
}

//! One atomic call to a store: an exchange of the whole marker, and absolute commands.

use model::view::{Marker, ViewKey};

/// The most commands in a call, so that none holds a store's other users for long.
pub const COMMANDS_MAX: usize = 1_000;

/// What a call does to one value. All commands are absolute: applying one twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The value becomes this.
    Put {
        /// Which value.
        key: ViewKey,
        /// The stored bytes: `changed_at`, a space, the payload.
        value: Vec<u8>,
    },
    /// The value becomes this unless it has the same payload already, which keeps its `changed_at`.
    PutIfOther {
        /// Which value.
        key: ViewKey,
        /// The stored bytes.
        value: Vec<u8>,
    },
    /// There is no such value.
    Delete {
        /// Which value.
        key: ViewKey,
    },
    /// There is no such value in a bucket that is not its own.
    DeleteStray {
        /// Which value.
        key: ViewKey,
        /// Which bucket; a store without buckets has none to delete from.
        bucket: u32,
    },
}

impl Command {
    /// The value concerned.
    #[must_use]
    pub fn key(&self) -> &ViewKey {
        match self {
            Self::Put { key, .. }
            | Self::PutIfOther { key, .. }
            | Self::Delete { key }
            | Self::DeleteStray { key, .. } => key,
        }
    }

    /// The stored bytes; none for a delete.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        match self {
            Self::Put { value, .. } | Self::PutIfOther { value, .. } => value,
            Self::Delete { .. } | Self::DeleteStray { .. } => &[],
        }
    }

    /// Bytes that travel.
    pub(crate) fn bytes(&self) -> usize {
        self.key().id.len() + self.value().len()
    }
}

/// An exchange of the marker, with commands that take effect if, and only if, it succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The marker that must stand there, to the byte; `None`: there must be none.
    pub expect: Option<String>,
    /// The marker that will stand there, written last.
    pub next: Marker,
    /// At most [`COMMANDS_MAX`], each key at most once.
    pub commands: Vec<Command>,
}

impl Call {
    /// A call from one marker to the next.
    #[must_use]
    pub fn new(expect: &Marker, next: Marker, commands: Vec<Command>) -> Self {
        debug_assert!(
            commands.len() <= COMMANDS_MAX,
            "{} commands in a call",
            commands.len()
        );
        Self {
            expect: Some(expect.to_text()),
            next,
            commands,
        }
    }
}

/// What a store says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The commands took effect and the marker was exchanged.
    Applied,
    /// The next marker stood there already: the call, or one like it, took effect before.
    DoneAlready,
    /// A newer generation has claimed the store; nothing took effect.
    Fenced {
        /// The generation that has.
        by: u64,
    },
    /// Another marker, or none, stands there; nothing took effect.
    Gap,
}

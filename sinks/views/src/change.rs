//! What a job says of a value: its key, when it changed last, and what it is now.

use model::Epoch;
use model::valued::CharacterValuation;
use model::view::{CharacterEncoder, Stamped, ViewKey, likes};

use crate::call::Command;

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

    /// The command of a write of differences.
    pub(crate) fn into_command(self) -> Command {
        let changed_at = self.changed_at;
        match self.payload {
            Some(payload) => Command::Put {
                key: self.key,
                value: stored(changed_at, payload),
            },
            None => Command::Delete { key: self.key },
        }
    }

    /// The command of a rewrite at `target`; none where there is no value.
    pub(crate) fn into_rewrite(self, target: Epoch, keep_equal: bool) -> Option<Command> {
        let (key, value) = (self.key, stored(target, self.payload?));
        Some(match keep_equal {
            true => Command::PutIfOther { key, value },
            false => Command::Put { key, value },
        })
    }
}

fn stored(changed_at: Epoch, payload: Vec<u8>) -> Vec<u8> {
    Stamped {
        changed_at,
        payload,
    }
    .to_bytes()
}

//! What a generated record says, without its bytes: what the oracle goes by.

/// What a generated record says. Characters and accounts are numbers; their names are
/// [`ocid`](super::Names::ocid) and [`account`](super::Names::account).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It must be rejected for this reason, whatever came before.
    Broken {
        /// The reason's name in the contracts.
        reason: &'static str,
    },
    /// A character wears something.
    Equipment {
        /// The character, which is the key.
        character: u32,
        /// The event's id.
        event: u64,
        /// The event's version.
        version: Option<u64>,
        /// What is worn: the character's equipment after so many changes. Equal revisions of a
        /// character have equal hashes and equal equipment.
        revision: u32,
        /// In which form.
        body: Body,
    },
    /// Name, world, class, level and guild of a character.
    Enrich {
        /// The character, which is the key.
        character: u32,
        /// The event's id.
        event: u64,
        /// The event's version.
        version: Option<u64>,
        /// How often the character was renamed before.
        renames: u32,
    },
    /// An account likes a character or takes that back.
    Like {
        /// The account.
        account: u32,
        /// The liked character; the pair of both is the key.
        target: u32,
        /// The event's id.
        event: u64,
        /// The event's version.
        version: Option<u64>,
        /// The wanted state; `None` turns it over.
        wanted: Option<bool>,
    },
    /// Money in.
    Donation {
        /// The giving account; with the request the key.
        sender: u32,
        /// The sender's name for the gift.
        request: u64,
        /// The receiving character.
        receiver: u32,
        /// The event's id.
        event: u64,
        /// The amount, above 0.
        amount: u64,
    },
}

/// How equipment is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The provider's document.
    Document,
    /// The compact snapshot.
    Snapshot,
    /// The hash alone.
    Confirmation,
}

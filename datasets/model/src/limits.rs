//! The limits of the inputs: what is longer or deeper is rejected before it is read.

/// The longest message: 2 MiB.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest string of a message, in characters (code points) after its escapes.
pub const STRING_CHARS_MAX: usize = 100_000;
/// The longest name of a member, in characters (code points) after its escapes.
pub const NAME_CHARS_MAX: usize = 256;
/// The deepest nesting, counted from the message's root object, which is the first level.
pub const DEPTH_MAX: usize = 50;
/// The longest id (`aggregateId`, ocid, account, guild, request...) in bytes of UTF-8; the shortest
/// is one byte.
pub const ID_BYTES_MAX: usize = 128;
/// The longest hash of an equipment document in bytes of UTF-8; the shortest is one byte.
pub const HASH_BYTES_MAX: usize = 128;
/// The longest text (a name, a class, an option line...) in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 1_024;

//! How often is each character liked?

use dataflow::{Counted, Counts, count_per_key};
use differential_dataflow::VecCollection;
use timely::dataflow::StreamVec;
use timely::order::TotalOrder;
use timely::progress::Timestamp;

/// What [`likes`] reads.
pub struct Inputs<'scope, T: Timestamp> {
    /// The liked ocid of each pair that admission changed: once more, or once less.
    pub targets: VecCollection<'scope, T, String>,
    /// Asks for all counts as they stand at the end of an epoch.
    pub read_outs: StreamVec<'scope, T, ()>,
}

/// Changes of counts, and all of them where asked for.
pub type Outputs<'scope, T> = Counted<'scope, T>;

/// The count of a character before and after an epoch; the key is its ocid. Nobody likes it: `None`.
pub type LikesChange = dataflow::Change<i64>;

/// All counts of a worker, as of one epoch.
pub type LikeCounts = Counts;

/// Counts the accounts that like each character.
///
/// ```
/// # use dataflow::{testkit, to_collection};
/// # use differential_dataflow::AsCollection;
/// # use graphs::likes::{Inputs, likes};
/// # use timely::dataflow::operators::ToStream;
/// let liked = |epoch, diff| (("ocid".to_string(), epoch, diff), epoch);
///
/// let counts = testkit::run(1, [liked(1, 1), liked(1, 1), liked(2, -1)], |targets| {
///     let read_outs = None::<()>.to_stream(targets.scope());
///     let inputs = Inputs { targets: targets.as_collection(), read_outs };
///     to_collection(likes(inputs, 0).changes, |count| *count)
/// });
///
/// let row = |count| ("ocid".to_string(), count);
/// assert_eq!(counts, [(row(1), 2, 1), (row(2), 1, 1), (row(2), 2, -1)]);
/// ```
pub fn likes<'scope, T>(inputs: Inputs<'scope, T>, tell_from: T) -> Outputs<'scope, T>
where
    T: Timestamp + TotalOrder,
{
    count_per_key(inputs.targets, inputs.read_outs, tell_from)
}

//! What became of one key at an epoch.

use differential_dataflow::{AsCollection, Data, VecCollection};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Operator;
use timely::order::TotalOrder;
use timely::progress::Timestamp;

/// The value of a key before and after an epoch. At most one a key and epoch, and only if they differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change<V> {
    /// The key.
    pub key: Box<str>,
    /// Its value before the epoch; `None` if it had none.
    pub old: Option<V>,
    /// Its value from the epoch on; `None` if it has none.
    pub new: Option<V>,
}

/// Changes as the collection of `(key, digest of the value)` that they describe.
pub fn to_collection<'scope, T, V, D>(
    changes: StreamVec<'scope, T, Change<V>>,
    digest: impl Fn(&V) -> D + 'static,
) -> VecCollection<'scope, T, (String, D)>
where
    T: Timestamp + TotalOrder,
    V: 'static,
    D: Data,
{
    changes
        .unary(Pipeline, "Differences", move |_, _| {
            move |input, output| {
                input.for_each(|capability, changes| {
                    let epoch = capability.least().expect("a message has an epoch").clone();
                    let mut session = output.session(&capability);
                    for change in changes.drain(..) {
                        for (value, diff) in [(&change.old, -1), (&change.new, 1)] {
                            if let Some(value) = value {
                                let row = (change.key.to_string(), digest(value));
                                session.give((row, epoch.clone(), diff));
                            }
                        }
                    }
                });
            }
        })
        .as_collection()
}

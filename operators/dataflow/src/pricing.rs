//! What the operators must know of a domain in which documents are made of parts that have prices.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use timely::ExchangeData;

/// Keys that have a price under rules that change. All functions are pure.
pub trait Pricing: Sized + 'static {
    /// Everything a price depends on besides its key.
    type Rules: Clone + 'static;
    /// One change of the rules.
    type Change: ExchangeData + Clone + Debug;
    /// What a change touched.
    type Touched: 'static;
    /// All that a price depends on besides the rules, and nothing else.
    type Key: ExchangeData + Clone + Eq + Hash + Debug;
    /// The price of a key.
    type Price: ExchangeData + Clone + PartialEq + Debug;

    /// Applies one change and says what it touched.
    fn apply(rules: &mut Self::Rules, change: &Self::Change) -> Self::Touched;

    /// Whether the price of `key` depends on anything that was touched; `rules` are those after it.
    fn depends(rules: &Self::Rules, key: &Self::Key, touched: &Self::Touched) -> bool;

    /// The price of `key` under `rules`.
    fn price(rules: &Self::Rules, key: &Self::Key) -> Self::Price;
}

/// Documents of shared parts, which consist of keys that have a price. All functions are pure.
///
/// The `rules` given here are those of the start: a change of them may change prices of keys, but
/// never what a part consists of or how prices make up values.
pub trait Appraisal: Pricing {
    /// The value of a part in its context, shared by all documents that hold it: cheap to clone.
    type Part: Clone + PartialEq + Debug + 'static;
    /// The value of a document.
    type Value: Clone + PartialEq + Debug + 'static;

    /// Takes a document apart: pushes its distinct parts (byte strings that are their identity) to
    /// `parts`, writes everything else (how the parts are used) to `layout`, and returns the context,
    /// the text that all its parts are valued under. The buffers come empty.
    fn split<'a>(document: &'a [u8], parts: &mut Vec<&'a [u8]>, layout: &mut Vec<u8>) -> &'a str;

    /// The context that stands for `context` where parts are valued: contexts under which every part has the
    /// same value have the same one, and share their parts. Each its own unless told otherwise.
    #[must_use]
    fn valued_as<'a>(rules: &'a Self::Rules, context: &'a str) -> &'a str {
        let _ = rules;
        context
    }

    /// What the value of `part` is made of, always as many entries in the same order. `context` is what
    /// [`Self::valued_as`] gives.
    fn components(rules: &Self::Rules, context: &str, part: &[u8]) -> Vec<Component<Self>>;

    /// The value of `part` from the prices of its components, in their order.
    fn part(rules: &Self::Rules, context: &str, part: &[u8], prices: &[&Self::Price])
    -> Self::Part;

    /// The value of a document from the values of its parts, in the order of `split`.
    fn value(
        rules: &Self::Rules,
        context: &Arc<str>,
        layout: &[u8],
        parts: &[&Self::Part],
    ) -> Self::Value;
}

/// One component of a part.
#[derive(Debug)]
pub enum Component<P: Pricing> {
    /// The part alone settles the price.
    Settled(P::Price),
    /// The price is that of a key.
    Priced(P::Key),
}

//! A domain small enough to recompute by hand: letters have prices, words are parts.
//!
//! A document is the text `context:word word ...`. Each lower-case letter of a word is a key with a
//! price, each other character is settled at 1. The words of the context `vip` count twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::dataflow::StreamVec;
use timely::dataflow::operators::ToStream;

use crate::appraise::{Document, Inputs};
use crate::pricing::{Appraisal, Component, Pricing};

/// The toy domain.
#[derive(Debug)]
pub struct Toy;

/// Prices of letters (0 if not listed).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToyRules {
    prices: BTreeMap<char, i64>,
}

impl ToyRules {
    /// The price of a letter.
    #[must_use]
    pub fn price_of(&self, letter: char) -> i64 {
        self.prices.get(&letter).copied().unwrap_or_default()
    }
}

/// A change of [`ToyRules`]: a letter has another price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToyChange(pub char, pub i64);

/// A word and its price.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToyPart {
    /// The word.
    pub word: String,
    /// The prices of its letters, summed.
    pub price: i64,
}

/// What a document is worth.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToyValue {
    /// The context.
    pub context: Arc<str>,
    /// The words, as often as they stand in the document.
    pub words: Vec<Arc<ToyPart>>,
    /// The sum.
    pub total: i64,
}

impl Pricing for Toy {
    type Rules = ToyRules;
    type Change = ToyChange;
    type Touched = char;
    type Key = char;
    type Price = i64;

    fn apply(rules: &mut ToyRules, &ToyChange(letter, price): &ToyChange) -> char {
        rules.prices.insert(letter, price);
        letter
    }

    fn depends(_: &ToyRules, key: &char, touched: &char) -> bool {
        key == touched
    }

    fn price(rules: &ToyRules, key: &char) -> i64 {
        rules.price_of(*key)
    }
}

impl Appraisal for Toy {
    type Part = Arc<ToyPart>;
    type Value = ToyValue;

    fn split<'a>(document: &'a [u8], parts: &mut Vec<&'a [u8]>, layout: &mut Vec<u8>) -> &'a str {
        let text = str::from_utf8(document).expect("a toy document is text");
        let (context, words) = text.split_once(':').expect("a toy document has a context");
        for word in words.split_whitespace() {
            let known = parts.iter().position(|part| *part == word.as_bytes());
            let place = known.unwrap_or_else(|| {
                parts.push(word.as_bytes());
                parts.len() - 1
            });
            layout.push(u8::try_from(place).expect("few words"));
        }
        context
    }

    fn valued_as<'a>(_: &'a ToyRules, context: &'a str) -> &'a str {
        if context == "vip" { context } else { "any" }
    }

    fn components(_: &ToyRules, context: &str, part: &[u8]) -> Vec<Component<Self>> {
        let word = str::from_utf8(part).expect("a word is text");
        let factor = if context == "vip" { 2 } else { 1 };
        let component = |letter: char| match letter {
            'a'..='z' => Component::Priced(letter),
            _ => Component::Settled(1),
        };
        let letters = word
            .chars()
            .flat_map(|letter| std::iter::repeat_n(letter, factor));
        letters.map(component).collect()
    }

    fn part(_: &ToyRules, _: &str, part: &[u8], prices: &[&i64]) -> Arc<ToyPart> {
        Arc::new(ToyPart {
            word: String::from_utf8(part.to_vec()).expect("a word is text"),
            price: prices.iter().copied().sum(),
        })
    }

    fn value(_: &ToyRules, context: &Arc<str>, layout: &[u8], parts: &[&Arc<ToyPart>]) -> ToyValue {
        let words: Vec<_> = layout
            .iter()
            .map(|&place| Arc::clone(parts[usize::from(place)]))
            .collect();
        ToyValue {
            context: Arc::clone(context),
            total: words.iter().map(|word| word.price).sum::<i64>(),
            words,
        }
    }
}

/// Documents for [`appraise`](crate::appraise()): `(key, document, epoch)`, an empty one for none.
pub fn toy_inputs<'a>(
    documents: impl IntoIterator<Item = (&'a str, &'a str, u64)>,
) -> Vec<(Document, u64)> {
    let documents = documents.into_iter().map(|(key, document, epoch)| {
        let bytes = (!document.is_empty()).then(|| document.as_bytes().to_vec());
        ((key.to_string(), bytes), epoch)
    });
    documents.collect()
}

/// Inputs that are never read out.
#[must_use]
pub fn inputs<'scope>(
    documents: StreamVec<'scope, u64, Document>,
    changes: StreamVec<'scope, u64, ToyChange>,
) -> Inputs<'scope, u64, Toy> {
    let read_outs = None::<()>.to_stream(documents.scope());
    Inputs {
        documents,
        changes,
        read_outs,
    }
}

/// What a document is worth under `rules`, written apart from the operators.
#[must_use]
pub fn worth(rules: &ToyRules, document: &str) -> ToyValue {
    let (context, words) = document
        .split_once(':')
        .expect("a toy document has a context");
    let letter_price = |letter: char| {
        let price = match letter {
            'a'..='z' => rules.price_of(letter),
            _ => 1,
        };
        if context == "vip" { 2 * price } else { price }
    };
    let words: Vec<_> = words
        .split_whitespace()
        .map(|word| {
            let price = word.chars().map(letter_price).sum();
            Arc::new(ToyPart {
                word: word.to_string(),
                price,
            })
        })
        .collect();
    let total = words.iter().map(|word| word.price).sum::<i64>();
    ToyValue {
        context: context.into(),
        words,
        total,
    }
}

//! Facts of a topic that were told lately, to be repeated, taken back or overtaken.

use model::Millis;

use super::draw::Draw;
use super::fact::Fact;

/// So many are remembered. An event repeats soon, so that a bound on remembered ids loses none.
const REMEMBERED: usize = 4_096;

/// The last facts of a topic, each with the time it occurred.
#[derive(Default)]
pub(super) struct Recent {
    facts: Vec<(Fact, Millis)>,
    next: usize,
}

impl Recent {
    pub(super) fn remember(&mut self, fact: Fact, occurred_at: Millis) {
        if self.facts.len() < REMEMBERED {
            self.facts.push((fact, occurred_at));
        } else {
            self.facts[self.next] = (fact, occurred_at);
        }
        self.next = (self.next + 1) % REMEMBERED;
    }

    /// One of them, if there is any.
    pub(super) fn pick(&self, draw: &mut Draw) -> Option<(Fact, Millis)> {
        (!self.facts.is_empty()).then(|| draw.pick(&self.facts))
    }
}

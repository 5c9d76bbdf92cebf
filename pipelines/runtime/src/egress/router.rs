//! Gathers what the workers say of each epoch and hands finished epochs on, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use dataflow::{Change, Counts};
use graphs::expectation::Characters;
use model::Epoch;
use model::valued::CharacterValuation;

/// What the router is told.
pub(crate) enum Said {
    /// This epoch is on its way to the workers: it will be handed on even if nothing changes in it.
    Expect(Epoch),
    /// The workers will read out what they hold.
    ReadOut {
        /// The time at which they do; no epoch has it.
        at: Epoch,
        /// The epoch whose content it is.
        as_of: Epoch,
        /// Who asked for it.
        wanted_by: WantedBy,
    },
    /// A worker says something.
    Worker(FromWorker),
}

/// What one worker says.
pub(crate) enum FromWorker {
    /// Valuations that changed at an epoch.
    Valuations(Epoch, Vec<Change<CharacterValuation>>),
    /// Like counts that changed at an epoch.
    LikeCounts(Epoch, Vec<Change<i64>>),
    /// The characters that the worker holds, as it was asked to tell.
    Characters(Epoch, Characters),
    /// The like counts that the worker holds, as it was asked to tell.
    Counts(Epoch, Counts),
    /// The worker will say nothing more of epochs below this; `None`: nothing more at all.
    Upper {
        /// The worker's number.
        worker: usize,
        /// The first epoch that is not finished.
        upper: Option<Epoch>,
    },
}

/// What is finished, in the order of epochs.
pub(crate) enum Finished {
    /// An epoch.
    Epoch(Arc<FinishedEpoch>),
    /// A read-out, after the epoch whose content it is.
    ReadOut(ReadOut),
}

/// An epoch of which all workers have said everything.
#[derive(Debug, Default)]
pub(crate) struct FinishedEpoch {
    /// The epoch.
    pub(crate) epoch: Epoch,
    /// Valuations that changed, by key.
    pub(crate) valuations: Vec<Change<CharacterValuation>>,
    /// Like counts that changed, by key.
    pub(crate) like_counts: Vec<Change<i64>>,
}

/// Who asked for a read-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WantedBy {
    /// Whoever writes what it says: a rewrite of the views, or a change of rules.
    pub(crate) writers: bool,
    /// The scrub of the views, which compares with it.
    pub(crate) scrub: bool,
    /// The scrub of the tables.
    pub(crate) tables: bool,
}

/// What all workers hold at an epoch.
#[derive(Clone, Default)]
pub(crate) struct ReadOut {
    /// The epoch.
    pub(crate) as_of: Epoch,
    /// Who asked for it.
    pub(crate) wanted_by: WantedBy,
    /// All characters, a part a worker.
    pub(crate) characters: Vec<Characters>,
    /// All like counts, a part a worker.
    pub(crate) like_counts: Vec<Counts>,
}

/// Which epochs are finished.
pub(crate) struct Router {
    open: BTreeMap<Epoch, Open>,
    uppers: Vec<Option<Epoch>>,
}

enum Open {
    Epoch(FinishedEpoch),
    ReadOut(ReadOut),
}

impl Router {
    /// A router for so many workers, all at their start.
    #[must_use]
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            open: BTreeMap::new(),
            uppers: vec![Some(Epoch(0)); workers],
        }
    }

    /// Takes note of what is said, and returns what is finished by it.
    ///
    /// # Panics
    /// If a worker speaks of an epoch or read-out that nobody announced.
    pub(crate) fn take(&mut self, said: Said) -> Vec<Finished> {
        match said {
            Said::Expect(epoch) => {
                let expected = FinishedEpoch {
                    epoch,
                    ..FinishedEpoch::default()
                };
                self.open.insert(epoch, Open::Epoch(expected));
            }
            Said::ReadOut {
                at,
                as_of,
                wanted_by,
            } => {
                let expected = ReadOut {
                    as_of,
                    wanted_by,
                    ..ReadOut::default()
                };
                self.open.insert(at, Open::ReadOut(expected));
            }
            Said::Worker(FromWorker::Upper { worker, upper }) => {
                self.uppers[worker] = upper;
                return self.finished();
            }
            Said::Worker(FromWorker::Valuations(epoch, mut changes)) => {
                self.epoch(epoch).valuations.append(&mut changes);
            }
            Said::Worker(FromWorker::LikeCounts(epoch, mut changes)) => {
                self.epoch(epoch).like_counts.append(&mut changes);
            }
            Said::Worker(FromWorker::Characters(at, held)) => {
                self.read_out(at).characters.push(held)
            }
            Said::Worker(FromWorker::Counts(at, held)) => self.read_out(at).like_counts.push(held),
        }
        Vec::new()
    }

    fn epoch(&mut self, epoch: Epoch) -> &mut FinishedEpoch {
        match self.open.get_mut(&epoch) {
            Some(Open::Epoch(open)) => open,
            _ => panic!("a worker speaks of epoch {epoch}, which was not expected"),
        }
    }

    fn read_out(&mut self, at: Epoch) -> &mut ReadOut {
        match self.open.get_mut(&at) {
            Some(Open::ReadOut(open)) => open,
            _ => panic!("a worker reads out at {at}, which nobody asked for"),
        }
    }

    fn finished(&mut self) -> Vec<Finished> {
        // A worker that said everything has no upper and holds nothing back.
        let upper = self.uppers.iter().flatten().min().copied();
        let rest = upper
            .map(|upper| self.open.split_off(&upper))
            .unwrap_or_default();
        std::mem::replace(&mut self.open, rest)
            .into_values()
            .map(|open| match open {
                Open::Epoch(epoch) => Finished::Epoch(Arc::new(sorted(epoch))),
                Open::ReadOut(read_out) => Finished::ReadOut(read_out),
            })
            .collect()
    }
}

/// Rows in the order of their keys, whatever worker said them first.
fn sorted(mut epoch: FinishedEpoch) -> FinishedEpoch {
    epoch.valuations.sort_by(|a, b| a.key.cmp(&b.key));
    epoch.like_counts.sort_by(|a, b| a.key.cmp(&b.key));
    epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(key: &str, new: i64) -> Change<i64> {
        Change {
            key: key.into(),
            old: None,
            new: Some(new),
        }
    }

    fn counts(epoch: u64, key: &str, new: i64) -> Said {
        Said::Worker(FromWorker::LikeCounts(Epoch(epoch), vec![count(key, new)]))
    }

    fn upper(worker: usize, epoch: u64) -> Said {
        Said::Worker(FromWorker::Upper {
            worker,
            upper: Some(Epoch(epoch)),
        })
    }

    /// The epochs; a read-out as the epoch whose content it is, negative.
    fn order(finished: &[Finished]) -> Vec<i64> {
        finished
            .iter()
            .map(|finished| match finished {
                Finished::Epoch(epoch) => epoch.epoch.0.cast_signed(),
                Finished::ReadOut(read_out) => -read_out.as_of.0.cast_signed(),
            })
            .collect()
    }

    #[test]
    fn an_epoch_is_finished_when_all_workers_are_past_it() {
        let mut router = Router::new(2);
        for said in [
            Said::Expect(Epoch(5)),
            Said::Expect(Epoch(6)),
            counts(5, "b", 1),
            upper(0, 6),
            counts(5, "a", 2),
        ] {
            assert!(router.take(said).is_empty());
        }
        let finished = router.take(upper(1, 7));
        assert_eq!(order(&finished), [5]);
        let Finished::Epoch(epoch) = &finished[0] else {
            unreachable!()
        };
        assert_eq!(epoch.like_counts, [count("a", 2), count("b", 1)]);
    }

    #[test]
    fn an_epoch_in_which_nothing_changed_is_handed_on_too() {
        let mut router = Router::new(1);
        assert!(router.take(Said::Expect(Epoch(5))).is_empty());
        let finished = router.take(Said::Worker(FromWorker::Upper {
            worker: 0,
            upper: None,
        }));
        assert_eq!(order(&finished), [5]);
    }

    #[test]
    fn a_read_out_comes_after_the_epoch_whose_content_it_is() {
        let mut router = Router::new(1);
        for said in [
            Said::Expect(Epoch(5)),
            Said::ReadOut {
                at: Epoch(6),
                as_of: Epoch(5),
                wanted_by: WantedBy {
                    scrub: true,
                    ..WantedBy::default()
                },
            },
            Said::Expect(Epoch(9)),
            Said::Worker(FromWorker::Counts(Epoch(6), Counts::default())),
        ] {
            assert!(router.take(said).is_empty());
        }
        let finished = router.take(upper(0, 9));
        assert_eq!(order(&finished), [5, -5]);
        let Finished::ReadOut(read_out) = &finished[1] else {
            unreachable!()
        };
        assert!(read_out.wanted_by.scrub && !read_out.wanted_by.writers);
    }
}

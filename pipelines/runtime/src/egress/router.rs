//! Gathers what the workers say of each epoch and hands finished epochs on, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use dataflow::Change;
use model::Epoch;
use model::valued::CharacterValuation;

/// What one worker says.
#[derive(Debug)]
pub enum FromWorker {
    /// Valuations that changed at an epoch.
    Valuations(Epoch, Vec<Change<CharacterValuation>>),
    /// Like counts that changed at an epoch.
    LikeCounts(Epoch, Vec<Change<i64>>),
    /// The worker will say nothing more of epochs below this; `None`: nothing more at all.
    Upper {
        /// The worker's number.
        worker: usize,
        /// The first epoch that is not finished.
        upper: Option<Epoch>,
    },
}

/// An epoch of which all workers have said everything.
#[derive(Debug, Default)]
pub struct FinishedEpoch {
    /// The epoch.
    pub epoch: Epoch,
    /// Valuations that changed.
    pub valuations: Vec<Change<CharacterValuation>>,
    /// Like counts that changed.
    pub like_counts: Vec<Change<i64>>,
}

/// Which epochs are finished.
#[derive(Debug)]
pub struct Router {
    open: BTreeMap<Epoch, FinishedEpoch>,
    uppers: Vec<Option<Epoch>>,
}

impl Router {
    /// A router for so many workers, all at their start.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { open: BTreeMap::new(), uppers: vec![Some(Epoch(0)); workers] }
    }

    /// Expects `epoch`: it will be handed on even if nothing changes in it.
    pub fn expect(&mut self, epoch: Epoch) {
        self.at(epoch);
    }

    /// Takes note of what a worker says, and returns the epochs that are finished by it.
    pub fn take(&mut self, said: FromWorker) -> Vec<Arc<FinishedEpoch>> {
        match said {
            FromWorker::Valuations(epoch, mut changes) => self.at(epoch).valuations.append(&mut changes),
            FromWorker::LikeCounts(epoch, mut changes) => self.at(epoch).like_counts.append(&mut changes),
            FromWorker::Upper { worker, upper } => {
                self.uppers[worker] = upper;
                return self.finished();
            }
        }
        Vec::new()
    }

    fn at(&mut self, epoch: Epoch) -> &mut FinishedEpoch {
        self.open.entry(epoch).or_insert_with(|| FinishedEpoch { epoch, ..FinishedEpoch::default() })
    }

    fn finished(&mut self) -> Vec<Arc<FinishedEpoch>> {
        let upper = self.uppers.iter().flatten().min().copied();
        let rest = upper.map(|upper| self.open.split_off(&upper)).unwrap_or_default();
        let finished = std::mem::replace(&mut self.open, rest);
        finished.into_values().map(|epoch| Arc::new(sorted(epoch))).collect()
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
        Change { key: key.into(), old: None, new: Some(new) }
    }

    fn upper(worker: usize, epoch: u64) -> FromWorker {
        FromWorker::Upper { worker, upper: Some(Epoch(epoch)) }
    }

    #[test]
    fn an_epoch_is_finished_when_all_workers_are_past_it() {
        let mut router = Router::new(2);
        router.expect(Epoch(5));
        router.expect(Epoch(6));
        assert!(router.take(FromWorker::LikeCounts(Epoch(5), vec![count("b", 1)])).is_empty());
        assert!(router.take(upper(0, 6)).is_empty());
        assert!(router.take(FromWorker::LikeCounts(Epoch(5), vec![count("a", 2)])).is_empty());
        let finished = router.take(upper(1, 7));
        assert_eq!(finished.len(), 1);
        assert_eq!(finished[0].epoch, Epoch(5));
        assert_eq!(finished[0].like_counts, [count("a", 2), count("b", 1)]);
    }

    #[test]
    fn an_epoch_in_which_nothing_changed_is_handed_on_too() {
        let mut router = Router::new(1);
        router.expect(Epoch(5));
        let finished = router.take(FromWorker::Upper { worker: 0, upper: None });
        assert_eq!(finished.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [Epoch(5)]);
    }
}

//! A transactional topic: records and the progress record in one transaction, older producers fenced.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{Broken, Property, broken};
use crate::config::{Config, Cut, Epoch};
use crate::oracle::Truth;

/// A transaction that is sent to be committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Transaction {
    /// The producer's number.
    pub(crate) producer: u8,
    pub(crate) generation: u8,
    /// The progress that it goes on from, and the one that it writes.
    pub(crate) from: Option<Epoch>,
    pub(crate) to: Epoch,
    /// Epoch, key and value.
    pub(crate) records: Vec<(Epoch, u16, u16)>,
    pub(crate) history: Arc<Vec<(Epoch, Cut)>>,
}

/// The topic and its coordinator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Topic {
    /// The number of the producer that called `initTransactions` last.
    pub(crate) producer: u8,
    pub(crate) progress: Option<Epoch>,
    pub(crate) records: Arc<Vec<(Epoch, u16, u16)>>,
}

impl Topic {
    /// Whether a transaction is committed; a producer that another followed is fenced.
    pub(crate) fn commit(&mut self, transaction: &Transaction) -> Result<bool, Broken> {
        if transaction.producer != self.producer {
            return Ok(false);
        }
        let first = transaction.records.first().map(|&(epoch, _, _)| epoch);
        if let (Some(epoch), Some(progress)) = (first, self.progress)
            && epoch <= progress
        {
            return broken(
                Property::Accounted,
                format!("changes of epoch {epoch} are published again after {progress}"),
            );
        }
        Arc::make_mut(&mut self.records).extend_from_slice(&transaction.records);
        self.progress = Some(transaction.to);
        Ok(true)
    }

    /// Whether the records add up to what the inputs lead to.
    pub(crate) fn check(&self, config: &Config, truth: &Truth) -> Result<(), Broken> {
        let mut found: BTreeMap<u16, u16> = BTreeMap::new();
        for &(_, key, value) in self.records.iter() {
            if value == 0 {
                found.remove(&key);
            } else {
                found.insert(key, value);
            }
        }
        let wanted = truth.view(config, 0);
        if found != wanted {
            return broken(
                Property::True,
                format!("the topic's records lead to {found:?}, not {wanted:?}"),
            );
        }
        Ok(())
    }
}

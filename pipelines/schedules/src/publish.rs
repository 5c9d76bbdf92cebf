//! Transactions of the topic, late calls, and commits that a loss of power undoes.

use std::sync::Arc;

use runtime::decide;

use crate::check::{Broken, Property, broken};
use crate::config::{Config, Epoch};
use crate::live::between;
use crate::oracle::Truth;
use crate::process::{Process, Producer, derive};
use crate::start::Goes;
use crate::store::real_epoch;
use crate::topic::Transaction;
use crate::world::{Fate, Late, World};

impl World {
    /// Goes on with the topic.
    pub(crate) fn publish(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        let Some(producer) = process.producer else {
            // Fenced, or without an answer: the newest generation takes the topic again.
            self.topic.producer += 1;
            if decide::release(self.newest_generation > process.generation) == decide::Release::End
            {
                return Ok(Goes::Ends);
            }
            process.producer = Some(Producer {
                number: self.topic.producer,
                progress: self.topic.progress,
            });
            return Ok(Goes::On);
        };
        let to = process.finished();
        let transaction = Transaction {
            producer: producer.number,
            generation: process.generation,
            from: producer.progress,
            to,
            records: differences(config, process, producer.progress, to),
            history: Arc::clone(&process.history),
        };
        match fate {
            Fate::Answered => {
                let is_committed = self.commit_transaction(config, &transaction)?;
                process.producer = is_committed.then_some(Producer {
                    progress: Some(to),
                    ..producer
                });
            }
            Fate::Lost => {
                self.commit_transaction(config, &transaction)?;
                process.producer = None;
            }
            Fate::Late => {
                self.late.push(Late::Transaction(transaction));
                process.producer = None;
            }
        }
        Ok(Goes::On)
    }

    fn commit_transaction(
        &mut self,
        config: &Config,
        transaction: &Transaction,
    ) -> Result<bool, Broken> {
        if !self.topic.commit(transaction)? {
            return Ok(false);
        }
        for epoch in between(
            &transaction.history,
            transaction.from.unwrap_or(0),
            transaction.to,
        ) {
            self.say(epoch, &transaction.history)?;
        }
        let cut = self.say(transaction.to, &transaction.history)?;
        self.topic.check(config, &Truth::of(config, &cut))?;
        Ok(true)
    }

    /// A late call takes effect, if it still can.
    pub(crate) fn land(&mut self, config: &Config, late: &Late) -> Result<(), Broken> {
        match late {
            Late::Commit(commit) => self.put(config, commit).map(|_| ()),
            Late::Store(call, history) => self.exchange(config, call, history).map(|_| ()),
            Late::Transaction(transaction) => {
                self.commit_transaction(config, transaction).map(|_| ())
            }
        }
    }

    /// Commits that had their name before they were on the disk read as versions in which nothing happened.
    pub(crate) fn tables_lose_power(&mut self) -> Result<(), Broken> {
        for table in &mut self.tables {
            let Some(before) = table.undo.take() else {
                continue;
            };
            let version = table.version;
            let shown = table.committed;
            *table = *before;
            table.version = version;
            table.undo = None;
            if table.committed < shown {
                return broken(
                    Property::StaysSaid,
                    format!(
                        "{:?} was sealed through {shown:?}, and is through {:?} now",
                        table.kind, table.committed
                    ),
                );
            }
        }
        Ok(())
    }
}

/// What changes in the derived values, epoch by epoch, above `from` and up to `to`: epoch, key, value.
pub(crate) fn differences(
    config: &Config,
    process: &Process,
    from: Option<Epoch>,
    to: Epoch,
) -> Vec<(Epoch, u16, u16)> {
    let mut differences = Vec::new();
    let mut before: Option<Vec<u16>> = None;
    for finished in &process.epochs {
        if finished.epoch > to {
            break;
        }
        let values = derive(config, &finished.inputs, 0);
        let old = before.unwrap_or_else(|| {
            // The base itself: what is at it is in every sink, or it is the beginning.
            if finished.epoch == 0 {
                vec![0; values.len()]
            } else {
                values.clone()
            }
        });
        if decide::takes(from.map(real_epoch), real_epoch(finished.epoch)) && finished.epoch > 0 {
            for (key, (new, old)) in values.iter().zip(&old).enumerate() {
                if new != old {
                    let key = u16::try_from(key).expect("few keys");
                    differences.push((finished.epoch, key, *new));
                }
            }
        }
        before = Some(values);
    }
    differences
}

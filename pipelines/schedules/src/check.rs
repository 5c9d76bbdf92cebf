//! The promise, as properties of what is shown.

use std::fmt;

use crate::config::{Config, Cut, Epoch};
use crate::oracle::Truth;
use crate::world::World;

/// A sentence of the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Property {
    /// Each event is applied once, or rejected once and kept; what was read is accounted for.
    Accounted,
    /// A value never goes back to an earlier state of its inputs.
    NeverBack,
    /// What is said of an epoch stays said.
    StaysSaid,
    /// What is said of an epoch is what its records lead to.
    True,
    /// When inputs stop and all is done, every output equals one pass over all inputs.
    Complete,
    /// A generation has no effect once a newer one has taken over.
    OneGeneration,
    /// The job stops with an alarm only if something was lost.
    NoFalseAlarm,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accounted => "each event is applied once or rejected once",
            Self::NeverBack => "a value never goes back",
            Self::StaysSaid => "what is said of an epoch stays said",
            Self::True => "what is said of an epoch is what its records lead to",
            Self::Complete => "in the end every output equals one pass over all inputs",
            Self::OneGeneration => "an older generation has no effect",
            Self::NoFalseAlarm => "no alarm without a cause",
        })
    }
}

/// A broken property.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Which.
    pub property: Property,
    /// Where, and what was found.
    pub what: String,
}

pub(crate) fn broken<T>(property: Property, what: String) -> Result<T, Broken> {
    Err(Broken { property, what })
}

/// What a process knows of the epochs that are bound, lowest first.
pub(crate) type History = [(Epoch, Cut)];

/// The cut that a history gives an epoch: that of the newest binding up to it; `None` below its first.
fn cut_at(history: &History, epoch: Epoch) -> Option<Cut> {
    let after = history.partition_point(|&(bound, _)| bound <= epoch);
    Some(history[after.checked_sub(1)?].1)
}

impl World {
    /// Someone shows an epoch: its records, and those of every epoch that was shown before, are the ones that were said.
    pub(crate) fn say(&mut self, epoch: Epoch, history: &History) -> Result<Cut, Broken> {
        let cut = match cut_at(history, epoch) {
            Some(cut) => cut,
            None if epoch == 0 => Cut::default(),
            None => self.said.get(&epoch).copied().unwrap_or_default(),
        };
        for (&said, of) in self.said.range(..=epoch) {
            if cut_at(history, said).is_some_and(|cut| cut != *of) {
                let found = cut_at(history, said);
                return broken(
                    Property::StaysSaid,
                    format!(
                        "epoch {said} was said to be of {of:?}, to whoever shows {epoch} it is of {found:?}"
                    ),
                );
            }
        }
        self.said.insert(epoch, cut);
        Ok(cut)
    }

    /// The view store says that all values are of `epoch`.
    pub(crate) fn check_views(
        &mut self,
        config: &Config,
        epoch: Epoch,
        code: u8,
        history: &History,
    ) -> Result<(), Broken> {
        let cut = self.say(epoch, history)?;
        let before = *self.said_by_code.entry(epoch).or_insert(code);
        if before != code {
            return broken(
                Property::StaysSaid,
                format!("code {before} has shown epoch {epoch}, now code {code} does"),
            );
        }
        let wanted = Truth::of(config, &cut).view(config, code);
        for (key, value) in self.redis.values.iter().enumerate() {
            let key = u16::try_from(key).expect("few keys");
            let right = wanted.get(&key).copied().unwrap_or(0);
            if value.value != right {
                return broken(
                    Property::True,
                    format!(
                        "the views say {} of key {key} at epoch {epoch}, not {right}",
                        value.value
                    ),
                );
            }
        }
        Ok(())
    }

    /// Everything is done: all outputs equal one pass over all inputs.
    pub(crate) fn check_end(&mut self, config: &Config, newest: Epoch) -> Result<(), Broken> {
        let end = config.end();
        let truth = Truth::of(config, &end);
        let incomplete = |what: String| broken(Property::Complete, what);
        for table in self.tables.iter().filter(|_| !config.inputs_idle) {
            if table.committed.unwrap_or(0) != newest {
                return incomplete(format!(
                    "{:?} is sealed through {:?}, not {newest}",
                    table.kind, table.committed
                ));
            }
            table.check(config, &truth, newest)?;
        }
        if config.outputs.views {
            let mark = self.redis.mark;
            let as_of = mark.and_then(|mark| mark.as_of.filter(|_| mark.progress.is_none()));
            if as_of != Some(newest) {
                return incomplete(format!("the views are of {as_of:?}, not of {newest}"));
            }
            let code = mark.map_or(0, |mark| mark.code);
            let wanted = truth.view(config, code);
            for (key, value) in self.redis.values.iter().enumerate() {
                let key = u16::try_from(key).expect("few keys");
                let right = wanted.get(&key).copied().unwrap_or(0);
                if value.value != right {
                    return incomplete(format!(
                        "in the end the views say {} of key {key}, not {right}",
                        value.value
                    ));
                }
            }
        }
        if config.outputs.topic {
            self.topic.check(config, &truth)?;
            if self.topic.progress.unwrap_or(0) != newest {
                return incomplete(format!(
                    "the topic is published through {:?}, not {newest}",
                    self.topic.progress
                ));
            }
        }
        Ok(())
    }
}

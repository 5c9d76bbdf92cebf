//! The way of one event in a while, from the topic to views and tables.

use std::collections::BTreeMap;

use model::{Epoch, EventId, Millis, PartitionId};
use serde::Serialize;

use crate::clock::now_millis;
use crate::ingress::SealedEpoch;

/// A step on the way of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Every worker said everything of it.
    Finished,
    /// The group committed it.
    Table(&'static str),
    /// Readers of the views see it.
    Views,
}

/// An epoch whose way is followed.
#[derive(Clone, Debug)]
pub(super) struct Sampled {
    pub(super) epoch: Epoch,
    pub(super) event_id: EventId,
    pub(super) partition: PartitionId,
    pub(super) offset: i64,
    pub(super) appended: Millis,
    pub(super) sealed_millis: u64,
    pub(super) stages: BTreeMap<Stage, u64>,
}

/// The way of one event, from the topic to views and tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The event.
    pub event_id: String,
    /// Its topic and partition.
    pub partition: String,
    /// Its offset.
    pub offset: i64,
    /// Its epoch.
    pub epoch: Epoch,
    /// The timestamp that the broker gave it, in milliseconds since 1970.
    pub appended_at: i64,
    /// Milliseconds since then at which each stage was reached, `sealed` first.
    pub millis_after: BTreeMap<String, i64>,
}

impl Sampled {
    /// The first record of the epoch that was accepted, if any.
    pub(super) fn of(epoch: &SealedEpoch) -> Option<Self> {
        epoch.batches.iter().find_map(|batch| {
            let row = batch.admitted.rows().find(|row| row.event_id.is_some())?;
            Some(Self {
                epoch: epoch.binding.epoch,
                event_id: row.event_id?,
                partition: batch.partition,
                offset: row.offset,
                appended: row.timestamp_millis,
                sealed_millis: now_millis(),
                stages: BTreeMap::new(),
            })
        })
    }

    pub(super) fn told(&self) -> Trace {
        let after = |millis: u64| millis.cast_signed() - self.appended.0;
        let stages = self.stages.iter().map(|(stage, &millis)| {
            let name = match stage {
                Stage::Finished => "finished".to_owned(),
                Stage::Table(group) => format!("committed {group}"),
                Stage::Views => "views".to_owned(),
            };
            (name, after(millis))
        });
        Trace {
            event_id: self.event_id.to_string(),
            partition: self.partition.to_string(),
            offset: self.offset,
            epoch: self.epoch,
            appended_at: self.appended.0,
            millis_after: stages
                .chain([("sealed".to_owned(), after(self.sealed_millis))])
                .collect(),
        }
    }
}

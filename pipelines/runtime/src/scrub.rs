//! The scrub: all day, at a bounded rate, what views and tables hold is compared with what the graphs say;
//! what is damaged is told, and put right where that can be done (`docs/scrub.md`).

mod contents;
mod files;
mod findings;
mod pace;
mod tables;

use std::sync::Arc;

use crossbeam_channel::Receiver;
use lake::Lake;

use crate::egress::ReadOut;
use crate::error::JobError;
use crate::feeder::Feeder;
use crate::job::Context;

pub use contents::{Compared, NOW, compare_now};
pub use files::{FilesChecked, check_files};
pub use findings::Finding;
pub(crate) use findings::FindingLog;
pub(crate) use pace::Pace;
use tables::TableScrub;
pub(crate) use tables::{Anew, TableScrubber, read_outs};

/// Starts the scrub of the tables, if the job wants one.
pub(crate) fn start(
    context: &Context<'_>,
    lake: &Lake,
    feeder: &Arc<Feeder>,
    findings: FindingLog,
    (anew, read_outs): (Anew, Receiver<ReadOut>),
) -> Result<Option<TableScrubber>, JobError> {
    let Some(pace) = Pace::of(&context.job.scrub) else {
        return Ok(None);
    };
    // Workers end with the feeder: the scrub does not keep it from ending.
    let feeder = Arc::downgrade(feeder);
    let scrub = TableScrub {
        lake: lake.clone(),
        pace,
        findings,
        anew,
        want: Box::new(move || {
            if let Some(feeder) = feeder.upgrade() {
                feeder.want_for_tables();
            }
        }),
        read_outs,
    };
    let started = TableScrubber::start(scrub, context.fault);
    let failed = |source| JobError::Thread {
        name: "scrub-tables",
        source,
    };
    started.map(Some).map_err(failed)
}

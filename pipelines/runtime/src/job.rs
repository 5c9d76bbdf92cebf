//! A job: start, run, end.

use std::path::Path;
use std::sync::Arc;

use connection::SecretError;
use model::Topic;
use sources::{FileSource, KafkaConfig, KafkaSource, Source, StopFlag};
use valuation::Ruleset;

pub(crate) use self::leg::horizon_millis;
use self::leg::{Leg, LegEnd};
pub(crate) use self::rules::{RULESET, as_position};
pub(crate) use self::sinks::Context;
use crate::config::{Job, SourceKind};
use crate::error::JobError;
use crate::folder::JobFolder;
use crate::status::{Phase, Status};
use crate::teller::Teller;

mod last_record;
mod leg;
#[cfg(test)]
mod panics;
mod reading;
mod rules;
mod sinks;

/// A running job, from outside: asks it to stop, and sees what it does.
#[derive(Clone, Debug, Default)]
pub struct Handle {
    stop: StopFlag,
    status: Arc<Status>,
}

impl Handle {
    /// Asks the job to commit what it has read and to end.
    pub fn stop(&self) {
        self.stop.set();
    }

    /// Whether it was asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_set()
    }

    /// What the job says of itself.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// How long to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// Until the job is stopped.
    Stopped,
    /// Until everything is read that is there at the start.
    End,
}

/// Runs a job on this thread until it ends.
///
/// Rules that differ from those of the last run hold from the first new epoch on: what was bound before is
/// finished under the old ones, so that what was shown of an epoch stays true.
///
/// # Errors
/// When it cannot start or go on. What is committed then stays; a next start goes on from there.
pub fn run(job: &Job, until: Until, handle: &Handle) -> Result<(), JobError> {
    for warning in job.security_warnings() {
        tracing::warn!("{warning}");
    }
    let wanted = load_rules(&job.ruleset)?;
    let folder = JobFolder::open(&job.folder)?;
    let teller = Teller::start(&job.job, &folder, &handle.status)?;
    let done = run_legs(job, until, handle, &folder, wanted);
    handle.status.enter(Phase::Ended);
    teller.finish(&done);
    done
}

fn run_legs(
    job: &Job,
    until: Until,
    handle: &Handle,
    folder: &JobFolder,
    wanted: Ruleset,
) -> Result<(), JobError> {
    folder.keep_ruleset(&wanted.hash().to_string(), &wanted.stored())?;
    let mut rules = rules::of_the_next_epoch(folder, &job.job)?.unwrap_or_else(|| wanted.clone());
    let (mut switched_from, mut own) = (None, None);
    while !handle.stop.is_set() {
        let generation = match own {
            None => folder.take_generation()?,
            // Whoever went on after a newer start would fence that one off.
            Some(own) => {
                (folder.take_generation_after(own)?).ok_or(JobError::Superseded { own })?
            }
        };
        own = Some(generation);
        handle.status.runs_as(generation);
        let ruleset = rules.hash();
        tracing::info!(job = job.job, %generation, folder = %job.folder.display(), %ruleset, "start");
        let leg = Leg {
            job,
            is_last: ruleset == wanted.hash(),
            until,
            handle,
            stop: handle.stop.part(),
            folder: folder.clone(),
            generation,
            rules,
        };
        match leg.run(switched_from.take())? {
            LegEnd::Done => return Ok(()),
            LegEnd::Again => {
                handle.status.go_on("source");
                rules =
                    rules::of_the_next_epoch(folder, &job.job)?.unwrap_or_else(|| wanted.clone());
            }
            LegEnd::Switch { read_out, next } => {
                rules = match next {
                    Some(hash) => rules::kept(folder, &hash)?,
                    None => wanted.clone(),
                };
                switched_from = Some(read_out);
            }
        }
    }
    Ok(())
}

/// Loads a ruleset: the name of a shipped one, or the path of a file.
pub fn load_rules(name: &str) -> Result<Ruleset, JobError> {
    Ok(if odds::SHIPPED.contains(&name) {
        odds::shipped(name)?
    } else {
        odds::load(Path::new(name))?
    })
}

/// Opens the source of a job.
pub fn open_source(job: &Job, stop: &StopFlag) -> Result<Box<dyn Source>, JobError> {
    match job.source.kind {
        SourceKind::Kafka => Ok(Box::new(KafkaSource::new(kafka_config(job, stop)?)?)),
        SourceKind::Files => Ok(Box::new(FileSource::open(&job.source.paths)?)),
    }
}

/// How the job reaches its broker; reads the password.
///
/// # Errors
/// When the password cannot be read.
pub fn kafka_config(job: &Job, stop: &StopFlag) -> Result<KafkaConfig, SecretError> {
    let mut config = KafkaConfig::new(&job.source.brokers);
    config.security = job.source.security()?;
    let names = [
        (Topic::Equipment, &job.source.topics.equipment),
        (Topic::Likes, &job.source.topics.likes),
    ];
    config.topics = names
        .into_iter()
        .filter(|(_, name)| !name.is_empty())
        .map(|(topic, name)| (topic, name.clone()))
        .collect();
    if !job.source.lag_group.is_empty() {
        config.group.clone_from(&job.source.lag_group);
    }
    config.stop = stop.clone();
    Ok(config)
}

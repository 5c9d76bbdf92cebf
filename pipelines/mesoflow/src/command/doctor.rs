//! `mesoflow doctor`: is everything as a job needs it, and if not, what is to be done?

mod files;
mod finding;
mod folder;
mod kafka;
mod records;
mod redis;
mod store;
mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args as ClapArgs;
use runtime::config::{Job, SourceKind, ViewsKind};
use serde::Serialize;

use crate::{job, terminal};

use finding::{Finding, Findings, Severity};

/// Looks at everything that a job needs, before it runs or while it does.
///
/// Leaves everything as it is: it only writes one file into the job's folder, or where that would be made, and
/// removes it again.
///
/// Each finding says what to do about it. Exit code 1 when one is an error.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The job file.
    #[arg(value_name = "JOB.toml")]
    job: PathBuf,
}

#[derive(Serialize)]
struct Report<'a> {
    job_file: &'a Path,
    errors: usize,
    warnings: usize,
    findings: &'a [Finding],
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let waiting = terminal::spinner("looking");
    let findings = examine(&args.job);
    waiting.finish_and_clear();
    let report = Report {
        job_file: &args.job,
        errors: findings.count(Severity::Error),
        warnings: findings.count(Severity::Warning),
        findings: findings.list(),
    };
    if json {
        terminal::print_json(&report)?;
    } else {
        terminal::print(&findings.text())?;
    }
    match report.errors {
        0 => Ok(()),
        errors => Err(anyhow!(
            "{}: {errors} of {} findings are errors",
            args.job.display(),
            report.findings.len()
        )),
    }
}

fn examine(path: &Path) -> Findings {
    let mut findings = Findings::default();
    let job = match Job::read(path) {
        Ok(job) => job,
        Err(error) => {
            findings.failed("job file", &error, job::advice(&error));
            return findings;
        }
    };
    findings.fine(
        "job file",
        format!("job {}, {} workers", job.job, job.workers),
    );
    for warning in job.security_warnings() {
        let (found, to_do) = warning.split_once(": ").unwrap_or((&warning, "mend it"));
        findings.odd("job file", found, to_do);
    }
    files::ruleset(&job, &mut findings);
    files::metrics(&job, &mut findings);
    folder::examine(&job, &mut findings);
    let sealed = tables::examine(&job, &mut findings);
    match job.source.kind {
        SourceKind::Kafka => kafka::examine(&job, &sealed, &mut findings),
        SourceKind::Files => files::sources(&job, &mut findings),
    }
    if job.views.kind == ViewsKind::Redis {
        redis::examine(&job, &mut findings);
    }
    store::examine(&job, &mut findings);
    findings
}

//! `mesoflow run`: runs a job in the foreground.

mod progress;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args as ClapArgs;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use views::ViewError;

use runtime::{Handle, Job, JobError, JobFolder, Until};

use self::progress::Progress;
use crate::failure::Failed as _;
use crate::{accounting, job, signals, terminal};

/// Runs a job until it is stopped: SIGTERM and SIGINT let it commit what it has read, within 5 seconds.
///
/// Prints the accounting of every partition at the end. A job that is started again goes on where it was.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The job file.
    #[arg(value_name = "JOB.toml")]
    job: PathBuf,
    /// Ends when everything is read that is there at the start.
    #[arg(long)]
    until_end: bool,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let job = job::read(&args.job)?;
    serve_metrics(&job)?;
    let handle = Handle::default();
    signals::on_stop({
        let handle = handle.clone();
        move || handle.stop()
    })?;
    let until = if args.until_end {
        Until::End
    } else {
        Until::Stopped
    };
    let progress = Progress::begin(handle.clone(), until)?;
    let done = runtime::run(&job, until, &handle);
    progress.end();
    let report = handle.status().report();
    if json {
        terminal::print_json(&report)?;
    } else if done.is_ok() || report.counts().read() > 0 {
        terminal::print(&accounting::table(&report))?;
    }
    explained(done, &job)
}

/// The outcome of a job with what to do about a failure.
pub(crate) fn explained(done: Result<(), JobError>, job: &Job) -> Result<()> {
    match done {
        Ok(()) => Ok(()),
        Err(error) => {
            let advice = match &error {
                JobError::Superseded { .. }
                | JobError::Seal(runtime::SealError::Superseded { .. }) => newer_copy(job)?,
                JobError::Rules(_) => rules_advice(),
                JobError::Secret(_) => crate::job::SECRET_ADVICE.to_owned(),
                JobError::OpenViews(views @ (ViewError::Denied { .. } | ViewError::Tls { .. }))
                | JobError::Views(views @ (ViewError::Denied { .. } | ViewError::Tls { .. })) => {
                    runtime::advice("views", &views.to_string())
                }
                JobError::Source(source) => {
                    let advice = runtime::advice("source", &source.to_string());
                    format!("{advice}; see `mesoflow doctor JOB.toml`")
                }
                other => advice(other).to_owned(),
            };
            let is_wrong = matches!(error, JobError::Rules(_) | JobError::Secret(_));
            let failed = Err(error).context("run the job").advise(advice);
            if is_wrong { failed.wrong() } else { failed }
        }
    }
}

/// What to do about a ruleset that cannot be loaded.
pub(crate) fn rules_advice() -> String {
    let shipped = odds::SHIPPED.join(", ");
    format!(
        "name a shipped ruleset ({shipped}) or the path of a copy, and mend what is named above"
    )
}

fn newer_copy(job: &Job) -> Result<String> {
    let newest = JobFolder::open(&job.folder)?.newest_generation()?;
    let newest = newest.context("a generation that was taken is in the job's folder")?;
    Ok(format!(
        "nothing: generation {newest} of the job runs; stop one of them"
    ))
}

fn advice(error: &JobError) -> &'static str {
    match error {
        JobError::NothingToRead => "see `mesoflow doctor JOB.toml`",
        JobError::PartitionsChanged { .. }
        | JobError::TopicGone { .. }
        | JobError::Gone { .. }
        | JobError::Recreated { .. }
        | JobError::Replaced { .. } => {
            "nothing was reset: decide whether to rebuild in a new folder"
        }
        JobError::Seal(runtime::SealError::Changed { .. }) => {
            "restore the topic, or rebuild in a new folder: what was read is not there any more"
        }
        JobError::OpenViews(ViewError::Fenced { .. }) => {
            "give the job another name: a job of this name with another folder, or a newer copy, owns the views"
        }
        JobError::OpenViews(_) | JobError::Views(_) => {
            "see whether views.kind, views.url and the files of views.tls are right"
        }
        _ => {
            "see the log above and `mesoflow doctor JOB.toml`; what is committed stays, and a start goes on there"
        }
    }
}

/// Serves the metrics where the job file says.
fn serve_metrics(job: &Job) -> Result<()> {
    if job.metrics.is_empty() {
        return Ok(());
    }
    let address: SocketAddr = job
        .metrics
        .parse()
        .with_context(|| format!("metrics of the job file: {:?}", job.metrics))
        .advise("give an address and port, as 127.0.0.1:9464")
        .wrong()?;
    if TcpListener::bind(address).is_ok() {
        return install(address)
            .with_context(|| format!("serve metrics on {address}"))
            .advise("see whether the port is free");
    }
    // An older copy of the job has it until this one has taken over.
    tracing::warn!(%address, "the port of the metrics is in use: they are served when it is free");
    thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            while TcpListener::bind(address).is_err() {
                thread::sleep(Duration::from_secs(1));
            }
            match install(address) {
                Ok(()) => tracing::info!(%address, "metrics are served"),
                Err(error) => tracing::error!(%address, %error, "metrics are not served"),
            }
        })
        .context("start a thread")?;
    Ok(())
}

fn install(address: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()
}

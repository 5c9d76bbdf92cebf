//! `mesoflow scrub`: do the tables and views of a job hold what they should?

mod views;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args as ClapArgs;
use lake::Lake;
use model::tables::Relation;
use runtime::Finding;
use runtime::config::ViewsKind;
use runtime::scrub::{Compared, NOW, check_files, compare_now};
use serde::Serialize;

use crate::failure::Failed as _;
use crate::{job, terminal};

/// Compares the files of a job's tables with their logs, the `_now` tables with those of changes, and the views with
/// the tables, whether the job runs or not.
///
/// Changes nothing: what can be put right is put right by the running job, which compares all of this all day, and
/// with what it computed besides. Exit code 1 when anything is damaged.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The job file.
    #[arg(value_name = "JOB.toml")]
    job: PathBuf,
}

#[derive(Serialize)]
struct Report<'a> {
    job_file: &'a Path,
    /// Files of tables that were compared, and their bytes.
    files: u64,
    bytes: u64,
    /// What was compared with what.
    comparisons: Vec<Comparison>,
    findings: Vec<Finding>,
}

/// Two things that should say the same.
#[derive(Serialize)]
struct Comparison {
    what: String,
    /// Rows or values that were compared.
    compared: u64,
    /// Values that were left out, because they changed meanwhile.
    skipped: u64,
    /// Why it could not be done.
    not: Option<String>,
}

impl Comparison {
    fn not(what: String, why: impl Into<String>) -> Self {
        Self {
            what,
            compared: 0,
            skipped: 0,
            not: Some(why.into()),
        }
    }
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let settings = job::read(&args.job)?;
    let lake = job::lake(&settings)?;
    let waiting = terminal::spinner("comparing");
    let mut report = Report {
        job_file: &args.job,
        files: 0,
        bytes: 0,
        comparisons: Vec::new(),
        findings: Vec::new(),
    };
    tables(&lake, &mut report)?;
    if settings.views.kind != ViewsKind::None {
        let mut store = job::views(&settings)?;
        let (comparisons, findings) = views::compare(&lake, store.as_mut())?;
        report.comparisons.extend(comparisons);
        report.findings.extend(findings);
    }
    for finding in &mut report.findings {
        if std::mem::take(&mut finding.repaired) {
            finding.done = format!("the running job sees to it: {}", finding.done);
        }
    }
    waiting.finish_and_clear();
    if json {
        terminal::print_json(&report)?;
    } else {
        terminal::print(&report.text())?;
    }
    match report.findings.len() {
        0 => Ok(()),
        found => Err(anyhow!("{}: {found} findings", args.job.display())),
    }
}

fn tables(lake: &Lake, report: &mut Report<'_>) -> Result<()> {
    for relation in Relation::ALL {
        let checked = check_files(lake, relation, |_| true)
            .advise("see whether the folder of the tables may be read")?;
        report.files += checked.files;
        report.bytes += checked.bytes;
        report.findings.extend(checked.findings);
    }
    for (now, changes) in NOW {
        let what = format!("{now} with {changes}");
        let comparison = match compare_now(lake, (now, changes), |_| true) {
            Ok(Compared::Equal { rows }) => Comparison {
                what,
                compared: rows,
                skipped: 0,
                not: None,
            },
            Ok(Compared::Differ(findings)) => {
                report.findings.extend(findings);
                Comparison::not(what, "they differ")
            }
            Ok(Compared::Unsure(_)) => Comparison::not(what, "it was not looked at closely"),
            Ok(Compared::Not(why)) => Comparison::not(what, why),
            // Of damaged files there is a finding.
            Err(error) => Comparison::not(what, error.to_string()),
        };
        report.comparisons.push(comparison);
    }
    Ok(())
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut text = format!("{} files of tables, {} bytes\n", self.files, self.bytes);
        for comparison in &self.comparisons {
            let Comparison {
                what,
                compared,
                skipped,
                not,
            } = comparison;
            let line = match not {
                Some(why) => format!("{what}: not compared, {why}\n"),
                None if *skipped > 0 => {
                    format!("{what}: {compared} compared, {skipped} changed meanwhile\n")
                }
                None => format!("{what}: {compared} compared\n"),
            };
            text.push_str(&line);
        }
        for finding in &self.findings {
            write!(text, "\n{}: {}", finding.key, finding.damage).expect("a text takes all");
            for (name, value) in [
                ("there is", &finding.held),
                ("there should be", &finding.wanted),
                ("lost", &finding.lost),
            ] {
                if let Some(value) = value {
                    write!(text, "\n  {name}: {value}").expect("a text takes all");
                }
            }
            write!(text, "\n  to do: {}\n", finding.done).expect("a text takes all");
        }
        text
    }
}

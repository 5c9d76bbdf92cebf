//! The marker of the view store: who writes it, and how far it is.

use model::Epoch;
use model::view::{Marker, ProgressKind};
use runtime::config::{Job, ViewsKind};
use runtime::folder::{Generation, JobFolder};
use views::{ViewError, ViewReader as _};

use super::finding::{Findings, with_causes};
use crate::instant::epoch_with_time;
use crate::job::{self, views_file};

pub(super) fn examine(job: &Job, findings: &mut Findings) {
    let subject = "views";
    match job.views.kind {
        ViewsKind::None => {
            findings.fine(subject, "the job keeps none");
            return;
        }
        ViewsKind::Embedded if !views_file(job).is_file() => {
            findings.fine(subject, "none yet: the first start makes them");
            return;
        }
        ViewsKind::Embedded | ViewsKind::Redis => {}
    }
    let marker = match job::views(job) {
        Ok(mut views) => views.marker(),
        Err(error) => {
            let found = with_causes(error.as_ref());
            findings.wrong(
                subject,
                found,
                "see that the view store is there and can be read",
            );
            return;
        }
    };
    match marker {
        Ok(marker) => judge(marker.as_ref(), newest_generation(job), subject, findings),
        Err(error @ (ViewError::Denied { .. } | ViewError::Tls { .. })) => {
            let to_do = runtime::advice("views", &error.to_string());
            findings.failed(subject, &error, &to_do);
        }
        Err(error) => findings.failed(
            subject,
            &error,
            "see that the view store answers; a marker that is none is written anew by a start",
        ),
    }
}

/// The newest generation of the job, if it has been started here.
fn newest_generation(job: &Job) -> Option<Generation> {
    if !job.folder.join("generations").is_dir() {
        return None;
    }
    let folder = JobFolder::open(&job.folder).ok()?;
    folder.newest_generation().ok().flatten()
}

fn judge(
    marker: Option<&Marker>,
    newest: Option<Generation>,
    subject: &str,
    findings: &mut Findings,
) {
    let Some(marker) = marker else {
        findings.fine(subject, "nothing of this job is there yet");
        return;
    };
    let (theirs, own) = (marker.generation, newest.map_or(0, |newest| newest.0));
    if theirs > own {
        findings.wrong(
            subject,
            format!("generation {theirs} writes them, and this folder's newest is {own}"),
            "another folder's job of this name writes here: give one of them another `job` name",
        );
    }
    let as_of = match marker.as_of {
        Some(Epoch(0)) => Some("0: nothing is valued yet".to_owned()),
        as_of => as_of.map(epoch_with_time),
    };
    match (as_of, &marker.progress) {
        (Some(as_of), None) => findings.fine(subject, format!("true of epoch {as_of}")),
        (as_of, Some(progress)) => {
            let doing = match progress.state {
                ProgressKind::Writing => "written",
                ProgressKind::Rewriting => "rewritten",
            };
            let as_of = as_of.unwrap_or_else(|| "none".to_owned());
            findings.odd(
                subject,
                format!(
                    "true of epoch {as_of}, being {doing} to epoch {}",
                    progress.target
                ),
                "wait if the job runs; else start it, it finishes what was begun",
            );
        }
        (None, None) => findings.odd(
            subject,
            "claimed, and nothing is written yet",
            "wait if the job runs; else start it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use model::Epoch;
    use model::view::Origin;

    use super::super::finding::Severity;
    use super::*;

    #[test]
    fn a_store_that_a_later_generation_writes_belongs_to_another_job() {
        let origin = Origin {
            code: "c0de".into(),
            ruleset: "ab12".into(),
        };
        let marker = Marker::complete(4, Epoch(7), origin);
        let errors = |newest| {
            let mut findings = Findings::default();
            judge(Some(&marker), newest, "views", &mut findings);
            findings.count(Severity::Error)
        };
        assert_eq!(errors(Some(Generation(4))), 0);
        assert_eq!(errors(Some(Generation(9))), 0);
        assert_eq!(errors(Some(Generation(3))), 1);
        assert_eq!(errors(None), 1);
    }
}

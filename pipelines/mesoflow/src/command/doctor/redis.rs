//! The Redis server that holds the views.

use std::time::Duration;

use runtime::config::Job;
use views::{RedisFacts, ViewError};

use super::finding::{Findings, bytes_text};
use crate::job;

/// How long the server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The first release that is tested; it has all commands that are used.
const MAJOR_MIN: u32 = 7;
/// Clocks may differ by so much.
const SKEW_MILLIS_MAX: i64 = 1_000;

pub(super) fn examine(job: &Job, findings: &mut Findings) {
    let config = match job.views.redis() {
        Ok(config) => config,
        Err(error) => {
            findings.failed("Redis", &error, job::SECRET_ADVICE);
            return;
        }
    };
    match RedisFacts::ask(config, TIMEOUT) {
        Ok(facts) => judge(&facts, findings),
        Err(error) => {
            let to_do = match &error {
                ViewError::Denied { .. } | ViewError::Tls { .. } => {
                    runtime::advice("views", &error.to_string())
                }
                _ => "start it, or correct views.url of the job file; see that nothing between refuses"
                    .to_owned(),
            };
            findings.failed("Redis", &error, &to_do);
        }
    }
}

fn judge(facts: &RedisFacts, findings: &mut Findings) {
    let subject = format!("Redis {}", facts.place);
    version(facts, &subject, findings);
    if facts.role == "slave" {
        findings.wrong(&subject, "it is a replica", "name the master in views.url");
    }
    match &facts.script_problem {
        None => findings.fine(&subject, "it runs scripts"),
        Some(problem) => findings.wrong(
            &subject,
            format!("it runs no scripts: {problem}"),
            "allow EVAL and EVALSHA to this user: every write is one script",
        ),
    }
    memory(facts, &subject, findings);
    persistence(facts, &subject, findings);
    let ahead = facts.clock_ahead_millis;
    if ahead.abs() > SKEW_MILLIS_MAX {
        findings.odd(
            &subject,
            format!("its clock is {ahead} ms ahead of this machine's"),
            "set both by one time server: epochs are read as times",
        );
    } else {
        let millis = facts.round_trip.as_secs_f64() * 1e3;
        let found = format!("its clock is {ahead} ms ahead; a round trip takes {millis:.1} ms");
        findings.fine(&subject, found);
    }
}

fn version(facts: &RedisFacts, subject: &str, findings: &mut Findings) {
    let version = &facts.version;
    let major: Option<u32> = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    let cluster = if facts.cluster {
        ", a node of a cluster"
    } else {
        ""
    };
    match major {
        Some(major) if major >= MAJOR_MIN => {
            findings.fine(subject, format!("version {version}{cluster}"));
        }
        _ => findings.odd(
            subject,
            format!("version {version:?}{cluster}"),
            "use Redis 7 or newer, which is what is tested",
        ),
    }
}

fn memory(facts: &RedisFacts, subject: &str, findings: &mut Findings) {
    let policy = &facts.memory_policy;
    let limit = match facts.memory_bytes_max {
        0 => "no limit of memory".to_owned(),
        bytes => format!("{} of memory", bytes_text(bytes)),
    };
    if policy == "noeviction" {
        findings.fine(subject, format!("{limit}, maxmemory-policy {policy}"));
    } else if facts.evicted_keys > 0 {
        findings.wrong(
            subject,
            format!(
                "maxmemory-policy is {policy}, and {} keys have been evicted",
                facts.evicted_keys
            ),
            "set maxmemory-policy to noeviction and flush the views: the job writes them anew",
        );
    } else {
        findings.wrong(
            subject,
            format!("maxmemory-policy is {policy} ({limit})"),
            "set it to noeviction: an evicted value is missing, and nothing tells",
        );
    }
}

fn persistence(facts: &RedisFacts, subject: &str, findings: &mut Findings) {
    match (&facts.saves, facts.appends) {
        (_, true) => findings.fine(subject, "it appends changes to a file"),
        (Some(saves), false) if !saves.is_empty() => {
            findings.fine(subject, format!("it saves snapshots ({saves})"));
        }
        (Some(_), false) => findings.odd(
            subject,
            "it keeps nothing over a restart",
            "fine if the views may be away until the job has written them anew; else set appendonly",
        ),
        (None, false) => findings.odd(
            subject,
            "it does not append, and whether it saves snapshots may not be asked",
            "see whether views may be away after a restart, until the job has written them anew",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    fn facts() -> RedisFacts {
        RedisFacts {
            place: "localhost:6379".to_owned(),
            version: "7.0.15".to_owned(),
            role: "master".to_owned(),
            cluster: false,
            memory_bytes_max: 0,
            memory_policy: "noeviction".to_owned(),
            evicted_keys: 0,
            appends: true,
            saves: Some(String::new()),
            script_problem: None,
            clock_ahead_millis: 3,
            round_trip: Duration::from_millis(1),
        }
    }

    fn judged(facts: RedisFacts) -> (usize, usize) {
        let mut findings = Findings::default();
        judge(&facts, &mut findings);
        (
            findings.count(Severity::Error),
            findings.count(Severity::Warning),
        )
    }

    #[test]
    fn a_server_that_keeps_what_it_is_given_is_fine() {
        assert_eq!(judged(facts()), (0, 0));
    }

    #[test]
    fn eviction_and_no_scripts_are_errors() {
        let evicts = RedisFacts {
            memory_policy: "allkeys-lru".to_owned(),
            ..facts()
        };
        let no_scripts = RedisFacts {
            script_problem: Some("NOPERM".to_owned()),
            ..facts()
        };
        assert_eq!(judged(evicts), (1, 0));
        assert_eq!(judged(no_scripts), (1, 0));
    }

    #[test]
    fn another_clock_an_old_version_and_no_persistence_are_odd() {
        let odd = RedisFacts {
            clock_ahead_millis: -5_000,
            version: "6.2.1".to_owned(),
            appends: false,
            ..facts()
        };
        assert_eq!(judged(odd), (0, 3));
    }
}

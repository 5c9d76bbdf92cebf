//! The job's ruleset, the address of its metrics, and the files that it reads.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use runtime::config::Job;

use crate::command::run::rules_advice;

use super::finding::{Findings, bytes_text};

pub(super) fn ruleset(job: &Job, findings: &mut Findings) {
    let subject = "ruleset";
    match runtime::load_rules(&job.ruleset) {
        Ok(ruleset) => {
            let hash = ruleset.hash().short();
            findings.fine(subject, format!("{} {hash}", ruleset.name()));
        }
        Err(error) => findings.failed(subject, &error, &rules_advice()),
    }
}

pub(super) fn metrics(job: &Job, findings: &mut Findings) {
    let subject = "metrics";
    if job.metrics.is_empty() {
        findings.fine(subject, "none are served");
        return;
    }
    let Ok(address) = job.metrics.parse::<SocketAddr>() else {
        let found = format!("{:?} is no address", job.metrics);
        findings.wrong(subject, found, "give IP:PORT, for example 127.0.0.1:9464");
        return;
    };
    match TcpListener::bind(address) {
        Ok(_) => findings.fine(subject, format!("port {address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => findings.odd(
            subject,
            format!("port {address} is taken"),
            "fine if it is this job that runs; else choose another port",
        ),
        Err(error) => findings.failed(subject, &error, "choose an address of this machine"),
    }
}

pub(super) fn sources(job: &Job, findings: &mut Findings) {
    for path in &job.source.paths {
        let subject = format!("file {}", path.display());
        match File::open(path).and_then(|file| file.metadata()) {
            Ok(facts) if facts.is_file() => {
                findings.fine(&subject, bytes_text(facts.len()));
            }
            Ok(_) => findings.wrong(&subject, "it is no file", "name a JSONL file"),
            Err(error) => {
                findings.failed(
                    &subject,
                    &error,
                    "name a file that can be read in source.paths",
                );
            }
        }
    }
}

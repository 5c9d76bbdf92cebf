//! Where the figures come from: machine, versions, commit.

use std::fs;
use std::process::Command;

use anyhow::Result;
use sources::KafkaConfig;
use sources::kafka::KafkaAdmin;
use views::RedisFacts;

use crate::world::{PATIENCE, redis_url, service};

/// A few lines; what cannot be asked here is left out.
pub(crate) fn describe() -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    let mut parts = vec![
        format!("{cores} cores of {}", model.as_deref().unwrap_or("?")),
        format!("{} GiB", kib >> 20),
        format!("Linux {}", said("uname", &["-r"])),
        said("rustc", &["--version"]),
        "cargo's dev profile as the workspace sets it".to_owned(),
    ];
    if std::env::var("MESOFLOW_TEST_KAFKA").is_ok() {
        let mut config = KafkaConfig::new(service("MESOFLOW_TEST_KAFKA")?);
        config.give_up_after = Some(PATIENCE);
        if let Some(release) = KafkaAdmin::new(config)?.release()? {
            parts.push(format!("Kafka {release}"));
        }
        let facts = RedisFacts::ask(&redis_url()?, PATIENCE)?;
        parts.push(format!("Redis {} without persistence", facts.version));
    }
    parts.push("broker and Redis on the same cores".to_owned());
    parts.push(format!("load average {load} before the first bench"));
    Ok(format!("Machine: {}.", parts.join(", ")))
}

/// The commit that is checked out.
pub(crate) fn commit() -> String {
    said("git", &["rev-parse", "--short", "HEAD"])
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| format!("{program} unknown"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

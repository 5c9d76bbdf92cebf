//! What a live job serves and logs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use model::admission::Outcome;
use serde_json::Value;
use sources::generator::{Generator, GeneratorConfig};

use crate::services::World;

/// The document that lists every metric.
const OPERATIONS: &str = include_str!("../../../../docs/operations.md");

/// The names in the first column of the table of metrics.
fn documented() -> BTreeSet<&'static str> {
    let rows = OPERATIONS
        .lines()
        .filter(|line| line.starts_with("| `mesoflow_"));
    let columns = rows.map(|row| row.split('|').nth(1).unwrap());
    columns
        .flat_map(|column| column.split('`'))
        .filter(|name| name.starts_with("mesoflow_"))
        .collect()
}

/// An address where a job can serve its metrics.
pub(crate) fn free_address() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // Below the ports that the system gives to whoever asks for any: free when the job starts, too.
    let first = std::process::id() as usize + 100 * NEXT.fetch_add(1, Ordering::Relaxed);
    let mut ports = (20_000..32_000).cycle().skip(first % 12_000);
    let free = ports.find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    format!("127.0.0.1:{}", free.unwrap())
}

/// The page of metrics of a job; none while nobody answers.
pub(crate) fn page(address: &str) -> Option<String> {
    let mut server = TcpStream::connect(address).ok()?;
    write!(server, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    server.read_to_string(&mut text).unwrap();
    assert!(text.contains(" 200 "), "{text}");
    Some(text)
}

/// The metrics of a job, by name and labels; none while nobody answers.
pub(crate) fn scrape(address: &str) -> BTreeMap<String, String> {
    let text = page(address).unwrap_or_default();
    let lines = text.lines().filter(|line| line.starts_with("mesoflow_"));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

fn names(metrics: &BTreeMap<String, String>) -> BTreeSet<&str> {
    let names = metrics.keys().map(|name| name.split('{').next().unwrap());
    names.collect()
}

#[test]
fn a_live_job_serves_the_metrics_of_the_document_and_logs_in_json() {
    let address = free_address();
    let world = World::new("metrics", &format!("metrics = {address:?}"));
    let mut generator = Generator::new(GeneratorConfig {
        characters: 50,
        equipment: 200,
        likes: 2_000,
        ..GeneratorConfig::default()
    })
    .unwrap();
    world.fill(&mut generator, u64::MAX);
    let mut process = world.start("job", "job", &["--log-format", "json"]);

    let documented = documented();
    assert!(documented.len() > 15, "{documented:?}");
    process.until("every metric of the document, and all records", || {
        let metrics = scrape(&address);
        let read = metrics
            .iter()
            .filter(|(name, _)| name.starts_with("mesoflow_records_read_total"));
        let read: f64 = read.map(|(_, value)| value.parse::<f64>().unwrap()).sum();
        names(&metrics).is_superset(&documented) && read == 2_200.0
    });
    let metrics = scrape(&address);
    assert_eq!(names(&metrics), documented);

    let topics = ["character.equipment", "like.toggle"];
    let partitions = topics
        .iter()
        .flat_map(|topic| (0..3).map(move |number| format!("{topic}/{number}")));
    for partition in partitions {
        let of = |name: &str| -> f64 {
            let name = format!("mesoflow_{name}{{partition=\"{partition}\"}}");
            let value = metrics
                .get(&name)
                .unwrap_or_else(|| panic!("{name}: {metrics:?}"));
            value.parse().unwrap()
        };
        let outcomes: f64 = Outcome::ALL
            .into_iter()
            .map(|outcome| {
                let labels = format!("partition=\"{partition}\",outcome=\"{}\"", outcome.name());
                let name = format!("mesoflow_records_total{{{labels}}}");
                metrics[&name].parse::<f64>().unwrap()
            })
            .sum();
        assert!(of("records_read_total") > 0.0);
        assert_eq!(of("records_read_total"), outcomes);
        assert_eq!(of("records_read_total"), of("next_offset"));
        assert_eq!(of("accounting_residual"), 0.0);
        assert_eq!(of("lag_records"), 0.0);
    }
    for stage in ["sealed", "finished", "views"] {
        for name in ["epoch", "trace_seconds"] {
            let name = format!("mesoflow_{name}{{stage=\"{stage}\"}}");
            assert!(metrics[&name].parse::<f64>().unwrap() > 0.0, "{name}");
        }
    }

    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let said = |message: &str| {
        let line = lines.iter().find(|line| line["message"] == message);
        line.unwrap_or_else(|| panic!("no {message:?} in {log}"))
    };
    assert_eq!(said("start")["level"], "INFO");
    let followed = said("followed an event");
    assert_eq!(
        followed["event_id"].as_str().unwrap().len(),
        36,
        "{followed}"
    );
    assert!(
        followed["partition"].is_string() && followed["offset"].is_i64(),
        "{followed}"
    );
    let millis_after = followed["millis_after"].as_str().unwrap();
    let stages = [
        "sealed",
        "finished",
        "views",
        "committed inputs",
        "committed valuations",
        "committed likes",
    ];
    for stage in stages {
        assert!(
            millis_after.contains(&format!("{stage:?}: ")),
            "{millis_after}"
        );
    }
    for line in &lines {
        assert!(
            line["timestamp"].is_string() && line["target"].is_string(),
            "{line}"
        );
    }
}

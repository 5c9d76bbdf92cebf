//! `mesoflow status`, log and metrics of jobs that something holds up.

use std::net::TcpListener;
use std::path::Path;

use model::Topic;
use model::tables::Relation;
use serde_json::Value;
use sources::generator::{Generator, GeneratorConfig};

use crate::live::{free_address, scrape};
use crate::process::{Obstacle, Process};
use crate::secured::{Connections, ca, sasl, wrong_password};
use crate::services::World;
use crate::support::{Ran, mesoflow};

/// Small epochs, few in flight, quick commits.
const SMALL: &str =
    "[epoch]\nrecords_max = 50\n[flow]\nepochs_in_flight_max = 3\n[tables]\ncommit_millis = 10";

fn status(folder: &Path) -> Ran {
    mesoflow(["status", "--json", &folder.display().to_string()])
}

/// A job that runs beside the test, with metrics.
struct Held {
    process: Process,
    folder: std::path::PathBuf,
    metrics: String,
}

impl Held {
    /// Starts a job of a world.
    fn start(world: &World, name: &str, connections: &Connections, settings: &str) -> Self {
        let metrics = free_address();
        let settings = format!("metrics = {metrics:?}\n{settings}");
        let file = connections.file(world, name, &settings);
        let folder = world.job(name);
        let process = Process::start(["run", "--json", &file], folder.parent().unwrap(), name);
        Self {
            process,
            folder,
            metrics,
        }
    }

    fn is_written(&self) -> bool {
        self.folder.join("status.json").is_file()
    }

    /// Waits until the job is live and waits for nothing.
    fn is_live(&mut self) {
        let folder = self.folder.clone();
        let is_well = || status(&folder).code == 0;
        self.process.until("a job that is live", is_well);
    }

    /// Asserts that a wait is shown everywhere, with its age, why, and what to do.
    #[track_caller]
    fn waits_for(&mut self, what: &str, why: &str, to_do: &str) {
        let folder = self.folder.clone();
        let shown = || -> Option<Value> {
            let told: Value = serde_json::from_str(&status(&folder).out).ok()?;
            let wait = told["waits"].get(what)?;
            (wait["age_seconds"].as_f64()? > 1.0).then(|| wait.clone())
        };
        self.process
            .until("the first status", || folder.join("status.json").is_file());
        self.process
            .until(&format!("{what} in the status"), || shown().is_some());
        let wait = shown().unwrap();
        assert!(wait["why"].as_str().unwrap().contains(why), "{wait}");
        assert!(wait["advice"].as_str().unwrap().contains(to_do), "{wait}");
        assert!(
            wait["since_millis"].as_u64().unwrap() > 1_700_000_000_000,
            "{wait}"
        );

        let ran = mesoflow(["status", &folder.display().to_string()]).exits_with(1);
        assert!(ran.out.contains(&format!("for {what}: ")), "{}", ran.out);
        assert!(
            ran.out.contains("to do: ") && ran.out.contains(to_do),
            "{}",
            ran.out
        );
        assert!(
            ran.err.contains("waits for") && ran.err.contains(what),
            "{}",
            ran.err
        );

        self.process.logs(&format!("waiting what=\"{what}\""));
        let gauge = format!("mesoflow_wait_seconds{{what=\"{what}\"}}");
        let metrics = self.metrics.clone();
        self.process.until(&gauge, || {
            let age = scrape(&metrics)
                .get(&gauge)
                .map(|age| age.parse::<f64>().unwrap());
            age.is_some_and(|age| age > 1.0)
        });
    }

    /// Asserts that a wait is over, and that the log says for how long it was one.
    #[track_caller]
    fn goes_on(&mut self, what: &str) {
        self.process
            .logs(&format!("waits no longer what=\"{what}\" waited_seconds="));
        let gauge = format!("mesoflow_wait_seconds{{what=\"{what}\"}}");
        let metrics = self.metrics.clone();
        self.process.until("a gauge of 0", || {
            scrape(&metrics).get(&gauge).is_some_and(|age| age == "0")
        });
    }
}

fn generator() -> Generator {
    let config = GeneratorConfig {
        characters: 50,
        equipment: 400,
        likes: 2_000,
        ..GeneratorConfig::default()
    };
    Generator::new(config).unwrap()
}

#[test]
fn a_commit_that_fails_holds_the_flow_and_both_are_shown_until_it_succeeds() {
    let world = World::new("status-tables", "");
    let mut generator = generator();
    world.fill(&mut generator, 600);
    let mut held = Held::start(&world, "job", &Connections::plain(), SMALL);
    held.is_live();
    let obstacle = Obstacle::behind(&held.folder, Relation::InputLikes, 1);
    world.fill(&mut generator, u64::MAX);
    held.waits_for("inputs", "input_likes", "only the job may");
    held.waits_for("flow", "wait for inputs", "look at the one that is named");
    obstacle.remove();
    held.goes_on("inputs");
    held.goes_on("flow");
    held.is_live();
    let (code, log) = held.process.stop();
    assert_eq!(code, 0, "{log}");
    let ran = status(&held.folder).exits_with(1);
    assert_eq!(
        (&ran.json()["life"], &ran.json()["phase"]),
        (&"ended".into(), &"ended".into())
    );
    assert!(ran.err.contains("generation 1 has ended"), "{}", ran.err);
}

#[test]
fn services_that_are_away_silent_or_refuse_are_shown_with_what_to_do() {
    let world = World::new("status-services", "");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = Connections::plain();
    // Nobody listens on port 1.
    let away = Connections {
        brokers: "127.0.0.1:1".to_owned(),
        ..plain.clone()
    };
    let mute = Connections {
        brokers: silent.local_addr().unwrap().to_string(),
        ..plain.clone()
    };
    let no_views = Connections {
        redis: "redis://127.0.0.1:1".to_owned(),
        ..plain.clone()
    };
    let unknown = Connections {
        source: ca("source", "ca.pem") + &sasl("scram-sha-512", "reader", &wrong_password(&world)),
        redis: plain.redis.clone(),
        views: String::new(),
        ..Connections::right()
    };
    let jobs = [
        ("away", away, "source", "", "source.brokers"),
        ("mute", mute, "source", "", "source.brokers"),
        (
            "no-views",
            no_views,
            "views",
            "no answer",
            "views catch up by themselves",
        ),
        (
            "unknown",
            unknown,
            "source",
            "user or password is wrong",
            "source.sasl",
        ),
    ];
    let started = jobs.map(|(name, connections, what, why, to_do)| {
        (
            Held::start(&world, name, &connections, ""),
            what,
            why,
            to_do,
        )
    });
    for (mut held, what, why, to_do) in started {
        held.waits_for(what, why, to_do);
        held.process.kill();
        assert!(world.job("away").join("status.json").is_file());
        let ran = status(&held.folder).exits_with(1);
        assert_eq!(ran.json()["life"], "gone");
        assert!(ran.err.contains("generation 1 is gone"), "{}", ran.err);
    }
}

#[test]
fn a_topic_that_is_held_and_duplicates_that_are_forgotten_are_shown() {
    let world = World::new("status-topic", "");
    world.fill(&mut generator(), u64::MAX);
    let settings = "[admission]\ndedup_ids_max = 100";
    let mut held = Held::start(&world, "job", &Connections::plain(), settings);
    held.waits_for("dedup", "duplicates", "admission.dedup_ids_max");
    world.grow(Topic::Likes, 5);
    held.waits_for("like.toggle", "partitions", "the other topic is read on");
    assert!(held.is_written());
}

#[test]
fn a_folder_in_which_no_job_has_run_and_a_job_that_failed_are_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let ran = status(folder.path()).exits_with(1);
    assert!(ran.err.contains("no job has run"), "{}", ran.err);

    let file = folder.path().join("job.toml");
    let text = "folder = \"job\"\n[source]\nkind = \"files\"\npaths = [\"nowhere.jsonl\"]";
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    mesoflow(["run", &file]).exits_with(1);
    let ran = mesoflow(["status", &file]).exits_with(1);
    assert!(ran.out.contains("failed"), "{}", ran.out);
    assert!(
        ran.err.contains("generation 1 has failed") && ran.err.contains("nowhere.jsonl"),
        "{}",
        ran.err
    );
}

//! What the questions answer when a job has run to the end of its files.

use std::fs;

use model::Topic;
use runtime::{Handle, Job, Until};
use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files};

use crate::doctor::{doctor, found};
use crate::support::{TestJob, mesoflow};

/// A job that has run over generated files, and the ocids of some characters.
fn finished() -> (TestJob, Vec<String>) {
    let config = GeneratorConfig {
        characters: 30,
        documents: 1,
        equipment: 60,
        likes: 300,
        // No job reads them.
        enrich: 40,
        donations: 20,
        ..GeneratorConfig::default()
    };
    let mut generator = Generator::new(config).unwrap();
    let job = TestJob::new("[source]\nkind = \"files\"\npaths = [\"in/records.jsonl\"]");
    let folder = job.path().join("in");
    fs::create_dir(&folder).unwrap();
    into_files(
        &mut generator,
        &folder,
        FileSet::One,
        Compression::Plain,
        None,
    )
    .unwrap();
    let names = generator.names();
    let ocids = [0, 1, 7, 29].map(|number| names.ocid(number)).into();

    let settings = Job::read(job.file().as_ref()).unwrap();
    for records in [360, 0] {
        let handle = Handle::default();
        runtime::run(&settings, Until::End, &handle).unwrap();
        assert_eq!(handle.status().report().counts().read(), records);
    }
    (job, ocids)
}

#[test]
fn every_question_has_its_answer() {
    let (job, ocids) = finished();
    let file = job.file();
    for ocid in &ocids {
        let got = mesoflow(["get", "character", ocid, "--json", "--job", &file])
            .exits_with(0)
            .json();
        let report = mesoflow(["explain", ocid, "--json", "--job", &file])
            .exits_with(0)
            .json();

        assert_eq!(report["verdict"], "equal", "{report}");
        assert_eq!(report["tables"]["standing"], "comparable", "{report}");
        assert_eq!(report["view"]["standing"], "comparable", "{report}");
        assert_eq!(report["event"]["topic"], Topic::Equipment.name());
        assert_eq!(report["ruleset"]["hash"], got["ruleset"]);
        assert_eq!(report["ruleset"]["kept_in"], "kept in the job's folder");
        for preset in 0..3 {
            let cost = |answer: &serde_json::Value| answer["presets"][preset]["cost_mesos"].clone();
            assert_eq!(cost(&report), cost(&got));
        }
    }
    let likes = mesoflow(["get", "likes", &ocids[0], "--json", "--job", &file])
        .exits_with(0)
        .json();
    assert!(likes["likes"].as_i64().unwrap() > 0, "{likes}");

    let tables = mesoflow(["tables", "--json", "--job", &file])
        .exits_with(0)
        .json();
    let tables = tables.as_array().unwrap().iter();
    let names: Vec<_> = tables
        .filter(|table| table["exists"] == true)
        .map(|table| &table["name"])
        .collect();
    for name in [
        "input_equipment",
        "item_valuations",
        "like_counts",
        "accounting",
    ] {
        assert!(
            names.iter().any(|known| *known == name),
            "{name}: {names:?}"
        );
    }

    let report = doctor(&job).exits_with(0).json();
    assert_eq!(report["errors"], 0, "{report}");
    assert!(
        found(&report, "ok", "views")[0].starts_with("true of epoch "),
        "{report}"
    );
}

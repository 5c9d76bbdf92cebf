//! Nothing that a run writes holds a password.

use std::fs;
use std::path::Path;

use super::{Connections, ca, folder_of, password, sasl, tls, user, world, wrong_password};
use crate::live::{free_address, page};
use crate::process::Process;
use crate::services::service;
use crate::support::mesoflow;

/// Every file below a folder, but those that passwords are in.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.file_name().unwrap() != "wrong-password" {
            found.push(path);
        }
    }
}

#[track_caller]
fn holds_none(what: &str, bytes: &[u8]) {
    // The wrong password begins with the right one.
    let secret = password();
    let found = bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes());
    assert!(!found, "{what}: {}", String::from_utf8_lossy(bytes));
}

/// The key of a client's certificate: its second line.
fn key_line() -> String {
    let key = fs::read_to_string(tls("client.key")).unwrap();
    key.lines().nth(1).unwrap().to_owned()
}

#[test]
fn no_password_stands_in_anything_that_a_run_writes() {
    let world = world("secrets");
    let wrong = wrong_password(&world);
    let right = Connections::right();
    let address = free_address();
    let metrics = format!("metrics = {address:?}");

    // A live job, with everything logged.
    let file = right.file(&world, "right", &metrics);
    let folder = folder_of(&file);
    let live = |file: &str, name: &str, text: &str| {
        let arguments = ["run", "--json", "--log", "trace", file];
        let mut process = Process::start(arguments, &folder, name);
        process.logs(text);
        process.until("its metrics", || {
            page(&address).is_some_and(|page| page.contains("mesoflow_wait"))
        });
        let cmdline = fs::read(format!("/proc/{}/cmdline", process.id())).unwrap();
        holds_none("the command line", &cmdline);
        holds_none("the metrics", page(&address).unwrap().as_bytes());
        process.stop()
    };
    let (code, log) = live(&file, "right", "followed an event");
    assert_eq!(code, 0, "{log}");

    // Jobs with wrong passwords, one of which is tried again and again.
    let wrong_kafka = Connections {
        source: ca("source", "ca.pem") + &sasl("scram-sha-512", "reader", &wrong),
        ..right.clone()
    };
    let file = wrong_kafka.file(&world, "wrong-kafka", &metrics);
    let (_, log) = live(&file, "wrong-kafka", "user or password is wrong");
    assert!(log.contains("source refuses this client"), "{log}");
    let wrong_redis = Connections {
        views: user("writer", &wrong) + &ca("views", "ca.pem"),
        ..right.clone()
    };
    let wrong_redis = wrong_redis.file(&world, "wrong-redis", "");
    let plain = Connections {
        brokers: service("MESOFLOW_TEST_KAFKA_SASL"),
        source: ca("source", "ca.pem") + &sasl("plain", "reader", &wrong),
        ..right.clone()
    };
    let wrong_plain = plain.file(&world, "wrong-plain", "");
    let right = right.file(&world, "right", "");

    let forms = ["text", "json"];
    let mut ran = 0;
    for file in [&right, &wrong_redis, &wrong_plain, &file] {
        let numbers = ["--characters", "5", "--equipment", "5", "--likes", "5"];
        for command in [
            &["doctor", file][..],
            &["doctor", file, "--json"],
            &["get", "likes", "evan", "--job", file],
            &["explain", "evan", "--job", file],
            &["generate", "--job", file],
        ] {
            let logged = ["--log", "trace", "--log-format", forms[ran % forms.len()]];
            let is_made = command[0] == "generate";
            let numbers = numbers.iter().filter(|_| is_made);
            let done = mesoflow(command.iter().chain(&logged).chain(numbers));
            holds_none("the output", done.out.as_bytes());
            holds_none("the log", done.err.as_bytes());
            ran += 1;
        }
    }
    assert_eq!(ran, 20);
    let done = mesoflow([
        "run",
        "--until-end",
        "--json",
        "--log",
        "trace",
        &wrong_redis,
    ])
    .exits_with(1);
    holds_none("the output", done.out.as_bytes());
    holds_none("the log", done.err.as_bytes());

    let mut found = Vec::new();
    files(&folder, &mut found);
    // Job files, tables, bindings, logs, what was printed.
    assert!(found.len() > 50, "{found:?}");
    let key = key_line();
    for path in &found {
        let bytes = fs::read(path).unwrap();
        holds_none(&path.display().to_string(), &bytes);
        assert!(
            !bytes
                .windows(key.len())
                .any(|window| window == key.as_bytes()),
            "{path:?}"
        );
    }
    // A test that looks for nothing finds nothing.
    assert!(fs::read_to_string(&wrong).unwrap().contains(&password()));
}

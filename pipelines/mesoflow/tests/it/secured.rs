//! Jobs over the protected listeners of the real services: right credentials, and wrong ones by name.
//!
//! The test command makes certificates and users, and names their folder in `MESOFLOW_TEST_TLS`.

mod files;
mod secrets;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use model::view::ShardKeys;
use runtime::Job;
use serde_json::Value;
use sources::generator::{Generator, GeneratorConfig};
use views::RedisReader;

use crate::doctor::found;
use crate::services::{World, service};
use crate::support::{mesoflow, mesoflow_with};
use crate::whole::{assert_same, content, values};

/// A file that the test command made.
fn tls(name: &str) -> String {
    let path = Path::new(&service("MESOFLOW_TEST_TLS")).join(name);
    path.display().to_string()
}

/// The password of every user.
fn password() -> String {
    fs::read_to_string(tls("password"))
        .unwrap()
        .trim()
        .to_owned()
}

/// What a job file says of its connections, from `[source]` on. What a test does not name is right.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) brokers: String,
    pub(crate) source: String,
    pub(crate) redis: String,
    pub(crate) views: String,
}

impl Connections {
    /// Connections that are not protected.
    pub(crate) fn plain() -> Self {
        Self {
            brokers: service("MESOFLOW_TEST_KAFKA"),
            source: String::new(),
            redis: format!("redis://{}", service("MESOFLOW_TEST_REDIS")),
            views: String::new(),
        }
    }

    /// Kafka by SCRAM and Redis as a user that may write, both encrypted.
    pub(crate) fn right() -> Self {
        Self {
            brokers: service("MESOFLOW_TEST_KAFKA_SASL"),
            source: format!(
                "{}{}",
                ca("source", "ca.pem"),
                sasl("scram-sha-512", "reader", "password")
            ),
            redis: format!("rediss://{}", service("MESOFLOW_TEST_REDIS_TLS")),
            views: user("writer", "password") + &ca("views", "ca.pem"),
        }
    }

    /// The file of a job in its own folder, `NAME.toml` beside it.
    pub(crate) fn file(&self, world: &World, name: &str, settings: &str) -> String {
        let [equipment, likes] = world.topics();
        let text = format!(
            "job = \"{}-{name}\"\nfolder = {name:?}\n{settings}\n[source]\nbrokers = {:?}\n\
             [source.topics]\nequipment = {equipment:?}\nlikes = {likes:?}\n{}\n\
             [views]\nkind = \"redis\"\nurl = {:?}\n{}",
            world.name(),
            self.brokers,
            self.source,
            self.redis,
            self.views
        );
        let file = world.job(&format!("{name}.toml"));
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }
}

pub(crate) fn ca(section: &str, file: &str) -> String {
    let enabled = if section == "source" {
        "enabled = true\n"
    } else {
        ""
    };
    format!("[{section}.tls]\n{enabled}ca_file = {:?}\n", tls(file))
}

fn client() -> String {
    let (certificate, key) = (tls("client.pem"), tls("client.key"));
    format!("certificate_file = {certificate:?}\nkey_file = {key:?}\n")
}

pub(crate) fn sasl(mechanism: &str, user: &str, password: &str) -> String {
    let place = place_of(password);
    format!("[source.sasl]\nmechanism = {mechanism:?}\nuser = {user:?}\n{place}\n")
}

fn user(name: &str, password: &str) -> String {
    format!("user = {name:?}\n{}\n", place_of(password))
}

/// A variable where it is written in capitals, else a file.
fn place_of(password: &str) -> String {
    if password.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
        return format!("password_env = {password:?}");
    }
    let path = match Path::new(password).is_absolute() {
        true => password.to_owned(),
        false => tls(password),
    };
    format!("password_file = {path:?}")
}

/// A file with a wrong password, which the right one is the beginning of.
pub(crate) fn wrong_password(world: &World) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = world.job("wrong-password");
    fs::write(&path, format!("{}-wrong\n", password())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

fn world(test: &str) -> World {
    let world = World::new(test, "");
    let mut generator = Generator::new(GeneratorConfig {
        characters: 30,
        equipment: 100,
        likes: 500,
        ..GeneratorConfig::default()
    });
    world.fill(generator.as_mut().unwrap(), u64::MAX);
    world
}

/// What the views of a job hold.
fn views(file: &str) -> BTreeMap<String, Vec<u8>> {
    let job = Job::read(Path::new(file)).unwrap();
    let keys = ShardKeys::new(&job.job, 0).unwrap();
    let timeout = Duration::from_secs(30);
    let mut reader = RedisReader::new(job.views.redis().unwrap(), keys, timeout).unwrap();
    values(&mut reader)
}

/// A server that has a certificate and says nothing.
struct TlsServer {
    child: Child,
    address: String,
}

impl TlsServer {
    fn with(certificate: &str) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "10000"])
            .args(["-cert", &tls(&format!("{certificate}.pem"))])
            .args(["-key", &tls(&format!("{certificate}.key"))])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let accepts = out.lines().map(Result::unwrap);
        let port = accepts
            .into_iter()
            .find_map(|line| Some(line.strip_prefix("ACCEPT ")?.rsplit_once(':')?.1.to_owned()));
        Self {
            child,
            address: format!("127.0.0.1:{}", port.unwrap()),
        }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // After a kill there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn jobs_over_protected_connections_say_what_one_says_over_plain_ones() {
    let world = world("secured");
    let plain = Connections::plain();
    let right = Connections::right();
    let by_variable = Connections {
        source: ca("source", "ca.pem")
            + &sasl("scram-sha-256", "reader", "MESOFLOW_PASSWORD_OF_TEST"),
        views: user("writer", "MESOFLOW_PASSWORD_OF_TEST") + &ca("views", "ca.pem"),
        ..right.clone()
    };
    let by_password = Connections {
        source: ca("source", "ca.pem") + &sasl("plain", "reader", "password"),
        ..right.clone()
    };
    let by_certificate = Connections {
        brokers: service("MESOFLOW_TEST_KAFKA_TLS"),
        source: ca("source", "ca.pem") + &client(),
        views: user("writer", "password") + &ca("views", "ca.pem") + &client(),
        ..right.clone()
    };
    let run = |name: &str, connections: &Connections| {
        let file = connections.file(&world, name, "");
        let variable = [("MESOFLOW_PASSWORD_OF_TEST", password())];
        let ran = mesoflow_with(["run", "--until-end", "--json", &file], variable).exits_with(0);
        (file, ran.json())
    };
    let (plain, told) = run("plain", &plain);
    let read = |told: &Value| -> u64 {
        let partitions = told["partitions"].as_object().unwrap().values();
        partitions.map(|of| of["read"].as_u64().unwrap()).sum()
    };
    assert_eq!(read(&told), 600);
    let wanted: BTreeMap<_, _> = views(&plain);
    assert!(!wanted.is_empty());
    for (name, connections) in [
        ("by-scram", &right),
        ("by-password", &by_password),
        ("by-certificate", &by_certificate),
    ] {
        let (file, told) = run(name, connections);
        assert_eq!(read(&told), 600, "{name}");
        assert_same(&content(&world.job(name)), &content(&world.job("plain")));
        assert_eq!(views(&file), wanted, "{name}");
    }
    let (_, told) = run("by-variable", &by_variable);
    assert_eq!(read(&told), 600);
    assert_same(
        &content(&world.job("by-variable")),
        &content(&world.job("plain")),
    );

    // Everything else that connects goes by the same settings.
    let file = right.file(&world, "by-scram", "");
    let report = mesoflow(["doctor", "--json", &file]).exits_with(0).json();
    assert_eq!(found(&report, "warning", "job file"), [""; 0], "{report}");
    let broker = found(&report, "ok", "broker");
    let reached = "reached by sasl_ssl as user reader by SCRAM-SHA-512";
    assert!(broker.iter().any(|found| found == reached), "{broker:?}");
    let shown = |kind: &str| {
        let of_kind = wanted.keys().find(|key| key.contains(kind));
        of_kind.unwrap().split('"').nth(1).unwrap().to_owned()
    };
    mesoflow(["get", "likes", &shown("kind: Likes"), "--job", &file]).exits_with(0);
    let ocid = shown("kind: Character");
    mesoflow(["explain", &ocid, "--json", "--job", &file]).exits_with(0);
    let more = [
        "generate",
        "--job",
        &file,
        "--characters",
        "5",
        "--equipment",
        "5",
        "--likes",
        "5",
    ];
    let made = mesoflow(more.iter().chain(&["--json"])).exits_with(0);
    assert_eq!(made.json()["records"], 10);
}

/// What `doctor` finds wrong about `subject`, in one line each with what to do.
fn wrong(file: &str, subject: &str) -> String {
    let report = mesoflow(["doctor", "--json", file]).exits_with(1).json();
    let findings = report["findings"].as_array().unwrap().iter();
    let wrong = findings.filter(|of| {
        of["severity"] == "error" && of["subject"].as_str().unwrap().starts_with(subject)
    });
    let told = wrong.map(|of| format!("{}\nto do: {}\n", of["found"], of["to_do"]));
    told.collect()
}

#[track_caller]
fn says(told: &str, parts: &[&str]) {
    assert!(
        parts.iter().all(|part| told.contains(part)),
        "{parts:?} in {told}"
    );
    assert!(!told.contains(&password()), "{told}");
}

#[test]
fn what_is_wrong_with_a_connection_to_kafka_is_named_with_what_to_do() {
    let world = world("wrong-kafka");
    let wrong_password = wrong_password(&world);
    let [expired, elsewhere] = ["expired", "elsewhere"].map(TlsServer::with);
    let right = Connections::right();
    let encrypted = ca("source", "ca.pem");
    let scram = sasl("scram-sha-512", "reader", "password");
    for (name, brokers, source, parts) in [
        (
            "password",
            &right.brokers,
            encrypted.clone() + &sasl("scram-sha-512", "reader", &wrong_password),
            &["user or password is wrong", "SCRAM-SHA-512", "source.sasl"][..],
        ),
        (
            "plain-password",
            &right.brokers,
            encrypted.clone() + &sasl("plain", "reader", &wrong_password),
            &["Authentication", "source.sasl"],
        ),
        (
            "user",
            &right.brokers,
            encrypted.clone() + &sasl("scram-sha-256", "nobody", "password"),
            &["user or password is wrong", "source.sasl"],
        ),
        (
            "right",
            &right.brokers,
            encrypted.clone() + &sasl("scram-sha-512", "stranger", "password"),
            &["authorization failed", "rights Describe"],
        ),
        (
            "ca",
            &right.brokers,
            ca("source", "other-ca.pem") + &scram,
            &["not signed by a CA", "source.tls.ca_file"],
        ),
        (
            "host",
            &elsewhere.address,
            encrypted.clone(),
            &["another host name", "stands in its certificate"],
        ),
        (
            "expired",
            &expired.address,
            encrypted.clone(),
            &["certificate has expired", "renew"],
        ),
        (
            "client",
            &service("MESOFLOW_TEST_KAFKA_TLS"),
            encrypted.clone(),
            &["client certificate", "source.tls.certificate_file"],
        ),
        (
            "file",
            &right.brokers,
            ca("source", "nowhere.pem") + &scram,
            &[
                "nowhere.pem (source.tls.ca_file)",
                "No such file",
                "files of source.tls",
            ],
        ),
        (
            "secret",
            &right.brokers,
            encrypted.clone() + &sasl("scram-sha-512", "reader", "nowhere"),
            &[
                "nowhere (source.sasl.password_file)",
                "No such file",
                "docs/security.md",
            ],
        ),
    ] {
        let connections = Connections {
            brokers: brokers.clone(),
            source,
            ..right.clone()
        };
        let file = connections.file(&world, name, "");
        says(&wrong(&file, ""), parts);
    }
}

#[test]
fn what_is_wrong_with_a_connection_to_redis_is_named_with_what_to_do() {
    let world = world("wrong-redis");
    let wrong_password = wrong_password(&world);
    let [expired, elsewhere] = ["expired", "elsewhere"].map(TlsServer::with);
    let right = Connections::right();
    let plain = service("MESOFLOW_TEST_REDIS");
    let trusted = ca("views", "ca.pem");
    let writer = user("writer", "password");
    for (name, address, views, parts) in [
        (
            "password",
            &right.redis,
            user("writer", &wrong_password) + &trusted,
            &["user or password is wrong", "views.password_file"][..],
        ),
        (
            "nobody",
            &right.redis,
            trusted.clone(),
            &["user or password is wrong", "views.password_file"],
        ),
        (
            "right",
            &right.redis,
            user("stranger", "password") + &trusted,
            &["the user lacks a right", "docs/security.md"],
        ),
        (
            "ca",
            &right.redis,
            writer.clone() + &ca("views", "other-ca.pem"),
            &["not signed by a CA", "views.tls.ca_file"],
        ),
        (
            "host",
            &format!("rediss://{}", elsewhere.address),
            writer.clone() + &trusted,
            &["another host name", "stands in its certificate"],
        ),
        (
            "expired",
            &format!("rediss://{}", expired.address),
            writer.clone() + &trusted,
            &["certificate has expired", "renew"],
        ),
        (
            "not-tls",
            &format!("rediss://{plain}"),
            writer.clone() + &trusted,
            &["does not answer the TLS handshake"],
        ),
        (
            "file",
            &right.redis,
            writer.clone() + &ca("views", "nowhere.pem"),
            &["nowhere.pem (views.tls.ca_file)", "No such file"],
        ),
    ] {
        let connections = Connections {
            redis: address.clone(),
            views,
            ..right.clone()
        };
        let file = connections.file(&world, name, "");
        says(&wrong(&file, "Redis"), parts);
        let got = mesoflow(["get", "likes", "evan", "--job", &file]);
        assert!(got.code > 0);
        says(&got.err, &parts[..1]);
    }
}

#[test]
fn a_job_whose_user_may_not_write_ends_and_one_that_redis_does_not_know_does_not_start() {
    let world = world("denied");
    let right = Connections::right();
    let may_not_write = Connections {
        views: user("reader", "password") + &ca("views", "ca.pem"),
        ..right.clone()
    };
    let file = may_not_write.file(&world, "reader", "");
    let ran = mesoflow(["run", "--until-end", &file]).exits_with(1);
    says(&ran.err, &["the user lacks a right", "docs/security.md"]);

    let unknown = Connections {
        views: user("writer", &wrong_password(&world)) + &ca("views", "ca.pem"),
        ..right.clone()
    };
    let file = unknown.file(&world, "unknown", "");
    let ran = mesoflow(["run", "--until-end", &file]).exits_with(1);
    says(
        &ran.err,
        &["user or password is wrong", "views.password_file"],
    );

    let missing = Connections {
        views: user("writer", "MESOFLOW_NO_SUCH_PASSWORD") + &ca("views", "ca.pem"),
        ..right
    };
    let file = missing.file(&world, "missing", "");
    let ran = mesoflow(["run", "--until-end", &file]).exits_with(2);
    says(
        &ran.err,
        &[
            "MESOFLOW_NO_SUCH_PASSWORD",
            "views.password_env",
            "docs/security.md",
        ],
    );
}

/// The folder of a test's own that jobs and their files are in.
fn folder_of(file: &str) -> PathBuf {
    Path::new(file).parent().unwrap().to_owned()
}

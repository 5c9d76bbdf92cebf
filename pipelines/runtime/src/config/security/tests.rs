//! What settings of connections are refused, and what they come to.

use super::*;

fn refused(text: &str) -> String {
    let error = Job::parse(text, "job.toml").unwrap_err();
    let text = crate::status::chain(&error);
    assert!(!format!("{text} {error:?}").contains("hunter2"), "{text}");
    text
}

#[test]
fn a_password_in_the_file_itself_is_refused_and_not_repeated() {
    for text in [
        "[views]\npassword = \"hunter2\"",
        "[source.sasl]\npassword = \"hunter2\"",
        "[source.sasl]\nuser = \"reader\"\nsasl_password = \"hunter2\"",
        "views.password = \"hunter2\"",
    ] {
        let error = refused(text);
        assert!(
            error.contains("password") && error.contains("password_file"),
            "{error}"
        );
    }
    for text in [
        "[views]\nurl = \"redis://reader:hunter2@localhost:6379\"",
        "[views]\nkind = \"redis\"\nurl = \"redis://:hunter2@localhost:6379\"",
        "[source]\nbrokers = \"reader:hunter2@localhost:9092\"",
        // Broken files are not repeated either.
        "[views]\npassword = hunter2",
        "[views]\nurl = \"redis://reader:hunter2@localhost",
        "[views]\nkind = \"redis\"\npassword_env = \"hunter2\"",
    ] {
        refused(text);
    }
}

#[test]
fn settings_that_do_not_go_together_say_what_to_do() {
    for (text, setting) in [
        ("[source.tls]\nca_file = \"ca.pem\"", "source.tls.enabled"),
        (
            "[source.tls]\nenabled = true\nkey_file = \"k\"",
            "source.tls.key_file",
        ),
        (
            "[source.sasl]\nmechanism = \"plain\"\nuser = \"u\"\npassword_file = \"p\"",
            "source.sasl.mechanism",
        ),
        (
            "[source.sasl]\nmechanism = \"scram-sha-512\"",
            "source.sasl.user",
        ),
        (
            "[source.sasl]\nuser = \"u\"\npassword_file = \"p\"",
            "source.sasl.mechanism",
        ),
        (
            "[source.sasl]\nmechanism = \"scram-sha-512\"\nuser = \"u\"",
            "source.sasl.user",
        ),
        (
            "[views]\nkind = \"redis\"\n[views.tls]\nca_file = \"ca.pem\"",
            "views.url",
        ),
        ("[views]\nkind = \"redis\"\nuser = \"u\"", "views.user"),
        (
            "[views]\nkind = \"redis\"\npassword_file = \"p\"\npassword_env = \"P\"",
            "views.password_file",
        ),
        (
            "[views]\nkind = \"redis\"\n[views.sentinel]\naddresses = [\"h:1\"]",
            "views.sentinel.master",
        ),
        (
            "[views]\nkind = \"redis\"\n[views.sentinel]\naddresses = [\"h\"]\nmaster = \"m\"",
            "views.sentinel.addresses",
        ),
        (
            "[views]\nkind = \"redis\"\nurl = \"rediss://h/#insecure\"",
            "views.url",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(setting), "{setting}: {error}");
    }
}

#[test]
fn what_others_may_read_or_hear_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "hunter2").unwrap();
    let text = format!(
        "[source.sasl]\nmechanism = \"scram-sha-256\"\nuser = \"u\"\npassword_file = {path:?}\n\
         [views]\nkind = \"redis\"\npassword_file = {path:?}"
    );
    let job = Job::parse(&text, "job.toml").unwrap();
    let warnings = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        job.security_warnings()
    };
    let of_connections = warnings(0o600);
    assert_eq!(of_connections.len(), 2, "{of_connections:?}");
    assert!(
        of_connections
            .iter()
            .all(|warning| warning.contains("in the clear"))
    );
    let of_files = warnings(0o644);
    let of_files = of_files
        .iter()
        .filter(|warning| warning.contains("chmod 600"));
    assert_eq!(of_files.count(), 2);
    assert_eq!(Job::default().security_warnings(), [""; 0]);
}

#[test]
fn the_examples_of_the_documents_are_jobs() {
    for text in [
        include_str!("../../../../../docs/examples/secured.toml"),
        include_str!("../../../../../docs/examples/mutual-tls.toml"),
    ] {
        Job::parse(text, "job.toml").unwrap();
    }
}

#[test]
fn settings_come_to_clients_with_the_password_of_their_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    let file = folder.path().join("job.toml");
    let text = "[source.tls]\nenabled = true\nca_file = \"ca.pem\"\n\
                [source.sasl]\nmechanism = \"scram-sha-256\"\nuser = \"reader\"\npassword_file = \"password\"\n\
                [views]\nkind = \"redis\"\nurl = \"rediss://localhost:6379/1\"\nuser = \"writer\"\n\
                password_file = \"password\"\n[views.sentinel]\naddresses = [\"a:1\", \"b:2\"]\nmaster = \"m\"";
    std::fs::write(&file, text).unwrap();
    let job = Job::read(&file).unwrap();

    let kafka = job.source.security().unwrap();
    let sasl = kafka.sasl.unwrap();
    assert_eq!(sasl.mechanism, SaslMechanism::ScramSha256);
    assert_eq!(
        (&*sasl.login.user, sasl.login.password.expose()),
        ("reader", "hunter2")
    );
    assert_eq!(
        kafka.tls.unwrap().ca_file,
        Some(folder.path().join("ca.pem"))
    );
    let redis = job.views.redis().unwrap();
    assert_eq!(redis.login.unwrap().password.expose(), "hunter2");
    assert_eq!(redis.sentinel.unwrap().addresses, ["a:1", "b:2"]);
    assert!(!format!("{job:?} {}", serde_json::to_string(&job).unwrap()).contains("hunter2"));
}

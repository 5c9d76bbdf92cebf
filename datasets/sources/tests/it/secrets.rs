//! What librdkafka logs at its most talkative holds no password.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connection::{Login, Secret, Tls};
use sources::kafka::{KafkaAdmin, KafkaSecurity, Sasl, SaslMechanism};
use sources::{KafkaConfig, KafkaSource, Source as _};

/// A log that is kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set; the test command sets it"))
}

#[test]
fn everything_that_librdkafka_logs_holds_no_password() {
    let kept = Kept::default();
    let writer = kept.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let folder = PathBuf::from(variable("MESOFLOW_TEST_TLS"));
    let password = fs::read_to_string(folder.join("password")).unwrap();
    let password = password.trim();
    let mut secrets = vec![password.to_owned()];
    for mechanism in [
        SaslMechanism::Plain,
        SaslMechanism::ScramSha256,
        SaslMechanism::ScramSha512,
    ] {
        for given in [password.to_owned(), format!("{password}-wrong")] {
            let mut config = KafkaConfig::new(variable("MESOFLOW_TEST_KAFKA_SASL"));
            config.security = KafkaSecurity {
                tls: Some(Tls {
                    section: "source.tls",
                    ca_file: Some(folder.join("ca.pem")),
                    identity: None,
                }),
                sasl: Some(Sasl {
                    mechanism,
                    login: Login {
                        user: "reader".to_owned(),
                        password: Secret::new(&given),
                    },
                }),
            };
            config.give_up_after = Some(Duration::from_secs(30));
            config
                .properties
                .insert("debug".to_owned(), "all".to_owned());
            let is_right = given == password;
            let source = KafkaSource::new(config.clone()).unwrap();
            assert_eq!(source.partitions().is_ok(), is_right, "{mechanism:?}");
            let admin = KafkaAdmin::new(config).unwrap();
            assert_eq!(admin.broker_count().is_ok(), is_right, "{mechanism:?}");
            if !is_right {
                let why = source.status().last_error.unwrap();
                assert!(why.to_lowercase().contains("authentication"), "{why}");
            }
            // As PLAIN sends it.
            secrets.push(STANDARD.encode(format!("\0reader\0{given}")));
            secrets.push(STANDARD.encode(&given));
        }
    }
    let log = kept.0.lock().unwrap().clone();
    let log = String::from_utf8(log).unwrap();
    let lines = log.lines().filter(|line| line.contains("librdkafka"));
    assert!(lines.count() > 500, "it logs what it does");
    assert!(
        log.contains("SASLMECHS") || log.contains("SCRAM"),
        "also of SASL"
    );
    for secret in secrets {
        assert!(!log.contains(&secret));
    }
}

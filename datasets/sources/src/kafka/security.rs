//! Encrypted connections to brokers, and who the client is.

use std::time::Duration;

use connection::{Login, Tls, TlsProblem};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, KafkaResult};

use crate::SourceError;

/// How long a broker may take to answer when it is looked at for what is wrong with its certificate.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How connections to brokers are protected. The default is neither encrypted nor asks for a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaSecurity {
    /// Encryption, if there is any.
    pub tls: Option<Tls>,
    /// User and password, if there are any.
    pub sasl: Option<Sasl>,
}

/// How a client says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sasl {
    /// By which mechanism.
    pub mechanism: SaslMechanism,
    /// User and password.
    pub login: Login,
}

/// A mechanism of SASL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslMechanism {
    /// The password itself is sent: for encrypted connections only.
    Plain,
    /// A proof that the client knows the password, by SHA-256.
    ScramSha256,
    /// A proof that the client knows the password, by SHA-512.
    ScramSha512,
}

impl SaslMechanism {
    /// Its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl KafkaSecurity {
    /// The protocol's name, as librdkafka and brokers call it.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        }
    }

    pub(super) fn apply(&self, client: &mut ClientConfig) {
        client.set("security.protocol", self.protocol());
        if let Some(tls) = &self.tls {
            // Certificate and host name are checked unless librdkafka is told otherwise.
            if let Some(ca) = &tls.ca_file {
                client.set("ssl.ca.location", ca.to_string_lossy());
            }
            if let Some(identity) = &tls.identity {
                let certificate = identity.certificate_file.to_string_lossy();
                client.set("ssl.certificate.location", certificate);
                client.set("ssl.key.location", identity.key_file.to_string_lossy());
            }
        }
        if let Some(sasl) = &self.sasl {
            client.set("sasl.mechanism", sasl.mechanism.name());
            client.set("sasl.username", &sasl.login.user);
            client.set("sasl.password", sasl.login.password.expose());
        }
    }

    /// Looks at the files before librdkafka does, which says less of them.
    pub(super) fn check(&self, doing: &dyn Fn() -> String) -> Result<(), SourceError> {
        let Some(tls) = &self.tls else {
            return Ok(());
        };
        let made = tls.connector().map(drop);
        made.map_err(|source| SourceError::Tls {
            doing: doing(),
            source: Box::new(source),
        })
    }

    /// What is wrong with the certificate of the broker that an error of librdkafka is about, which says only
    /// that something is.
    pub(super) fn problem(&self, reason: &str) -> Option<TlsProblem> {
        let tls = self.tls.as_ref()?;
        if let Some(problem) = TlsProblem::of(reason) {
            return Some(problem);
        }
        let (host, port) = broker_of(reason)?;
        let found = connection::probe(host, port, tls, PROBE_TIMEOUT);
        // The files were looked at when the client was made; if they are gone since, librdkafka's words stand.
        found.ok().flatten()
    }
}

impl KafkaSecurity {
    /// What is wrong with a connection that the broker has ended, where it is one of encryption.
    pub(super) fn problem_at_end(&self, reason: &str) -> Option<TlsProblem> {
        let is_ended = reason.contains("isconnected") || reason.contains("SSL");
        is_ended.then(|| self.problem(reason)).flatten()
    }
}

/// Keeps the value of a setting that librdkafka refuses out of the error: it may be a password.
pub(super) fn without_values<T>(made: KafkaResult<T>) -> KafkaResult<T> {
    made.map_err(|error| match error {
        KafkaError::ClientConfig(code, what, setting, _) => {
            KafkaError::ClientConfig(code, withheld(&what, &setting), setting, String::new())
        }
        other => other,
    })
}

/// librdkafka repeats the value within quotes in what it says of it.
fn withheld(what: &str, setting: &str) -> String {
    if setting.contains("password") || setting.contains("secret") || what.contains('"') {
        return "the value is not accepted".to_owned();
    }
    what.to_owned()
}

/// The broker in `sasl_ssl://HOST:PORT/ID: what`.
fn broker_of(reason: &str) -> Option<(&str, u16)> {
    let (_, rest) = reason.split_once("ssl://")?;
    let (address, _) = rest.split_once('/')?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use connection::Secret;
    use rdkafka::config::RDKafkaLogLevel;

    use super::*;

    #[test]
    fn the_broker_of_an_error_is_found_in_it() {
        let reason = "sasl_ssl://kafka.example:9093/bootstrap: SSL handshake failed: error";
        assert_eq!(broker_of(reason), Some(("kafka.example", 9093)));
        assert_eq!(broker_of("ssl://[::1]:9093/1: failed"), Some(("::1", 9093)));
        assert_eq!(broker_of("GroupCoordinator: failed"), None);
    }

    #[test]
    fn a_password_is_neither_shown_nor_part_of_an_error() {
        let security = KafkaSecurity {
            tls: None,
            sasl: Some(Sasl {
                mechanism: SaslMechanism::ScramSha512,
                login: Login {
                    user: "reader".to_owned(),
                    password: Secret::new("hunter2"),
                },
            }),
        };
        let mut client = ClientConfig::new();
        client.set_log_level(RDKafkaLogLevel::Debug);
        security.apply(&mut client);
        assert_eq!(client.get("sasl.password"), Some("hunter2"));
        assert!(!format!("{security:?} {client:?}").contains("hunter2"));

        // A setting that does not exist, and one whose value librdkafka repeats.
        for setting in [
            "sasl.pasword",
            "sasl.mechanisms.password",
            "security.protocol",
        ] {
            let refused = ClientConfig::new()
                .set(setting, "hunter2")
                .create_native_config();
            let error = without_values(refused.map(drop)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            assert!(error.to_string().contains(setting), "{error}");
        }
    }
}

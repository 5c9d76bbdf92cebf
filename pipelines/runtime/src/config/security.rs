//! The settings of protected connections: what they may be, and what they come to when a client is made.

use std::path::{Path, PathBuf};

use connection::{Identity, Login, SecretError, SecretPlace, Tls};
use serde::{Deserialize, Serialize};
use sources::kafka::{KafkaSecurity, Sasl, SaslMechanism};
use views::{RedisConfig, RedisUrl, RedisUrlError, SentinelConfig, sentinel_address};

use super::{ConfigError, Job, SourceConfig, SourceKind, ViewsConfig, ViewsKind};

/// Encrypted connections to brokers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct KafkaTlsConfig {
    pub enabled: bool,
    pub ca_file: PathBuf,
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
}

/// How a client tells brokers who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaslKind {
    /// Not at all.
    None,
    /// By its password.
    Plain,
    /// By a proof with SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// By a proof with SHA-512.
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

/// Who the client is for brokers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct SaslConfig {
    pub mechanism: SaslKind,
    pub user: String,
    pub password_file: PathBuf,
    pub password_env: String,
}

/// The files of encrypted connections to Redis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct RedisTlsConfig {
    pub ca_file: PathBuf,
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
}

/// Who knows which Redis server is the master.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct RedisSentinelConfig {
    pub addresses: Vec<String>,
    pub master: String,
    pub user: String,
    pub password_file: PathBuf,
    pub password_env: String,
}

/// The settings of one password: their names, and what the file says.
struct PasswordSettings<'a> {
    user: (&'static str, &'a str),
    file: (&'static str, &'a Path),
    env: (&'static str, &'a str),
}

impl PasswordSettings<'_> {
    fn is_set(&self) -> bool {
        self.place().is_some()
    }

    fn place(&self) -> Option<SecretPlace> {
        let ((file, path), (env, name)) = (self.file, self.env);
        if is_set(path) {
            return Some(SecretPlace::File {
                setting: file,
                path: path.to_owned(),
            });
        }
        (!name.is_empty()).then(|| SecretPlace::Env {
            setting: env,
            name: name.to_owned(),
        })
    }

    fn login(&self) -> Result<Option<Login>, SecretError> {
        let Some(place) = self.place() else {
            return Ok(None);
        };
        Ok(Some(Login {
            user: self.user.1.to_owned(),
            password: place.read()?,
        }))
    }

    /// What is wrong with them, as setting, value and what it must be.
    fn problem(&self) -> Option<(&'static str, String, &'static str)> {
        let ((user, name), (file, path), (env, variable)) = (self.user, self.file, self.env);
        if is_set(path) && !variable.is_empty() {
            let other = "empty where the password is in a variable: one place counts";
            return Some((file, "set".to_owned(), other));
        }
        let is_name = |text: &str| {
            let of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            text.chars().all(of_name) && !text.starts_with(|c: char| c.is_ascii_digit())
        };
        if !is_name(variable) {
            // It may be the password itself.
            let name = "the name of an environment variable, in capitals";
            return Some((env, "something else".to_owned(), name));
        }
        if !name.is_empty() && !self.is_set() {
            let both = "empty, or have its password in a file or a variable";
            return Some((user, format!("{name:?}"), both));
        }
        None
    }
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

fn set(path: &Path) -> Option<PathBuf> {
    is_set(path).then(|| path.to_owned())
}

fn tls(section: &'static str, ca: &Path, certificate: &Path, key: &Path) -> Tls {
    Tls {
        section,
        ca_file: set(ca),
        identity: set(certificate).map(|certificate_file| Identity {
            certificate_file,
            key_file: key.to_owned(),
        }),
    }
}

impl SaslConfig {
    fn password(&self) -> PasswordSettings<'_> {
        PasswordSettings {
            user: ("source.sasl.user", &self.user),
            file: ("source.sasl.password_file", &self.password_file),
            env: ("source.sasl.password_env", &self.password_env),
        }
    }
}

impl RedisSentinelConfig {
    fn password(&self) -> PasswordSettings<'_> {
        PasswordSettings {
            user: ("views.sentinel.user", &self.user),
            file: ("views.sentinel.password_file", &self.password_file),
            env: ("views.sentinel.password_env", &self.password_env),
        }
    }
}

impl SourceConfig {
    /// How connections to brokers are protected; reads the password.
    ///
    /// # Errors
    /// When the password cannot be read.
    pub fn security(&self) -> Result<KafkaSecurity, SecretError> {
        let KafkaTlsConfig {
            enabled,
            ca_file,
            certificate_file,
            key_file,
        } = &self.tls;
        let mechanism = match self.sasl.mechanism {
            SaslKind::None => None,
            SaslKind::Plain => Some(SaslMechanism::Plain),
            SaslKind::ScramSha256 => Some(SaslMechanism::ScramSha256),
            SaslKind::ScramSha512 => Some(SaslMechanism::ScramSha512),
        };
        let login = match mechanism {
            Some(_) => self.sasl.password().login()?,
            None => None,
        };
        Ok(KafkaSecurity {
            tls: enabled.then(|| tls("source.tls", ca_file, certificate_file, key_file)),
            sasl: mechanism
                .zip(login)
                .map(|(mechanism, login)| Sasl { mechanism, login }),
        })
    }
}

impl ViewsConfig {
    fn password(&self) -> PasswordSettings<'_> {
        PasswordSettings {
            user: ("views.user", &self.user),
            file: ("views.password_file", &self.password_file),
            env: ("views.password_env", &self.password_env),
        }
    }

    fn tls(&self) -> Tls {
        let RedisTlsConfig {
            ca_file,
            certificate_file,
            key_file,
        } = &self.tls;
        tls("views.tls", ca_file, certificate_file, key_file)
    }

    /// How the Redis server is reached; reads the passwords.
    ///
    /// # Errors
    /// When a password cannot be read.
    pub fn redis(&self) -> Result<RedisConfig, SecretError> {
        let sentinel = match self.sentinel.addresses.is_empty() {
            true => None,
            false => Some(SentinelConfig {
                addresses: self.sentinel.addresses.clone(),
                master: self.sentinel.master.clone(),
                login: self.sentinel.password().login()?,
            }),
        };
        Ok(RedisConfig {
            url: self.url.clone(),
            login: self.password().login()?,
            tls: self.tls(),
            sentinel,
        })
    }
}

impl Job {
    /// What is odd about the files of protected connections, each as what it is and what to do.
    #[must_use]
    pub fn security_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.source.kind == SourceKind::Kafka {
            let (of_tls, sasl) = (&self.source.tls, &self.source.sasl);
            if of_tls.enabled {
                let files = (&of_tls.ca_file, &of_tls.certificate_file, &of_tls.key_file);
                warnings.extend(tls("source.tls", files.0, files.1, files.2).warnings());
            }
            if sasl.mechanism != SaslKind::None {
                warnings.extend(sasl.password().place().and_then(|place| place.warning()));
                if !of_tls.enabled {
                    warnings.push(
                        "source.sasl is used without source.tls: records are read in the clear, and whoever \
                         listens may guess the password: set source.tls.enabled"
                            .to_owned(),
                    );
                }
            }
        }
        if self.views.kind == ViewsKind::Redis {
            warnings.extend(self.views.tls().warnings());
            let passwords = [self.views.password(), self.views.sentinel.password()];
            let places = passwords
                .into_iter()
                .filter_map(|password| password.place());
            warnings.extend(places.filter_map(|place| place.warning()));
            let is_encrypted = RedisUrl::parse(&self.views.url).is_ok_and(|url| url.is_encrypted());
            if self.views.password().is_set() && !is_encrypted {
                warnings.push(
                    "the password of views is sent in the clear: reach Redis by rediss:// in views.url".to_owned(),
                );
            }
        }
        warnings
    }

    /// Paths that a job file names are relative to its folder.
    pub(super) fn resolve_security(&mut self, base: &Path) {
        let (kafka, sasl) = (&mut self.source.tls, &mut self.source.sasl);
        let (redis, sentinel) = (&mut self.views.tls, &mut self.views.sentinel);
        for path in [
            &mut kafka.ca_file,
            &mut kafka.certificate_file,
            &mut kafka.key_file,
            &mut sasl.password_file,
            &mut self.views.password_file,
            &mut redis.ca_file,
            &mut redis.certificate_file,
            &mut redis.key_file,
            &mut sentinel.password_file,
        ] {
            if is_set(path) {
                *path = base.join(&*path);
            }
        }
    }

    pub(super) fn check_security(&self, origin: &str) -> Result<(), ConfigError> {
        let value = |(setting, value, expected): (&'static str, String, &'static str)| {
            Err(ConfigError::Value {
                origin: origin.to_owned(),
                setting,
                value,
                expected,
            })
        };
        if self.source.brokers.contains('@') {
            let address = "host:port without user and password: source.sasl names them";
            return value(("source.brokers", "something with an @".to_owned(), address));
        }
        let found = match RedisUrl::parse(&self.views.url) {
            Ok(_) if self.views.kind != ViewsKind::Redis => None,
            Ok(url) => self.problem_of_redis(url.is_encrypted()),
            // Which other views do not use.
            Err(RedisUrlError::Form(_)) if self.views.kind != ViewsKind::Redis => None,
            Err(source) => {
                return Err(ConfigError::RedisUrl {
                    origin: origin.to_owned(),
                    setting: "views.url",
                    source,
                });
            }
        };
        if let Some(found) = found {
            return value(found);
        }
        if self.views.kind == ViewsKind::Redis {
            for address in &self.views.sentinel.addresses {
                sentinel_address(address).map_err(|source| ConfigError::RedisUrl {
                    origin: origin.to_owned(),
                    setting: "views.sentinel.addresses",
                    source,
                })?;
            }
        }
        let found = match self.source.kind {
            SourceKind::Kafka => self.problem_of_kafka(),
            SourceKind::Files => None,
        };
        found.map_or(Ok(()), value)
    }

    /// What is wrong with the settings of Kafka, as setting, value and what it must be.
    fn problem_of_kafka(&self) -> Option<(&'static str, String, &'static str)> {
        let (of_tls, sasl) = (&self.source.tls, &self.source.sasl);
        let files = [&of_tls.ca_file, &of_tls.certificate_file, &of_tls.key_file];
        if !of_tls.enabled && files.into_iter().any(|path| is_set(path)) {
            let expected = "true where a file of source.tls is named";
            return Some(("source.tls.enabled", "false".to_owned(), expected));
        }
        if is_set(&of_tls.certificate_file) != is_set(&of_tls.key_file) {
            let expected = "named where source.tls.certificate_file is, and only there";
            return Some(("source.tls.key_file", told(&of_tls.key_file), expected));
        }
        if let Some(problem) = sasl.password().problem() {
            return Some(problem);
        }
        let is_named = !sasl.user.is_empty() && sasl.password().is_set();
        match sasl.mechanism {
            SaslKind::None if !sasl.user.is_empty() || sasl.password().is_set() => {
                let expected = "\"scram-sha-512\", \"scram-sha-256\" or \"plain\" where user or password are named";
                Some(("source.sasl.mechanism", "\"none\"".to_owned(), expected))
            }
            SaslKind::None => None,
            _ if !is_named => {
                let expected =
                    "named, and its password by password_file or password_env, for this mechanism";
                Some(("source.sasl.user", format!("{:?}", sasl.user), expected))
            }
            SaslKind::Plain if !of_tls.enabled => {
                let expected =
                    "a scram mechanism, or source.tls enabled: it sends the password itself";
                Some(("source.sasl.mechanism", "\"plain\"".to_owned(), expected))
            }
            SaslKind::Plain | SaslKind::ScramSha256 | SaslKind::ScramSha512 => None,
        }
    }

    /// What is wrong with the settings of Redis, as setting, value and what it must be.
    fn problem_of_redis(&self, is_encrypted: bool) -> Option<(&'static str, String, &'static str)> {
        let (views, of_tls, sentinel) = (&self.views, &self.views.tls, &self.views.sentinel);
        let files = [&of_tls.ca_file, &of_tls.certificate_file, &of_tls.key_file];
        if !is_encrypted && files.into_iter().any(|path| is_set(path)) {
            let expected = "rediss://host:port where a file of views.tls is named";
            return Some(("views.url", "redis://".to_owned(), expected));
        }
        if is_set(&of_tls.certificate_file) != is_set(&of_tls.key_file) {
            let expected = "named where views.tls.certificate_file is, and only there";
            return Some(("views.tls.key_file", told(&of_tls.key_file), expected));
        }
        if sentinel.addresses.is_empty() != sentinel.master.is_empty() {
            let expected = "named where views.sentinel.addresses are, and only there";
            return Some((
                "views.sentinel.master",
                format!("{:?}", sentinel.master),
                expected,
            ));
        }
        views
            .password()
            .problem()
            .or_else(|| sentinel.password().problem())
    }
}

fn told(path: &Path) -> String {
    format!("{:?}", path.display().to_string())
}

/// The setting of a password that stands in a job file itself, if one does.
pub(super) fn inline_secret(table: &toml::Table) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        if let toml::Value::Table(inner) = value {
            return inline_secret(inner).map(|found| format!("{key}.{found}"));
        }
        let name = key.to_lowercase();
        let is_secret = ["password", "passwd", "pass", "secret", "token"]
            .iter()
            .any(|end| {
                name == *end
                    || name.ends_with(&format!("_{end}"))
                    || name.ends_with(&format!(".{end}"))
            });
        is_secret.then(|| key.clone())
    })
}

#[cfg(test)]
mod tests;

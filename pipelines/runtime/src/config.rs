//! A job file: what to read, which rules, where to write. Defaults stand in `default.toml`.

use std::path::{Path, PathBuf};

use model::Topic;
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod security;

pub use security::{KafkaTlsConfig, RedisSentinelConfig, RedisTlsConfig, SaslConfig, SaslKind};

/// All defaults, each with unit and reason.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// Why a job file was refused.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum ConfigError {
    #[error("read the job file {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{origin} is not a job file: {problem}")]
    Form { origin: String, problem: String },
    #[error("{origin}: {setting} is {value}: it must be {expected}")]
    Value {
        origin: String,
        setting: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error(
        "{origin}: {setting} is a password in the job file itself, which many may read: keep it in a file that only \
         the job may read and name that by password_file, or in an environment variable named by password_env"
    )]
    InlineSecret { origin: String, setting: String },
    #[error("{origin}: {setting}")]
    RedisUrl {
        origin: String,
        setting: &'static str,
        source: views::RedisUrlError,
    },
}

/// A job. `default.toml` documents each setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Name of the job.
    pub job: String,
    /// Folder of the job.
    pub folder: PathBuf,
    /// Name or path of the ruleset.
    pub ruleset: String,
    /// Number of dataflow workers.
    pub workers: usize,
    /// Address of the metrics, or empty.
    pub metrics: String,
    /// Where records come from.
    pub source: SourceConfig,
    /// How event ids are remembered.
    pub admission: AdmissionConfig,
    /// When an epoch closes.
    pub epoch: EpochConfig,
    /// What may be in flight.
    pub flow: FlowConfig,
    /// Where views go.
    pub views: ViewsConfig,
    /// How tables are committed.
    pub tables: TablesConfig,
    /// How views and tables are compared with the graphs.
    pub scrub: ScrubConfig,
}

/// Kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Kafka topics.
    Kafka,
    /// JSONL files.
    Files,
}

/// Where records come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct SourceConfig {
    pub kind: SourceKind,
    pub brokers: String,
    pub lag_group: String,
    pub paths: Vec<PathBuf>,
    pub readers: usize,
    pub topics: TopicsConfig,
    pub tls: KafkaTlsConfig,
    pub sasl: SaslConfig,
}

/// Names of the topics on the broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct TopicsConfig {
    pub equipment: String,
    pub likes: String,
}

/// How event ids are remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct AdmissionConfig {
    pub dedup_horizon_seconds: u64,
    pub dedup_ids_max: usize,
}

/// When an epoch closes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct EpochConfig {
    pub close_millis: u64,
    pub close_behind_millis: u64,
    pub records_max: u64,
    pub bytes_max: u64,
}

/// When views and derived tables may show an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outputs {
    /// Once it is bound: what it read is read again after a crash.
    AtOnce,
    /// Once the input tables hold what it read.
    AfterInputs,
}

/// What may be in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct FlowConfig {
    pub outputs: Outputs,
    pub epochs_in_flight_max: usize,
    pub bytes_in_flight_max: u64,
}

/// Kind of view store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewsKind {
    /// A Redis server.
    Redis,
    /// SQLite in the job's folder.
    Embedded,
    /// No views.
    None,
}

/// Where views go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct ViewsConfig {
    pub kind: ViewsKind,
    pub url: String,
    pub user: String,
    pub password_file: PathBuf,
    pub password_env: String,
    pub tls: RedisTlsConfig,
    pub sentinel: RedisSentinelConfig,
    pub probe_millis: u64,
    pub changes_waiting_max: usize,
}

/// How tables are committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct TablesConfig {
    pub commit_millis: u64,
    pub rows_max: usize,
    pub now_seconds: u64,
    pub maintain_seconds: u64,
    pub history_seconds: u64,
}

/// How views and tables are compared with the graphs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "default.toml documents the settings")]
pub struct ScrubConfig {
    pub every_seconds: u64,
    pub keys_per_second: u32,
    pub bytes_per_second: u64,
}

impl Default for Job {
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("the shipped defaults are a job")
    }
}

impl Job {
    /// Reads a job file; relative paths in it are relative to its folder.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut job = Self::parse(&text, &path.display().to_string())?;
        let base = path.parent().unwrap_or(Path::new(""));
        if !odds::SHIPPED.contains(&&*job.ruleset) {
            job.ruleset = base.join(&job.ruleset).display().to_string();
        }
        job.folder = base.join(&job.folder);
        for input in &mut job.source.paths {
            *input = base.join(&*input);
        }
        job.resolve_security(base);
        Ok(job)
    }

    /// The topics that it reads.
    #[must_use]
    pub fn topics(&self) -> Vec<Topic> {
        let names = &self.source.topics;
        let topics = [
            (Topic::Equipment, &names.equipment),
            (Topic::Likes, &names.likes),
        ];
        let read = topics.into_iter().filter(|(_, name)| !name.is_empty());
        read.map(|(topic, _)| topic).collect()
    }

    /// Reads the text of a job file; `origin` names it in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        // Without the line that it is about: there may be a password in it.
        let form = |problem: toml::de::Error| ConfigError::Form {
            origin: origin.to_owned(),
            problem: match problem.span() {
                Some(span) => format!("{}: {}", place(text, span.start), problem.message()),
                None => problem.message().to_owned(),
            },
        };
        let own: toml::Table = toml::from_str(text).map_err(form)?;
        if let Some(setting) = security::inline_secret(&own) {
            return Err(ConfigError::InlineSecret {
                origin: origin.to_owned(),
                setting,
            });
        }
        let mut merged: toml::Table =
            toml::from_str(DEFAULTS).expect("the shipped defaults are TOML");
        overlay(&mut merged, own);
        let job: Self = merged.try_into().map_err(form)?;
        job.check(origin)?;
        Ok(job)
    }

    fn check(&self, origin: &str) -> Result<(), ConfigError> {
        let value = |setting, value: String, expected| {
            Err(ConfigError::Value {
                origin: origin.to_owned(),
                setting,
                value,
                expected,
            })
        };
        let name_char = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.job.is_empty() || self.job.len() > 64 || !self.job.chars().all(name_char) {
            return value(
                "job",
                format!("{:?}", self.job),
                "1 to 64 letters, digits, '-' or '_'",
            );
        }
        if !(1..=64).contains(&self.workers) {
            return value("workers", self.workers.to_string(), "1 to 64");
        }
        if !(1..=64).contains(&self.source.readers) {
            return value("source.readers", self.source.readers.to_string(), "1 to 64");
        }
        if !(1..=1000).contains(&self.epoch.close_millis) {
            return value(
                "epoch.close_millis",
                self.epoch.close_millis.to_string(),
                "1 to 1000",
            );
        }
        if !(self.epoch.close_millis..=60_000).contains(&self.epoch.close_behind_millis) {
            return value(
                "epoch.close_behind_millis",
                self.epoch.close_behind_millis.to_string(),
                "epoch.close_millis to 60000",
            );
        }
        if self.epoch.records_max == 0 || self.epoch.bytes_max == 0 {
            return value(
                "epoch.records_max and epoch.bytes_max",
                "0".to_owned(),
                "at least 1",
            );
        }
        if self.flow.epochs_in_flight_max < 2 {
            return value(
                "flow.epochs_in_flight_max",
                self.flow.epochs_in_flight_max.to_string(),
                "at least 2",
            );
        }
        if self.flow.bytes_in_flight_max < self.epoch.bytes_max {
            return value(
                "flow.bytes_in_flight_max",
                self.flow.bytes_in_flight_max.to_string(),
                "at least epoch.bytes_max",
            );
        }
        if self.source.kind == SourceKind::Files && self.source.paths.is_empty() {
            return value(
                "source.paths",
                "empty".to_owned(),
                "at least one file when source.kind is \"files\"",
            );
        }
        if self.scrub.keys_per_second == 0 || self.scrub.bytes_per_second == 0 {
            return value(
                "scrub.keys_per_second and scrub.bytes_per_second",
                "0".to_owned(),
                "at least 1 (scrub.every_seconds = 0 turns the scrub off)",
            );
        }
        if self.source.topics.equipment.is_empty() && self.source.topics.likes.is_empty() {
            return value("source.topics", "empty".to_owned(), "at least one topic");
        }
        self.check_security(origin)
    }
}

/// Where a byte of a text is, for people.
fn place(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("line {line}, column {column}")
}

/// Lays `own` over `defaults`, table by table. Unknown keys stay and are refused by the form.
fn overlay(defaults: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (defaults.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => overlay(below, above),
            (_, value) => {
                defaults.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_file_names_only_what_differs() {
        let job = Job::parse("job = \"likes\"\n[epoch]\nclose_millis = 7", "job.toml").unwrap();
        assert_eq!(
            job,
            Job {
                job: "likes".to_owned(),
                epoch: EpochConfig {
                    close_millis: 7,
                    ..Job::default().epoch
                },
                ..Job::default()
            }
        );
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = Job::parse("[epoch]\nclose_milis = 7", "job.toml")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("close_milis") && error.contains("job.toml"),
            "{error}"
        );
    }

    #[test]
    fn a_value_out_of_range_says_what_it_must_be() {
        let error = Job::parse("workers = 0", "job.toml")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "job.toml: workers is 0: it must be 1 to 64");
    }

    #[test]
    fn a_file_source_needs_files() {
        assert!(Job::parse("[source]\nkind = \"files\"", "job.toml").is_err());
    }
}

//! What a Redis server says of itself: what an operator should know before a job writes to it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::redis::{Connection, RedisError, RedisResult, cmd};

use super::config::RedisConfig;
use super::connector::Connector;
use super::failure;
use crate::error::ViewError;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisFacts {
    /// Address without user and password.
    pub place: String,
    /// `redis_version`, e.g. `7.0.15`; empty if it is not told.
    pub version: String,
    /// `master` or `slave`.
    pub role: String,
    /// Whether it is a node of a cluster.
    pub cluster: bool,
    /// Memory that it may use, in bytes; 0 for without a limit.
    pub memory_bytes_max: u64,
    /// What it does when that is used up, e.g. `noeviction`.
    pub memory_policy: String,
    /// Keys that it has evicted since its start.
    pub evicted_keys: u64,
    /// Whether it appends every change to a file.
    pub appends: bool,
    /// When it saves snapshots, e.g. `3600 1`; empty for never, `None` if it may not be asked.
    pub saves: Option<String>,
    /// Why it runs no scripts; `None` if it does.
    pub script_problem: Option<String>,
    /// How far its clock is ahead of this machine's, in milliseconds.
    pub clock_ahead_millis: i64,
    /// How long it took to ask for the time: the clocks are compared to within half of it.
    pub round_trip: Duration,
}

impl RedisFacts {
    /// Asks the server of `config`, or at an address.
    pub fn ask(config: impl Into<RedisConfig>, timeout: Duration) -> Result<Self, ViewError> {
        let mut connector = Connector::new(&config.into())?;
        let connected = connector.connect(timeout);
        let asked =
            connected.and_then(|mut connection| Self::of(&mut connection, connector.place()));
        asked.map_err(|source: RedisError| {
            let (store, is_encrypted) = (connector.place(), connector.is_encrypted());
            failure::failed(
                "ask for facts",
                store,
                is_encrypted,
                |_| String::new(),
                source,
            )
        })
    }

    fn of(connection: &mut Connection, place: &str) -> RedisResult<Self> {
        let info: String = cmd("INFO").query(connection)?;
        let said = |name: &str| {
            let line = info.lines().find_map(|line| {
                let (known, value) = line.trim_end().split_once(':')?;
                (known == name).then_some(value)
            });
            line.unwrap_or_default().to_owned()
        };
        let number = |name: &str| said(name).parse().unwrap_or(0);
        let saves: RedisResult<Vec<String>> =
            cmd("CONFIG").arg("GET").arg("save").query(connection);
        let script: RedisResult<i64> = cmd("EVAL").arg("return 1").arg(0).query(connection);
        let before = since_1970();
        let (seconds, micros): (u64, u64) = cmd("TIME").query(connection)?;
        let after = since_1970();
        let round_trip = after.saturating_sub(before);
        let theirs = Duration::from_secs(seconds) + Duration::from_micros(micros);
        Ok(Self {
            place: place.to_owned(),
            version: said("redis_version"),
            role: said("role"),
            cluster: said("cluster_enabled") == "1",
            memory_bytes_max: number("maxmemory"),
            memory_policy: said("maxmemory_policy"),
            evicted_keys: number("evicted_keys"),
            appends: said("aof_enabled") == "1",
            saves: saves.ok().and_then(|pair| pair.into_iter().nth(1)),
            script_problem: script.err().map(|error| error.to_string()),
            clock_ahead_millis: millis(theirs) - millis(before + round_trip / 2),
            round_trip,
        })
    }
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

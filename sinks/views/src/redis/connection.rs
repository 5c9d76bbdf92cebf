//! A connection that is made when it is needed, and left after any error.

use std::time::Duration;

use ::redis::{Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult};

use super::script::Script;
use crate::error::ViewError;

/// Server errors that pass: loading, failing over, full, busy.
const PASSING: [&str; 11] = [
    "BUSY",
    "CLUSTERDOWN",
    "EXECABORT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
];

pub(super) struct Connection {
    client: Client,
    place: String,
    timeout: Duration,
    open: Option<::redis::Connection>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, ViewError> {
        // The address without user and password; an address that cannot be read is not repeated.
        let open = |source: RedisError| ViewError::Open {
            store: "at a redis:// address".to_owned(),
            source: source.into(),
        };
        let client = Client::open(url).map_err(open)?;
        let place = client.get_connection_info().addr().to_string();
        Ok(Self {
            client,
            place,
            timeout,
            open: None,
        })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Asks over the connection. After an error it is left: an answer may still be on its way, and
    /// must not be taken for that of the next question.
    pub(super) fn ask<T>(
        &mut self,
        doing: &'static str,
        ask: impl FnOnce(&mut ::redis::Connection) -> RedisResult<T>,
    ) -> Result<T, ViewError> {
        let mut connection = match self.open.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| self.failed(doing, error))?,
        };
        let answer = ask(&mut connection).map_err(|error| self.failed(doing, error))?;
        self.open = Some(connection);
        Ok(answer)
    }

    /// Runs a script's call, and once more where the server did not know the script.
    pub(super) fn run<T: FromRedisValue>(
        &mut self,
        doing: &'static str,
        script: &Script,
        command: Cmd,
    ) -> Result<T, ViewError> {
        self.ask(doing, |connection| match command.query(connection) {
            Err(error) if error.code() == Some("NOSCRIPT") => {
                script.load().exec(connection)?;
                command.query(connection)
            }
            answer => answer,
        })
    }

    fn connect(&self) -> RedisResult<::redis::Connection> {
        let connection = self.client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        connection.set_write_timeout(Some(self.timeout))?;
        Ok(connection)
    }

    fn failed(&self, doing: &'static str, source: RedisError) -> ViewError {
        let store = self.place.clone();
        if source.code() == Some("WRONGTYPE") {
            let key = "read by this call".to_owned();
            return ViewError::WrongType { store, key };
        }
        // A reply that cannot be parsed was cut on its way: no answer either.
        let unanswered = match source.kind() {
            ErrorKind::Io | ErrorKind::Parse => true,
            _ => source.code().is_some_and(|code| PASSING.contains(&code)),
        };
        if unanswered {
            ViewError::Unanswered {
                doing,
                store,
                source: source.into(),
            }
        } else {
            ViewError::Refused {
                doing,
                store,
                source: source.into(),
            }
        }
    }
}

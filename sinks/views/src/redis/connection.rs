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

    /// Asks over the connection; `keys` names the keys of the commands, for messages. After an error
    /// the connection is left: an answer may still be on its way, and must not be taken for that of
    /// the next question.
    pub(super) fn ask<T>(
        &mut self,
        doing: &'static str,
        keys: impl FnOnce(usize) -> String,
        ask: impl FnOnce(&mut ::redis::Connection) -> RedisResult<T>,
    ) -> Result<T, ViewError> {
        let answered = match self.open.take() {
            Some(connection) => Ok(connection),
            None => self.connect(),
        };
        let answered = answered.and_then(|mut connection| Ok((ask(&mut connection)?, connection)));
        match answered {
            Ok((answer, connection)) => {
                self.open = Some(connection);
                Ok(answer)
            }
            Err(error) => Err(self.failed(doing, keys, error)),
        }
    }

    /// Runs a script's call, and once more where the server did not know the script.
    pub(super) fn run<T: FromRedisValue>(
        &mut self,
        doing: &'static str,
        script: &Script,
        command: Cmd,
    ) -> Result<T, ViewError> {
        let keys = |_| "a key of the script".to_owned();
        self.ask(doing, keys, |connection| match command.query(connection) {
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

    /// An answer that the server gave in place of a value.
    pub(super) fn refused(&self, doing: &'static str, source: RedisError) -> ViewError {
        self.failed(doing, |_| "a key that was read".to_owned(), source)
    }

    fn failed(
        &self,
        doing: &'static str,
        keys: impl FnOnce(usize) -> String,
        source: RedisError,
    ) -> ViewError {
        let store = self.place.clone();
        let (place, code) = first_server_error(&source);
        // A reply that cannot be parsed was cut on its way: no answer either.
        let unanswered = match source.kind() {
            ErrorKind::Io | ErrorKind::Parse => true,
            _ => PASSING.contains(&code.as_str()),
        };
        if code == "WRONGTYPE" {
            let key = keys(place);
            return ViewError::WrongType { store, key };
        }
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

/// Which command the server refused first, and its code; no code where it was not the server.
fn first_server_error(error: &RedisError) -> (usize, String) {
    let errors = error.clone().into_server_errors();
    match errors.as_deref().and_then(<[_]>::first) {
        Some((place, error)) => (*place, error.code().to_owned()),
        None => (0, error.code().unwrap_or_default().to_owned()),
    }
}

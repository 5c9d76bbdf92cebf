//! A connection that is made when it is needed, and left after any error.

use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, RedisError, RedisResult};

use super::config::RedisConfig;
use super::connector::Connector;
use super::failure;
use super::script::Script;
use crate::error::ViewError;

pub(super) struct Connection {
    connector: Connector,
    timeout: Duration,
    open: Option<::redis::Connection>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("place", &self.place())
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(config: &RedisConfig, timeout: Duration) -> Result<Self, ViewError> {
        Ok(Self {
            connector: Connector::new(config)?,
            timeout,
            open: None,
        })
    }

    pub(super) fn place(&self) -> &str {
        self.connector.place()
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
            None => self.connector.connect(self.timeout),
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
        let (store, is_encrypted) = (self.place(), self.connector.is_encrypted());
        failure::failed(doing, store, is_encrypted, keys, source)
    }
}

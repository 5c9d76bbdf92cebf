//! How a Redis server is reached: by its address or by sentinels, encrypted or not, and as whom.

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError};
use connection::{Login, Tls};
use thiserror::Error;

/// How a Redis server is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisConfig {
    /// `redis://host:port[/db]`, or `rediss://host:port[/db]` for an encrypted connection. It holds neither
    /// user nor password. Where sentinels are asked it says the number of the database, and whether
    /// connections, theirs too, are encrypted; host and port are what they answer.
    pub url: String,
    /// User and password, if the server asks for them.
    pub login: Option<Login>,
    /// The files of encrypted connections.
    pub tls: Tls,
    /// Who knows which server is the master, if that may change.
    pub sentinel: Option<SentinelConfig>,
}

/// Who knows which server is the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelConfig {
    /// `host:port` of each sentinel: the first that answers counts.
    pub addresses: Vec<String>,
    /// The name under which they watch the master.
    pub master: String,
    /// User and password, if the sentinels ask for them.
    pub login: Option<Login>,
}

/// Why an address of a Redis server is none. No message repeats it: it may hold a password.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum RedisUrlError {
    #[error("the address is none of a Redis server, as redis://host:port or rediss://host:port/db")]
    Form(#[source] RedisError),
    #[error("the address holds a user or a password, which do not belong there")]
    Login,
    #[error("the address asks not to check certificates, which this program always does")]
    Unchecked,
    #[error("the address of a sentinel is none, as host:port")]
    Sentinel,
}

/// The address of a Redis server.
#[derive(Clone, Debug)]
pub struct RedisUrl {
    pub(super) info: ConnectionInfo,
}

impl RedisUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is none, holds a user or a password, or asks not to check certificates.
    pub fn parse(url: &str) -> Result<Self, RedisUrlError> {
        let info = url.into_connection_info().map_err(RedisUrlError::Form)?;
        let settings = info.redis_settings();
        if settings.username().is_some() || settings.password().is_some() {
            return Err(RedisUrlError::Login);
        }
        match info.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => Err(RedisUrlError::Unchecked),
            _ => Ok(Self { info }),
        }
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }
}

/// Host and port of a sentinel.
///
/// # Errors
/// When the text is not `host:port`.
pub fn sentinel_address(text: &str) -> Result<(String, u16), RedisUrlError> {
    let (host, port) = text.rsplit_once(':').ok_or(RedisUrlError::Sentinel)?;
    let port = port.parse().map_err(|_| RedisUrlError::Sentinel)?;
    if host.is_empty() || host.contains(['@', '/']) {
        return Err(RedisUrlError::Sentinel);
    }
    Ok((host.to_owned(), port))
}

impl From<&str> for RedisConfig {
    /// A server at an address, without user and password.
    fn from(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..Self::default()
        }
    }
}

impl From<&String> for RedisConfig {
    fn from(url: &String) -> Self {
        Self::from(url.as_str())
    }
}

impl From<&Self> for RedisConfig {
    fn from(config: &Self) -> Self {
        config.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_user_or_a_password_is_refused_and_not_repeated() {
        for url in [
            "redis://reader:hunter2@localhost:6379",
            "redis://:hunter2@localhost:6379/1",
            "rediss://hunter2@localhost",
            "redis+unix:///run/redis.sock?pass=hunter2",
            "redis://reader:hunter2@localhost:hunter2",
        ] {
            let error = RedisUrl::parse(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn an_address_says_whether_connections_are_encrypted_and_never_that_they_are_not_checked() {
        assert!(
            RedisUrl::parse("rediss://localhost:6379/1")
                .unwrap()
                .is_encrypted()
        );
        assert!(!RedisUrl::parse("redis://localhost").unwrap().is_encrypted());
        let unchecked = RedisUrl::parse("rediss://localhost/#insecure");
        assert!(matches!(unchecked, Err(RedisUrlError::Unchecked)));
    }

    #[test]
    fn a_sentinel_has_a_host_and_a_port() {
        let address = sentinel_address("sentinel.example:26379").unwrap();
        assert_eq!(address, ("sentinel.example".to_owned(), 26_379));
        for wrong in [
            "sentinel.example",
            ":26379",
            "redis://host:1",
            "user@host:1",
            "host:x",
        ] {
            assert!(sentinel_address(wrong).is_err(), "{wrong}");
        }
    }
}

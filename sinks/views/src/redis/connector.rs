//! Makes connections to a server, as long as one may take, and says by name why one is not made.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use ::redis::io::tcp::TcpSettings;
use ::redis::{
    Client, ClientTlsConfig, Connection, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo as _, RedisConnectionInfo, RedisError, RedisResult, TlsCertificates, cmd,
};
use connection::{Login, Tls, TlsError};

use super::config::{RedisConfig, RedisUrl, RedisUrlError, sentinel_address};
use crate::error::ViewError;

/// A connection that was begun is waited for no longer, should the other side never answer.
const LEFT_AFTER: Duration = Duration::from_secs(60);

/// Makes connections to a server.
pub(super) struct Connector {
    target: Arc<Target>,
    place: String,
    /// One that takes longer than it may: a handshake has no end of its own.
    begun: Option<Begun>,
}

/// Whom connections go to.
struct Target {
    info: ConnectionInfo,
    /// The files of encrypted connections, if they are encrypted.
    certificates: Option<TlsCertificates>,
    sentinels: Option<Sentinels>,
}

/// Who knows the master.
struct Sentinels {
    addresses: Vec<(String, u16)>,
    master: String,
    login: Option<Login>,
}

struct Begun {
    at: Instant,
    made: Receiver<RedisResult<Connection>>,
}

impl Connector {
    /// A connector that was told everything it needs; it connects when it is asked.
    pub(super) fn new(config: &RedisConfig) -> Result<Self, ViewError> {
        // An address that cannot be read is not repeated.
        let open = |source: Box<dyn std::error::Error + Send + Sync>| ViewError::Open {
            store: "at a redis:// address".to_owned(),
            source,
        };
        let url = RedisUrl::parse(&config.url).map_err(|error| open(error.into()))?;
        let certificates = match url.is_encrypted() {
            true => Some(certificates(&config.tls).map_err(|error| open(error.into()))?),
            false => None,
        };
        let sentinels = match &config.sentinel {
            None => None,
            Some(sentinel) => {
                let addresses = sentinel.addresses.iter();
                let addresses: Result<Vec<_>, RedisUrlError> =
                    addresses.map(|text| sentinel_address(text)).collect();
                Some(Sentinels {
                    addresses: addresses.map_err(|error| open(error.into()))?,
                    master: sentinel.master.clone(),
                    login: sentinel.login.clone(),
                })
            }
        };
        let place = match &sentinels {
            None => url.info.addr().to_string(),
            Some(sentinels) => format!("{} (by sentinels)", sentinels.master),
        };
        let settings = logged_in(url.info.redis_settings().clone(), config.login.as_ref());
        Ok(Self {
            target: Arc::new(Target {
                info: url.info.set_redis_settings(settings),
                certificates,
                sentinels,
            }),
            place,
            begun: None,
        })
    }

    /// The address without user and password, or the name of the master.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether connections are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.target.certificates.is_some()
    }

    /// Makes a connection within `timeout`, each of whose calls takes no longer either.
    pub(super) fn connect(&mut self, timeout: Duration) -> RedisResult<Connection> {
        if !self.is_encrypted() {
            return self.target.connect(timeout);
        }
        let begun = self.begun.take();
        let begun = match begun.filter(|begun| begun.at.elapsed() < LEFT_AFTER) {
            Some(begun) => begun,
            None => Begun::new(Arc::clone(&self.target), timeout)?,
        };
        match begun.made.recv_timeout(timeout) {
            Ok(made) => made,
            Err(RecvTimeoutError::Timeout) => {
                self.begun = Some(begun);
                Err(io("the server does not answer the TLS handshake"))
            }
            Err(RecvTimeoutError::Disconnected) => Err(io("the thread that connects panicked")),
        }
    }
}

impl Begun {
    fn new(target: Arc<Target>, timeout: Duration) -> RedisResult<Self> {
        let (tell, made) = channel();
        thread::Builder::new()
            .name("redis-connect".to_owned())
            .spawn(move || {
                // Whoever asked may have left.
                let _ = tell.send(target.connect(timeout));
            })?;
        Ok(Self {
            at: Instant::now(),
            made,
        })
    }
}

impl Target {
    fn connect(&self, timeout: Duration) -> RedisResult<Connection> {
        let Some(sentinels) = &self.sentinels else {
            return self.connect_to(self.info.clone(), timeout);
        };
        let (host, port) = self.master(sentinels, timeout)?;
        let info = self.info.clone().set_addr(self.address(host, port));
        let mut connection = self.connect_to(info, timeout)?;
        // Sentinels may be behind: what was demoted takes no writes.
        let role: Vec<::redis::Value> = cmd("ROLE").query(&mut connection)?;
        match role.first() {
            Some(::redis::Value::BulkString(role)) if role == b"master" => Ok(connection),
            _ => Err(io("the server that the sentinels name is not a master yet")),
        }
    }

    /// Asks the sentinels, the first that answers.
    fn master(&self, sentinels: &Sentinels, timeout: Duration) -> RedisResult<(String, u16)> {
        let mut failure = io("there is no sentinel to ask");
        for (host, port) in &sentinels.addresses {
            let asked = self.ask_sentinel(sentinels, host, *port, timeout);
            match asked {
                Ok(Some(master)) => return Ok(master),
                Ok(None) => {
                    let text = format!(
                        "sentinel {host}:{port} knows no master {}",
                        sentinels.master
                    );
                    failure = RedisError::from((ErrorKind::Io, "find the master", text));
                }
                Err(error) => {
                    let text = format!("sentinel {host}:{port}: {error}");
                    failure = RedisError::from((ErrorKind::Io, "find the master", text));
                }
            }
        }
        Err(failure)
    }

    fn ask_sentinel(
        &self,
        sentinels: &Sentinels,
        host: &str,
        port: u16,
        timeout: Duration,
    ) -> RedisResult<Option<(String, u16)>> {
        let settings = logged_in(RedisConnectionInfo::default(), sentinels.login.as_ref());
        let info = self.address(host.to_owned(), port).into_connection_info()?;
        let mut connection = self.connect_to(info.set_redis_settings(settings), timeout)?;
        cmd("SENTINEL")
            .arg("get-master-addr-by-name")
            .arg(&sentinels.master)
            .query(&mut connection)
    }

    fn address(&self, host: String, port: u16) -> ConnectionAddr {
        match self.certificates {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
        }
    }

    fn connect_to(&self, info: ConnectionInfo, timeout: Duration) -> RedisResult<Connection> {
        // An encrypted command is several writes: the last one must not wait until the first is acknowledged.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = match &self.certificates {
            None => Client::open(info)?,
            Some(certificates) => Client::build_with_tls(info, certificates.clone())?,
        };
        let connection = client.get_connection_with_timeout(timeout)?;
        connection.set_read_timeout(Some(timeout))?;
        connection.set_write_timeout(Some(timeout))?;
        Ok(connection)
    }
}

/// The files, read now: what is wrong with them is said before anything connects.
fn certificates(tls: &Tls) -> Result<TlsCertificates, TlsError> {
    tls.connector()?;
    let identity = tls.identity()?;
    Ok(TlsCertificates {
        client_tls: identity.map(|pem| ClientTlsConfig {
            client_cert: pem.certificate,
            client_key: pem.key,
        }),
        root_cert: tls.ca()?,
    })
}

fn logged_in(settings: RedisConnectionInfo, login: Option<&Login>) -> RedisConnectionInfo {
    match login {
        None => settings,
        Some(Login { user, password }) if user.is_empty() => {
            settings.set_password(password.expose())
        }
        Some(Login { user, password }) => {
            settings.set_username(user).set_password(password.expose())
        }
    }
}

fn io(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, what))
}

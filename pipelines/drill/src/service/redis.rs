//! A Redis server, alone or with a replica and a Sentinel that watches both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Daemon, Proxy, free_port, listens};

/// A server, and a proxy in front of it.
#[derive(Debug)]
pub(crate) struct Redis {
    folder: PathBuf,
    name: String,
    port: u16,
    proxy: Proxy,
    daemon: Option<Daemon>,
    more: Vec<String>,
}

impl Redis {
    /// Starts a server that keeps nothing on disk.
    ///
    /// - `name`: of its log in `folder`.
    /// - `more`: further arguments.
    pub(crate) fn start(folder: &Path, name: &str, more: &[&str]) -> Result<Self> {
        let port = free_port()?;
        fs::create_dir_all(folder)?;
        let mut redis = Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            port,
            proxy: Proxy::start(port)?,
            daemon: None,
            more: more.iter().map(|&text| text.to_owned()).collect(),
        };
        redis.restart()?;
        Ok(redis)
    }

    /// Starts the server that was killed, on the same port, empty.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(&self.folder)
            .args(&self.more);
        let mut daemon = Daemon::start(&self.name, &self.folder, &command)?;
        let port = self.port;
        daemon.until(
            "it answers (is Debian's package redis-server there?)",
            || Ok(listens(port)),
        )?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Kills the server: what it held is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("kill a Redis that runs")?;
        daemon.kill()
    }

    /// The port of the server itself.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where the drill itself reaches the server.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What lies between a job and the server.
    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Lets a replica that was made the master be one after a restart too.
    pub(crate) fn stays_master(&mut self) {
        self.more.clear();
    }

    /// Changes proxies with another server; where they lead stays as it is.
    pub(crate) fn swap_proxy(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.proxy, &mut other.proxy);
    }

    /// A connection of the drill's own.
    pub(crate) fn connect(&self) -> Result<redis::Connection> {
        let client = redis::Client::open(self.url())?;
        client
            .get_connection()
            .with_context(|| format!("reach {}", self.url()))
    }
}

/// A Sentinel that makes a replica the master when the master is gone for half a second.
#[derive(Debug)]
pub(crate) struct Sentinel {
    port: u16,
    _daemon: Daemon,
}

impl Sentinel {
    /// The name under which it knows its master.
    pub(crate) const MASTER: &str = "views";

    /// Watches the master on a port.
    pub(crate) fn start(folder: &Path, master: u16) -> Result<Self> {
        let port = free_port()?;
        let (file, name) = (folder.join("sentinel.conf"), Self::MASTER);
        fs::write(
            &file,
            format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {name} 127.0.0.1 {master} 1\n\
                 sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 3000\n",
                folder.display()
            ),
        )?;
        let mut command = Command::new("redis-server");
        command.arg(&file).arg("--sentinel");
        let mut daemon = Daemon::start("sentinel", folder, &command)?;
        daemon.until("it answers", || Ok(listens(port)))?;
        Ok(Self {
            port,
            _daemon: daemon,
        })
    }

    /// Whether it has found a replica that it can make the master.
    pub(crate) fn knows_a_replica(&self) -> Result<bool> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_connection().context("reach the Sentinel")?;
        let replicas: Vec<redis::Value> = redis::cmd("SENTINEL")
            .arg("replicas")
            .arg(Self::MASTER)
            .query(&mut connection)
            .context("ask the Sentinel for replicas")?;
        Ok(!replicas.is_empty())
    }

    /// The port of the master as the Sentinel sees it now.
    pub(crate) fn master(&self) -> Result<u16> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_connection().context("reach the Sentinel")?;
        let (_, port): (String, u16) = redis::cmd("SENTINEL")
            .arg("get-master-addr-by-name")
            .arg(Self::MASTER)
            .query(&mut connection)
            .context("ask the Sentinel for its master")?;
        Ok(port)
    }
}

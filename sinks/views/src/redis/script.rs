//! A Lua script: sent by its hash, and whole where the server does not know it.

use ::redis::{Cmd, ToRedisArgs};

/// A script and its SHA-1.
#[derive(Clone, Debug)]
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(code: &'static str) -> Self {
        Self {
            code,
            hash: sha1_smol::Sha1::from(code).digest().to_string(),
        }
    }

    /// A call by the hash.
    pub(super) fn call<K, A>(&self, keys: K, args: impl IntoIterator<Item = A>) -> Cmd
    where
        K: Iterator<Item = String>,
        A: ToRedisArgs,
    {
        let keys: Vec<String> = keys.collect();
        let mut command = ::redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(keys.len());
        for key in &keys {
            command.arg(key);
        }
        for arg in args {
            command.arg(arg);
        }
        command
    }

    /// A command that makes the server know the script.
    pub(super) fn load(&self) -> Cmd {
        let mut command = ::redis::cmd("SCRIPT");
        command.arg("LOAD").arg(self.code);
        command
    }
}

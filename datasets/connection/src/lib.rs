//! What connections to services need: secrets, TLS files, and names for what is wrong with them.
//!
//! Sources and sinks share it, so that both read passwords and certificates in one way and say the same of
//! them. A job file names files and environment variables; what is in them is read when a client is made.

mod problem;
mod secret;
mod tls;

pub use problem::{TlsProblem, probe};
pub use secret::{Login, Secret, SecretError, SecretPlace};
pub use tls::{Identity, IdentityPem, Tls, TlsError};

//! What an error of the client means for whoever asked.

use ::redis::{ErrorKind, RedisError};
use connection::TlsProblem;

use crate::error::{Denial, ViewError};

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

/// Why `doing` failed in `store`; `keys` names the keys of its commands.
pub(super) fn failed(
    doing: &'static str,
    store: &str,
    is_encrypted: bool,
    keys: impl FnOnce(usize) -> String,
    source: RedisError,
) -> ViewError {
    let store = store.to_owned();
    let (place, code) = first_server_error(&source);
    if code == "WRONGTYPE" {
        let key = keys(place);
        return ViewError::WrongType { store, key };
    }
    if let Some(denial) = denial(&source, &code) {
        return ViewError::Denied {
            doing,
            store,
            denial,
            source: source.into(),
        };
    }
    if is_encrypted && let Some(problem) = TlsProblem::of(&source.to_string()) {
        return ViewError::Tls {
            doing,
            store,
            problem,
            source: source.into(),
        };
    }
    // A reply that cannot be parsed was cut on its way: no answer either.
    let unanswered = match source.kind() {
        ErrorKind::Io | ErrorKind::Parse => true,
        _ => PASSING.contains(&code.as_str()),
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

/// Whether the server refuses this client, and for what.
fn denial(error: &RedisError, code: &str) -> Option<Denial> {
    match code {
        "WRONGPASS" | "NOAUTH" => Some(Denial::Login),
        "NOPERM" => Some(Denial::Right),
        _ if error.kind() == ErrorKind::AuthenticationFailed => Some(Denial::Login),
        // Of a command inside of a script there is no code.
        _ if error
            .to_string()
            .contains("user executing the script can't") =>
        {
            Some(Denial::Right)
        }
        _ => None,
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

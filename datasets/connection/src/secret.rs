//! Passwords: where they are read, and that they are never shown.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// What is shown in place of a secret.
const REDACTED: &str = "(secret)";

/// A password. Neither `Debug` nor `Display` shows it.
///
/// ```
/// let password = connection::Secret::new("hunter2");
/// assert_eq!(format!("{password} {password:?}"), "(secret) (secret)");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the client that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Who a client says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user; empty for the service's default user, where it has one.
    pub user: String,
    /// The user's password.
    pub password: Secret,
}

/// Where a password is, under the name of the setting that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In a file: all of it but a line feed at its end.
    File {
        /// The setting, e.g. `views.password_file`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// In a variable of the environment.
    Env {
        /// The setting, e.g. `views.password_env`.
        setting: &'static str,
        /// The variable.
        name: String,
    },
}

/// Why a password could not be read. No message repeats any part of it.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum SecretError {
    #[error("read the password in {path} ({setting})")]
    Read {
        setting: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("use the password in {path} ({setting}): the file is empty")]
    EmptyFile {
        setting: &'static str,
        path: PathBuf,
    },
    #[error("read the password in the environment variable {name} ({setting}): it is not set")]
    NotSet { setting: &'static str, name: String },
    #[error("use the password of {setting}: it is not UTF-8 without control characters")]
    NotText { setting: &'static str },
}

impl SecretPlace {
    /// Reads the password.
    ///
    /// # Errors
    /// When it is not there, empty, or holds control characters, such as a second line.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let text = match self {
            Self::File { setting, path } => {
                let bytes = fs::read(path).map_err(|source| SecretError::Read {
                    setting,
                    path: path.clone(),
                    source,
                })?;
                let text =
                    String::from_utf8(bytes).map_err(|_| SecretError::NotText { setting })?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                if text.is_empty() {
                    return Err(SecretError::EmptyFile {
                        setting,
                        path: path.clone(),
                    });
                }
                text.to_owned()
            }
            Self::Env { setting, name } => match env::var(name) {
                Ok(text) if !text.is_empty() => text,
                Ok(_) | Err(env::VarError::NotPresent) => {
                    return Err(SecretError::NotSet {
                        setting,
                        name: name.clone(),
                    });
                }
                Err(env::VarError::NotUnicode(_)) => return Err(SecretError::NotText { setting }),
            },
        };
        if text.chars().any(char::is_control) {
            let (Self::File { setting, .. } | Self::Env { setting, .. }) = self;
            return Err(SecretError::NotText { setting });
        }
        Ok(Secret(text))
    }

    /// What is odd about the place, as what it is and what to do.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::File { setting, path } => readable_by_all(path, setting),
            Self::Env { .. } => None,
        }
    }
}

/// A warning about a file that all users of the machine may read.
pub(crate) fn readable_by_all(path: &Path, setting: &str) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o004 != 0).then(|| {
        format!(
            "{} ({setting}) may be read by every user of this machine: chmod 600 it",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, SecretPlace) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, content).unwrap();
        let setting = "views.password_file";
        (folder, SecretPlace::File { setting, path })
    }

    #[test]
    fn a_password_is_all_of_its_file_but_the_line_feed_at_the_end() {
        for (content, password) in [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n", "hunter2"),
            (" with spaces ", " with spaces "),
        ] {
            let (_folder, place) = file(content.as_bytes());
            assert_eq!(place.read().unwrap().expose(), password);
        }
    }

    #[test]
    fn what_is_no_password_is_refused_and_not_repeated() {
        for content in [&b"hunter2\nhunter3"[..], b"hunter2\0", b"hunter2\xff"] {
            let (_folder, place) = file(content);
            let error = place.read().unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                text.contains("views.password_file") && !text.contains("hunter"),
                "{text}"
            );
        }
        let (_folder, place) = file(b"\n");
        assert!(place.read().unwrap_err().to_string().contains("empty"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let place = SecretPlace::Env {
            setting: "views.password_env",
            name: "MESOFLOW_NO_SUCH_VARIABLE".to_owned(),
        };
        let error = place.read().unwrap_err().to_string();
        assert!(error.contains("MESOFLOW_NO_SUCH_VARIABLE"), "{error}");
        assert!(error.contains("views.password_env"), "{error}");
    }

    #[test]
    fn a_file_that_all_may_read_is_warned_of() {
        let (_folder, place) = file(b"hunter2");
        let SecretPlace::File { path, .. } = &place else {
            unreachable!("it was made as a file");
        };
        let allow = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        allow(0o644);
        assert!(place.warning().unwrap().contains("chmod 600"));
        allow(0o640);
        assert_eq!(place.warning(), None);
    }
}

//! TLS files: whom a client trusts, and who it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use native_tls::{Certificate, TlsConnector};
use thiserror::Error;

use crate::secret::readable_by_all;

/// The files of an encrypted connection. Certificate and host name of the other side are always checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where the settings stand, e.g. `views.tls`: it begins their names in messages.
    pub section: &'static str,
    /// Certificates (PEM) of those who vouch for the other side, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Who this client is, where the other side asks for a certificate.
    pub identity: Option<Identity>,
}

/// A client's certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate and those between it and its CA (PEM).
    pub certificate_file: PathBuf,
    /// The key (PEM, PKCS #8, not encrypted).
    pub key_file: PathBuf,
}

/// What stands in the files of an identity. It is not shown.
pub struct IdentityPem {
    /// The certificate and those between it and its CA.
    pub certificate: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

/// Why the files of an encrypted connection could not be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum TlsError {
    #[error("read {path} ({setting})")]
    Read {
        setting: String,
        path: PathBuf,
        source: io::Error,
    },
    #[error("use {path} ({setting}): it holds no certificate in PEM form")]
    NoCertificate { setting: String, path: PathBuf },
    #[error("use {path} ({setting})")]
    Form {
        setting: String,
        path: PathBuf,
        source: native_tls::Error,
    },
    #[error(
        "use the client certificate {certificate} with the key {key} ({section}): both must be PEM, the key PKCS #8 \
         without a password, and they must belong together"
    )]
    Identity {
        section: &'static str,
        certificate: PathBuf,
        key: PathBuf,
        source: native_tls::Error,
    },
    #[error("begin TLS ({section})")]
    Begin {
        section: &'static str,
        source: native_tls::Error,
    },
}

impl Tls {
    /// The name of a setting.
    fn setting(&self, name: &str) -> String {
        format!("{}.{name}", self.section)
    }

    fn read(&self, name: &str, path: &Path) -> Result<Vec<u8>, TlsError> {
        fs::read(path).map_err(|source| TlsError::Read {
            setting: self.setting(name),
            path: path.to_owned(),
            source,
        })
    }

    /// The certificates of those who vouch, as they stand in their file; `None`: the system's count.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn ca(&self) -> Result<Option<Vec<u8>>, TlsError> {
        let file = self.ca_file.as_deref();
        file.map(|path| self.read("ca_file", path)).transpose()
    }

    /// The client's certificate and key, as they stand in their files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn identity(&self) -> Result<Option<IdentityPem>, TlsError> {
        let Some(identity) = &self.identity else {
            return Ok(None);
        };
        let certificate = self.read("certificate_file", &identity.certificate_file)?;
        let key = self.read("key_file", &identity.key_file)?;
        Ok(Some(IdentityPem { certificate, key }))
    }

    /// What begins connections; the files are there and in order if it could be made.
    ///
    /// # Errors
    /// When a file cannot be read, is not PEM, or certificate and key do not belong together.
    pub fn connector(&self) -> Result<TlsConnector, TlsError> {
        let mut builder = TlsConnector::builder();
        if let (Some(path), Some(pem)) = (&self.ca_file, self.ca()?) {
            builder.disable_built_in_roots(true);
            let mut found = false;
            for block in certificates(&pem) {
                let certificate =
                    Certificate::from_pem(block).map_err(|source| TlsError::Form {
                        setting: self.setting("ca_file"),
                        path: path.clone(),
                        source,
                    })?;
                builder.add_root_certificate(certificate);
                found = true;
            }
            if !found {
                return Err(TlsError::NoCertificate {
                    setting: self.setting("ca_file"),
                    path: path.clone(),
                });
            }
        }
        let begin = |source| TlsError::Begin {
            section: self.section,
            source,
        };
        let (Some(files), Some(pem)) = (&self.identity, self.identity()?) else {
            return builder.build().map_err(begin);
        };
        let refused = |source| TlsError::Identity {
            section: self.section,
            certificate: files.certificate_file.clone(),
            key: files.key_file.clone(),
            source,
        };
        let identity =
            native_tls::Identity::from_pkcs8(&pem.certificate, &pem.key).map_err(refused)?;
        builder.identity(identity).build().map_err(refused)
    }

    /// What is odd about the files, each as what it is and what to do.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let key = self.identity.as_ref().map(|identity| &identity.key_file);
        key.and_then(|path| readable_by_all(path, &self.setting("key_file")))
            .into_iter()
            .collect()
    }
}

/// The certificates of a PEM file, one block each.
fn certificates(pem: &[u8]) -> impl Iterator<Item = &[u8]> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = std::str::from_utf8(pem).unwrap_or_default();
    let blocks = text.split_inclusive(END);
    blocks.filter_map(|block| Some(&block.as_bytes()[block.find(BEGIN)?..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(ca: &[u8]) -> (tempfile::TempDir, Tls) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        fs::write(&path, ca).unwrap();
        let tls = Tls {
            section: "views.tls",
            ca_file: Some(path),
            identity: None,
        };
        (folder, tls)
    }

    #[test]
    fn a_file_that_is_missing_or_holds_no_certificate_is_named_with_its_setting() {
        let (folder, missing) = tls(b"");
        fs::remove_file(folder.path().join("ca.pem")).unwrap();
        let error = missing.connector().unwrap_err().to_string();
        assert!(
            error.starts_with("read ") && error.ends_with("ca.pem (views.tls.ca_file)"),
            "{error}"
        );

        let (_folder, empty) = tls(b"nothing");
        let error = empty.connector().unwrap_err().to_string();
        assert!(error.contains("no certificate in PEM form"), "{error}");

        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let (_folder, broken) = tls(broken);
        assert!(matches!(broken.connector(), Err(TlsError::Form { .. })));
    }

    #[test]
    fn without_files_the_system_is_trusted() {
        assert!(Tls::default().connector().is_ok());
    }

    #[test]
    fn every_certificate_of_a_file_counts() {
        let one = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----";
        let two = format!("a comment\n{one}\nand another\n{one}\n");
        let found: Vec<&[u8]> = certificates(two.as_bytes()).collect();
        assert_eq!(found, [one.as_bytes(), one.as_bytes()]);
    }
}

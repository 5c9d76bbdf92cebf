//! What is wrong with an encrypted connection, told by name from what the TLS library says.

use std::fmt;
use std::io::{self, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use native_tls::{HandshakeError, TlsStream};

use crate::tls::{Tls, TlsError};

/// How long an alert after the handshake is waited for.
const ALERT_TIMEOUT: Duration = Duration::from_millis(300);

/// Why an encrypted connection is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsProblem {
    /// The certificate is of no authority that is trusted.
    Authority,
    /// The certificate is for other host names.
    HostName,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not come.
    NotYetValid,
    /// The other side asks for a client certificate, or does not accept the one that it got.
    ClientCertificate,
    /// The other side does not speak TLS.
    NotTls,
}

impl TlsProblem {
    /// All of them.
    const ALL: [Self; 6] = [
        Self::Authority,
        Self::HostName,
        Self::Expired,
        Self::NotYetValid,
        Self::ClientCertificate,
        Self::NotTls,
    ];

    /// Finds the problem in the words of OpenSSL, or in its own; `None` if they are of something else.
    #[must_use]
    pub fn of(said: &str) -> Option<Self> {
        let said = said.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|words| said.contains(words));
        let own = Self::ALL.into_iter();
        if let Some(problem) = own
            .into_iter()
            .find(|of| said.contains(&of.to_string().to_lowercase()))
        {
            return Some(problem);
        }
        if names(&["hostname mismatch", "ip address mismatch"]) {
            Some(Self::HostName)
        } else if names(&["certificate has expired"]) {
            Some(Self::Expired)
        } else if names(&["certificate is not yet valid"]) {
            Some(Self::NotYetValid)
        } else if names(&[
            "self-signed certificate",
            "self signed certificate",
            "unable to get local issuer certificate",
            "unable to get issuer certificate",
            "unable to verify the first certificate",
            "certificate signature failure",
        ]) {
            Some(Self::Authority)
        } else if names(&[
            "alert certificate required",
            "alert bad certificate",
            "alert unknown ca",
            "alert certificate unknown",
            "alert certificate expired",
            "alert handshake failure",
        ]) {
            Some(Self::ClientCertificate)
        } else if names(&[
            "wrong version number",
            "packet length too long",
            "http request",
        ]) {
            Some(Self::NotTls)
        } else {
            None
        }
    }

    /// What to do about it, where the settings stand under `section`.
    #[must_use]
    pub fn advice(self, section: &str) -> String {
        match self {
            Self::Authority => format!(
                "name the CA that signed the server's certificate with {section}.ca_file"
            ),
            Self::HostName => "reach the server by a name that stands in its certificate, or give it a certificate \
                 for this one"
                .to_owned(),
            Self::Expired => "renew the server's certificate".to_owned(),
            Self::NotYetValid => "set the clock of this machine or of who made the certificate".to_owned(),
            Self::ClientCertificate => format!(
                "name a client certificate that the server accepts with {section}.certificate_file and \
                 {section}.key_file"
            ),
            Self::NotTls => "name the server's port for TLS, or do without TLS".to_owned(),
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authority => {
                "the server's certificate is not signed by a CA that is trusted here"
            }
            Self::HostName => "the server's certificate is for another host name",
            Self::Expired => "the server's certificate has expired",
            Self::NotYetValid => "the server's certificate is not valid yet",
            Self::ClientCertificate => {
                "the server does not accept the client certificate, or asks for one"
            }
            Self::NotTls => "the server does not speak TLS on this port",
        })
    }
}

/// Makes an encrypted connection to `host` and leaves it, to learn what is wrong where a client does not say.
/// `Ok(None)`: nothing is, as far as this goes.
///
/// - `timeout`: bounds each step: to connect, and each answer.
///
/// # Errors
/// When the files cannot be used. A host that is not reached is no error: its problem is not one of TLS.
pub fn probe(
    host: &str,
    port: u16,
    tls: &Tls,
    timeout: Duration,
) -> Result<Option<TlsProblem>, TlsError> {
    let connector = tls.connector()?;
    let Ok(stream) = connect(host, port, timeout) else {
        return Ok(None);
    };
    Ok(match connector.connect(host, stream) {
        // A client that lacks a certificate learns it after its own part of the handshake.
        Ok(mut stream) => match alert(&mut stream) {
            Ok(()) => None,
            Err(error) => TlsProblem::of(&error.to_string()),
        },
        Err(HandshakeError::WouldBlock(_)) => None,
        Err(HandshakeError::Failure(error)) => TlsProblem::of(&error.to_string()),
    })
}

/// Waits a moment for what the other side says without being asked: that it ends the connection, and why.
fn alert(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    stream.get_ref().set_read_timeout(Some(ALERT_TIMEOUT))?;
    match stream.read(&mut [0]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        read => read.map(drop),
    }
}

fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut failure = io::ErrorKind::NotFound.into();
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn what_openssl_says_has_a_name_and_an_advice() {
        const FAILED: &str = "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed";
        for (said, problem) in [
            (
                "self-signed certificate in certificate chain",
                TlsProblem::Authority,
            ),
            (
                "unable to get local issuer certificate",
                TlsProblem::Authority,
            ),
            ("Hostname mismatch", TlsProblem::HostName),
            ("IP address mismatch", TlsProblem::HostName),
            ("certificate has expired", TlsProblem::Expired),
            ("certificate is not yet valid", TlsProblem::NotYetValid),
        ] {
            assert_eq!(TlsProblem::of(&format!("{FAILED} ({said})")), Some(problem));
        }
        let required =
            "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required";
        assert_eq!(
            TlsProblem::of(required),
            Some(TlsProblem::ClientCertificate)
        );
        assert_eq!(TlsProblem::of("connection refused"), None);
        for problem in TlsProblem::ALL {
            assert_eq!(
                TlsProblem::of(&format!("read: {problem}: error")),
                Some(problem)
            );
        }
        assert!(
            TlsProblem::Authority
                .advice("views.tls")
                .contains("views.tls.ca_file")
        );
    }

    #[test]
    fn a_server_without_tls_is_found_out_and_one_that_is_away_is_none_of_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 64];
            let _ = stream.read(&mut bytes).unwrap();
            stream.write_all(b"-ERR unknown command\r\n").unwrap();
        });
        let timeout = Duration::from_secs(10);
        let found = probe("127.0.0.1", port, &Tls::default(), timeout).unwrap();
        server.join().unwrap();
        assert_eq!(found, Some(TlsProblem::NotTls));
        // Nobody listens on port 1.
        assert_eq!(
            probe("127.0.0.1", 1, &Tls::default(), timeout).unwrap(),
            None
        );
    }
}

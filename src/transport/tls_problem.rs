//! Why TLS failed, and what to do about it.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::first_bytes::FirstBytes;
use crate::units::foreign_words;

/// Why TLS failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsProblem {
    /// The certificate is signed by no trusted CA.
    UnknownIssuer,
    /// The certificate is for other names: these.
    WrongName(Vec<String>),
    /// The certificate is expired or not yet valid.
    OutOfDate,
    /// The peer does not speak TLS.
    NotTls(FirstBytes),
    /// The server requires a client certificate, or another one.
    ClientCertificate(String),
    /// The server supports none of the offered HTTP versions.
    NoProtocol,
    /// The connection ended early.
    Closed,
    /// Anything else, in the words of rustls.
    Other(String),
}

impl TlsProblem {
    /// Converts an error of a TLS stream; `None` if TLS is not the reason.
    pub(super) fn find(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        Some(match error {
            // A CA that was made anew under its old name has a signature that does not match.
            Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => Self::UnknownIssuer,
            // It is self-signed and not among the trusted certificates.
            Error::InvalidCertificate(CertificateError::Other(other))
                if other.to_string().contains("CaUsedAsEndEntity") =>
            {
                Self::UnknownIssuer
            }
            Error::InvalidCertificate(CertificateError::NotValidForName) => {
                Self::WrongName(Vec::new())
            }
            Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            }) => Self::WrongName(presented.iter().take(3).map(|it| name(it)).collect()),
            Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            )
            | Error::FailedToGetCurrentTime => Self::OutOfDate,
            Error::AlertReceived(AlertDescription::NoApplicationProtocol) => Self::NoProtocol,
            Error::AlertReceived(
                alert @ (AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied),
            ) => Self::ClientCertificate(format!("{alert:?}")),
            other => Self::Other(printable(&other.to_string())),
        })
    }

    /// Converts an error of the handshake; `first_bytes` is what the peer sent first.
    pub(super) fn of(error: &io::Error, first_bytes: FirstBytes) -> Self {
        let cause = error.get_ref().and_then(|it| it.downcast_ref::<Error>());
        if matches!(cause, Some(Error::InvalidMessage(_))) && !first_bytes.is_tls() {
            return Self::NotTls(first_bytes);
        }
        Self::find(error).unwrap_or_else(|| match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Other(error.to_string()),
        })
    }
}

/// Returns a name of a certificate, which rustls shows as `DnsName("registry.example")`.
fn name(presented: &str) -> String {
    let inner = presented
        .strip_prefix("DnsName(\"")
        .and_then(|it| it.strip_suffix("\")"));
    printable(inner.unwrap_or(presented))
}

/// Returns a text of the peer, fit to be shown.
fn printable(text: &str) -> String {
    foreign_words(text, 300)
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "nobody who is trusted here has signed the certificate; name its CA \
                 (`ca` in [target.tls], or --ca)",
            ),
            Self::WrongName(names) => {
                f.write_str("the certificate is for another name")?;
                if !names.is_empty() {
                    write!(f, " ({})", names.join(", "))?;
                }
                f.write_str(
                    "; if this is the right server, say what it is called \
                     (`server_name` in [target.tls], or --server-name)",
                )
            }
            Self::OutOfDate => f.write_str(
                "the certificate has expired or is not valid yet; is the clock of this machine right?",
            ),
            Self::NotTls(first_bytes) if first_bytes.is_http() => f.write_str(
                "the server answered in plain HTTP: write its address with http://, or another port",
            ),
            Self::NotTls(first_bytes) => write!(f, "what came is not TLS: {first_bytes}"),
            Self::ClientCertificate(alert) => write!(
                f,
                "the server wants a certificate of its clients, or another one ({alert}); give it one \
                 (`cert` and `key` in [target.tls], or --cert and --key)"
            ),
            Self::NoProtocol => f.write_str(
                "the server does not speak the HTTP version that was offered (`http` in [target], or --http)",
            ),
            Self::Closed => f.write_str("the connection was closed during the handshake"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_do() {
        let http = FirstBytes::of(b"HTTP/1.1 400 Bad Request");
        let problem = |error: Error| {
            let error = io::Error::new(io::ErrorKind::InvalidData, error);
            TlsProblem::of(&error, http).to_string()
        };
        let cases = [
            (
                Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "--ca",
            ),
            (
                Error::InvalidCertificate(CertificateError::NotValidForName),
                "--server-name",
            ),
            (
                Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "http://",
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                "--cert",
            ),
        ];
        for (error, wanted) in cases {
            assert!(problem(error).contains(wanted), "{wanted}");
        }
    }

    #[test]
    fn plain_http_is_named_only_when_it_came() {
        let error = Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        let told = |bytes: &[u8]| TlsProblem::of(&error, FirstBytes::of(bytes)).to_string();
        let other = told(b"SSH-2.0-x\r\n");
        assert!(
            other.contains("SSH-2.0-x") && !other.contains("HTTP"),
            "{other}"
        );
        let broken = told(b"\x16\x03\x03\x00");
        assert!(!broken.contains("not TLS"), "{broken}");
    }

    #[test]
    fn names_of_a_certificate_are_shown_without_what_would_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c"), "a [2Jbc");
        assert_eq!(name("DnsName(\"a\u{1b}b.example\")"), "a b.example");
        assert_eq!(name("IpAddress(127.0.0.1)"), "IpAddress(127.0.0.1)");
    }
}

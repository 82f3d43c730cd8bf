//! The connection of a host and a guest, with or without TLS, and what is said where the two sides do not agree on that.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame;
use super::message::{Challenge, PROTOCOL, Refusal};
use crate::transport::{Duplex, NotSecured, SecureClient, SecureServer, Secured, TlsProblem};

/// How long the first words may take, and TLS before them.
pub(super) const FIRST_WORDS: Duration = Duration::from_secs(5);

/// What a handshake of TLS begins with; a length never does, since first words are short.
///
/// # Spec
/// RFC 8446, 5.1: the type of a record.
const HANDSHAKE: u8 = 22;

/// The most that is read of a guest that speaks TLS to a host that does not.
const MOST_UNREAD: u64 = 64 << 10;

/// A connection on which both sides can speak.
pub(super) struct Line {
    pub(super) stream: Box<dyn Duplex>,
    /// What proofs are bound to: one that was passed on over another connection is worth nothing. Empty without TLS.
    pub(super) binding: Vec<u8>,
    /// The host speaks TLS and the guest does not: it is told so, and nothing else.
    pub(super) lacks_tls: bool,
}

impl Line {
    fn plain(stream: TcpStream, lacks_tls: bool) -> Self {
        Self {
            stream: Box::new(stream),
            binding: Vec::new(),
            lacks_tls,
        }
    }

    /// Opens the connection of a guest, as a host.
    ///
    /// # Errors
    /// When the guest speaks TLS and the host does not, does not trust it, or is silent.
    pub(super) async fn of_guest(
        stream: TcpStream,
        tls: Option<&SecureServer>,
    ) -> Result<Self, Failed> {
        let opened = timeout(FIRST_WORDS, accept(stream, tls)).await;
        opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Opens a connection to the host, as a guest.
    ///
    /// # Errors
    /// When the guest is to speak TLS and the host does not, or is not trusted, or is silent.
    pub(super) async fn to_host(
        stream: TcpStream,
        tls: Option<&SecureClient>,
    ) -> Result<Self, Failed> {
        let Some(tls) = tls else {
            return Ok(Self::plain(stream, false));
        };
        let secured = timeout(FIRST_WORDS, tls.connect(stream)).await;
        let secured = secured.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
        Ok(Self::from(secured?))
    }
}

impl From<Secured> for Line {
    fn from(secured: Secured) -> Self {
        Self {
            stream: secured.stream,
            binding: secured.binding.to_vec(),
            lacks_tls: false,
        }
    }
}

/// Why a connection is none of a guest that is welcome.
#[derive(Debug)]
pub(super) enum Failed {
    Io(io::Error),
    Refused(Refusal),
    /// There is no TLS between them, for that reason.
    Tls(TlsProblem),
    /// The guest speaks TLS, and the host has no certificate.
    Unwanted,
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<NotSecured> for Failed {
    fn from(why: NotSecured) -> Self {
        match why {
            NotSecured::Io(error) => Self::Io(error),
            NotSecured::Tls(problem) => Self::Tls(problem),
        }
    }
}

async fn accept(stream: TcpStream, tls: Option<&SecureServer>) -> Result<Line, Failed> {
    // The guest speaks first.
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    match (tls, first[0] == HANDSHAKE) {
        (None, false) => Ok(Line::plain(stream, false)),
        (Some(_), false) => Ok(Line::plain(stream, true)),
        (Some(tls), true) => Ok(Line::from(tls.accept(stream).await?)),
        (None, true) => {
            decline(stream).await?;
            Err(Failed::Unwanted)
        }
    }
}

/// Says without TLS to a guest that speaks it that there is none.
async fn decline(mut stream: TcpStream) -> io::Result<()> {
    let challenge = Challenge {
        protocol: PROTOCOL,
        nonce: String::new(),
        tls: false,
    };
    frame::write(&mut stream, &challenge).await?;
    stream.shutdown().await?;
    // A connection that is closed with something unread is reset, and the guest would not hear what was said.
    let mut rest = stream.take(MOST_UNREAD);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

/// Says at the guest why there is no TLS, and what to do.
pub(super) fn of_host(problem: &TlsProblem) -> String {
    match problem {
        TlsProblem::UnknownIssuer => {
            "its certificate is signed by no CA that is trusted here; name its CA (--meet-ca)".to_owned()
        }
        TlsProblem::WrongName(names) => {
            let names = match names.as_slice() {
                [] => String::new(),
                names => format!(" ({})", names.join(", ")),
            };
            format!(
                "its certificate is for another name{names}; it has to be for the HOST of --meet"
            )
        }
        TlsProblem::NotTls(_) => {
            "it does not speak TLS; give it a certificate (--meet-cert and --meet-key), or leave out --meet-ca".to_owned()
        }
        other => other.to_string(),
    }
}

/// Says at the host why there is no TLS with a guest.
pub(super) fn of_guest(problem: &TlsProblem) -> String {
    match problem {
        TlsProblem::ClientCertificate(alert) => format!(
            "it does not trust the certificate of this shard ({alert}); its --meet-ca has to name the CA, and --meet the name in the certificate"
        ),
        other => other.to_string(),
    }
}

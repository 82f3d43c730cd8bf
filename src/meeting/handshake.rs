//! The first words of a connection: both sides prove that they know the token, and the host decides whether the guest fits.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::frame::{self, OF_STRANGERS};
use super::message::{Challenge, Claim, Hello, Identity, PROTOCOL, Refusal, Reply};
use super::settings::Token;
use super::token::{Prover, holds, nonce, prove};

/// How long the first words may take.
pub(super) const FIRST_WORDS: Duration = Duration::from_secs(5);

/// A guest that knows the token, before it is known whether it fits.
pub(super) struct Claimed {
    pub(super) identity: Identity,
    nonces: [String; 2],
}

/// Why a connection is none of a guest that is welcome.
#[derive(Debug)]
pub(super) enum Failed {
    Io(io::Error),
    Refused(Refusal),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Hears, as a host, what a guest claims to be. One that does not know the token is told so here.
pub(super) async fn hear(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: &Token,
) -> Result<Claimed, Failed> {
    let heard = timeout(FIRST_WORDS, hear_claim(stream, token)).await;
    let heard = heard.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
    if let Err(Failed::Refused(refusal)) = &heard {
        refuse(stream, refusal.clone()).await;
    }
    heard
}

async fn hear_claim(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: &Token,
) -> Result<Claimed, Failed> {
    let hello: Hello = frame::read(stream, OF_STRANGERS).await?;
    let ours = nonce().map_err(|error| io::Error::other(error.to_string()))?;
    let challenge = Challenge {
        protocol: PROTOCOL,
        nonce: ours.clone(),
    };
    frame::write(stream, &challenge).await?;
    if hello.protocol != PROTOCOL {
        return Err(Failed::Refused(Refusal::Protocol));
    }
    let claim: Claim = frame::read(stream, OF_STRANGERS).await?;
    let nonces = [hello.nonce, ours];
    let both = [nonces[0].as_str(), nonces[1].as_str()];
    let said = claim.identity.as_bytes();
    if !holds(token, Prover::Guest, both, said, &claim.proof) {
        return Err(Failed::Refused(Refusal::Token));
    }
    let identity = serde_json::from_str(&claim.identity);
    let identity = identity.map_err(|_| Failed::Refused(Refusal::Protocol))?;
    Ok(Claimed { identity, nonces })
}

/// Tells a guest, as a host, that it is welcome.
pub(super) async fn welcome(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: &Token,
    claimed: &Claimed,
    run: u64,
) -> io::Result<()> {
    let nonces = [claimed.nonces[0].as_str(), claimed.nonces[1].as_str()];
    let proof = prove(token, Prover::Host, nonces, &run.to_le_bytes());
    let reply = Reply::Welcome { proof, run };
    within(FIRST_WORDS, frame::write(stream, &reply)).await
}

/// Tells a guest, as a host, why it is not taken. What becomes of the words is not the host's concern.
pub(super) async fn refuse(stream: &mut (impl AsyncWrite + Unpin), refusal: Refusal) {
    let _ = within(FIRST_WORDS, frame::write(stream, &Reply::Refused(refusal))).await;
}

/// Says, as a guest, what this shard is, and returns the number of the run.
pub(super) async fn claim(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: &Token,
    identity: &Identity,
) -> Result<u64, Failed> {
    let claimed = timeout(FIRST_WORDS, say_claim(stream, token, identity)).await;
    claimed.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn say_claim(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    token: &Token,
    identity: &Identity,
) -> Result<u64, Failed> {
    let ours = nonce().map_err(|error| io::Error::other(error.to_string()))?;
    let hello = Hello {
        protocol: PROTOCOL,
        nonce: ours.clone(),
    };
    frame::write(stream, &hello).await?;
    let challenge: Challenge = frame::read(stream, OF_STRANGERS).await?;
    if challenge.protocol != PROTOCOL {
        return Err(Failed::Refused(Refusal::Protocol));
    }
    let nonces = [ours.as_str(), challenge.nonce.as_str()];
    let identity = serde_json::to_string(identity).map_err(io::Error::from)?;
    let claim = Claim {
        proof: prove(token, Prover::Guest, nonces, identity.as_bytes()),
        identity,
    };
    frame::write(stream, &claim).await?;
    match frame::read(stream, OF_STRANGERS).await? {
        Reply::Refused(refusal) => Err(Failed::Refused(refusal)),
        Reply::Welcome { proof, run } => {
            // A host that does not know the token either could tell anything.
            if holds(token, Prover::Host, nonces, &run.to_le_bytes(), &proof) {
                Ok(run)
            } else {
                Err(Failed::Refused(Refusal::Token))
            }
        }
    }
}

async fn within<T>(time: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(time, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Returns why a guest does not fit, as far as that does not depend on who is there already.
pub(super) fn misfit(ours: &Identity, theirs: &Identity) -> Option<Refusal> {
    if theirs.version != ours.version {
        return Some(Refusal::Version(ours.version.clone()));
    }
    if theirs.fingerprint != ours.fingerprint {
        return Some(Refusal::Plan(ours.fingerprint.to_string()));
    }
    if theirs.thresholds != ours.thresholds {
        return Some(Refusal::Thresholds);
    }
    let (of_host, of_guest) = (ours.part, theirs.part);
    let fits = of_guest.count == of_host.count && (1..of_host.count).contains(&of_guest.index);
    (!fits).then_some(Refusal::Part(of_host))
}

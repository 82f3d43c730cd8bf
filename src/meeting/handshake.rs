//! The first words of a connection: both sides prove that they know the token, and the host decides whether the guest fits.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::frame::{self, OF_STRANGERS};
use super::line::{FIRST_WORDS, Failed, Line};
use super::message::{Challenge, Claim, Hello, Identity, PROTOCOL, Refusal, Reply};
use super::settings::Token;
use super::token::{Once, Prover, holds, nonce, prove};

/// A guest that knows the token, before it is known whether it fits.
pub(super) struct Claimed {
    pub(super) identity: Identity,
    nonces: [String; 2],
}

/// Hears, as a host, what a guest claims to be. One that does not know the token is told so here.
pub(super) async fn hear(line: &mut Line, token: &Token) -> Result<Claimed, Failed> {
    let heard = timeout(FIRST_WORDS, hear_claim(line, token)).await;
    let heard = heard.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
    if let Err(Failed::Refused(refusal)) = &heard {
        refuse(line, refusal.clone()).await;
    }
    heard
}

async fn hear_claim(line: &mut Line, token: &Token) -> Result<Claimed, Failed> {
    let hello: Hello = frame::read(&mut line.stream, OF_STRANGERS).await?;
    let ours = nonce().map_err(|error| io::Error::other(error.to_string()))?;
    let challenge = Challenge {
        protocol: PROTOCOL,
        nonce: ours.clone(),
        tls: line.lacks_tls,
    };
    frame::write(&mut line.stream, &challenge).await?;
    if line.lacks_tls {
        return Err(Failed::Refused(Refusal::Tls));
    }
    if hello.protocol != PROTOCOL {
        return Err(Failed::Refused(Refusal::Protocol));
    }
    let claim: Claim = frame::read(&mut line.stream, OF_STRANGERS).await?;
    let nonces = [hello.nonce, ours];
    let said = claim.identity.as_bytes();
    if !holds(
        token,
        Prover::Guest,
        once(&nonces, line),
        said,
        &claim.proof,
    ) {
        return Err(Failed::Refused(Refusal::Token));
    }
    let identity = serde_json::from_str(&claim.identity);
    let identity = identity.map_err(|_| Failed::Refused(Refusal::Protocol))?;
    Ok(Claimed { identity, nonces })
}

/// Tells a guest, as a host, that it is welcome.
pub(super) async fn welcome(
    line: &mut Line,
    token: &Token,
    claimed: &Claimed,
    run: u64,
) -> io::Result<()> {
    let once = once(&claimed.nonces, line);
    let proof = prove(token, Prover::Host, once, &run.to_le_bytes());
    let reply = Reply::Welcome { proof, run };
    within(FIRST_WORDS, frame::write(&mut line.stream, &reply)).await
}

/// Tells a guest, as a host, why it is not taken. What becomes of the words is not the host's concern.
pub(super) async fn refuse(line: &mut Line, refusal: Refusal) {
    let _ = within(
        FIRST_WORDS,
        frame::write(&mut line.stream, &Reply::Refused(refusal)),
    )
    .await;
}

/// Says, as a guest, what this shard is, and returns the number of the run.
pub(super) async fn claim(
    line: &mut Line,
    token: &Token,
    identity: &Identity,
) -> Result<u64, Failed> {
    let claimed = timeout(FIRST_WORDS, say_claim(line, token, identity)).await;
    claimed.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn say_claim(line: &mut Line, token: &Token, identity: &Identity) -> Result<u64, Failed> {
    let ours = nonce().map_err(|error| io::Error::other(error.to_string()))?;
    let hello = Hello {
        protocol: PROTOCOL,
        nonce: ours.clone(),
    };
    frame::write(&mut line.stream, &hello).await?;
    let challenge: Challenge = frame::read(&mut line.stream, OF_STRANGERS).await?;
    if challenge.tls {
        return Err(Failed::Refused(Refusal::Tls));
    }
    if challenge.protocol != PROTOCOL {
        return Err(Failed::Refused(Refusal::Protocol));
    }
    let nonces = [ours, challenge.nonce];
    let identity = serde_json::to_string(identity).map_err(io::Error::from)?;
    let claim = Claim {
        proof: prove(
            token,
            Prover::Guest,
            once(&nonces, line),
            identity.as_bytes(),
        ),
        identity,
    };
    frame::write(&mut line.stream, &claim).await?;
    match frame::read(&mut line.stream, OF_STRANGERS).await? {
        Reply::Refused(refusal) => Err(Failed::Refused(refusal)),
        Reply::Welcome { proof, run } => {
            // A host that does not know the token either could tell anything.
            if holds(
                token,
                Prover::Host,
                once(&nonces, line),
                &run.to_le_bytes(),
                &proof,
            ) {
                Ok(run)
            } else {
                Err(Failed::Refused(Refusal::Token))
            }
        }
    }
}

fn once<'a>(nonces: &'a [String; 2], line: &'a Line) -> Once<'a> {
    Once {
        nonces: [nonces[0].as_str(), nonces[1].as_str()],
        binding: &line.binding,
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

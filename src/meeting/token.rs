//! Proving that one knows the token, without saying it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::settings::Token;

/// Bytes of a number that is used once.
const NONCE: usize = 32;

/// Who proves it: a proof of the one is none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prover {
    Host,
    Guest,
}

/// A number that no other connection has, in hexadecimal digits.
pub(super) fn nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0; NONCE];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// What makes a proof worthless on another connection: the numbers of both sides, and what binds it to TLS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Once<'a> {
    /// That of the guest, and that of the host.
    pub(super) nonces: [&'a str; 2],
    /// Empty without TLS.
    pub(super) binding: &'a [u8],
}

/// Returns the proof of one side over what it says, for one connection.
pub(super) fn prove(token: &Token, prover: Prover, once: Once<'_>, said: &[u8]) -> String {
    hex(&mac(token, prover, once, said).finalize().into_bytes())
}

/// Returns `true` if that is the proof, in a time that tells nothing of where it is not.
pub(super) fn holds(
    token: &Token,
    prover: Prover,
    once: Once<'_>,
    said: &[u8],
    proof: &str,
) -> bool {
    let Some(proof) = bytes(proof) else {
        return false;
    };
    mac(token, prover, once, said).verify_slice(&proof).is_ok()
}

fn mac(token: &Token, prover: Prover, once: Once<'_>, said: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.bytes()).expect("a key of any length");
    let who: &[u8] = match prover {
        Prover::Host => b"host",
        Prover::Guest => b"guest",
    };
    let Once { nonces, binding } = once;
    let nonces = nonces.map(str::as_bytes);
    for part in [who, nonces[0], nonces[1], binding, said] {
        // With its length, so that no two lists of parts are one text.
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // to a String
        text
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..hex.len()).step_by(2);
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Secret;

    fn token(text: &str) -> Token {
        Token::new(Secret::new(text)).unwrap()
    }

    #[test]
    fn a_proof_is_of_one_token_one_side_one_connection_and_one_text() {
        let ours = token("0123456789abcdef");
        let once = |nonces, binding| Once { nonces, binding };
        let here = once(["a", "b"], b"tls");
        let proof = prove(&ours, Prover::Guest, here, b"text");
        assert!(holds(&ours, Prover::Guest, here, b"text", &proof));
        let other = token("0123456789abcdeF");
        for (token, prover, once, said) in [
            (&other, Prover::Guest, here, "text"),
            (&ours, Prover::Host, here, "text"),
            (&ours, Prover::Guest, once(["b", "a"], b"tls"), "text"),
            (&ours, Prover::Guest, once(["ab", ""], b"tls"), "text"),
            (&ours, Prover::Guest, once(["a", "b"], b""), "text"),
            (&ours, Prover::Guest, once(["a", "b"], b"tlt"), "text"),
            (&ours, Prover::Guest, once(["a", ""], b"btls"), "text"),
            (&ours, Prover::Guest, here, "texts"),
            (&Token::default(), Prover::Guest, here, "text"),
        ] {
            let said = said.as_bytes();
            assert!(!holds(token, prover, once, said, &proof), "{once:?}");
        }
        for bad in ["", "0", "zz", "é", &proof[2..]] {
            assert!(!holds(&ours, Prover::Guest, here, b"text", bad));
        }
        assert_ne!(nonce().unwrap(), nonce().unwrap());
    }
}

//! The identity of content: a hash algorithm and the exact bytes of its result.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// A content digest, `sha256:<64 hex>` or `sha512:<128 hex>` on the wire.
///
/// The length is part of the type, so a digest that exists is well formed.
///
/// # Spec
/// image-spec, descriptor, "Digests".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-256, the algorithm that every registry must accept.
    Sha256([u8; 32]),
    /// SHA-512, which a registry may accept.
    Sha512([u8; 64]),
}

/// A hash algorithm that the specification registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `sha256`
    Sha256,
    /// `sha512`
    Sha512,
}

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no `algorithm:`.
    #[error("a digest is written `sha256:<64 hex digits>`")]
    NoAlgorithm,
    /// The algorithm is not supported.
    #[error("unknown digest algorithm `{0}`; regstorm knows sha256 and sha512")]
    UnknownAlgorithm(String),
    /// Not the number of lower-case hex digits that the algorithm needs.
    #[error("a {algorithm} digest has {expected} lower-case hex digits")]
    Encoding {
        /// The algorithm.
        algorithm: Algorithm,
        /// The number of digits that it needs.
        expected: usize,
    },
}

impl Algorithm {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The number of hex digits of a digest of this algorithm.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// Makes a hasher without input.
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher(State::Sha256(Sha256::new())),
            Self::Sha512 => Hasher(State::Sha512(Sha512::new())),
        }
    }

    /// Returns the digest of some bytes.
    pub fn digest(self, bytes: &[u8]) -> Digest {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Digest {
    /// Returns the SHA-256 digest of some bytes.
    pub fn sha256(bytes: &[u8]) -> Self {
        Algorithm::Sha256.digest(bytes)
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The raw bytes of the hash, 32 or 64 of them.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// The hash in lower-case hex, without the algorithm.
    pub fn to_hex(&self) -> String {
        let mut text = String::with_capacity(self.algorithm().hex_len());
        for byte in self.as_bytes() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        text
    }

    /// The first twelve hex digits, as digests are often quoted.
    pub fn short(&self) -> String {
        self.to_hex()[..12].to_owned()
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, hex) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        match name {
            "sha256" => decode(hex, Algorithm::Sha256).map(Self::Sha256),
            "sha512" => decode(hex, Algorithm::Sha512).map(Self::Sha512),
            other => Err(DigestError::UnknownAlgorithm(
                other.chars().take(32).collect(),
            )),
        }
    }
}

fn decode<const N: usize>(hex: &str, algorithm: Algorithm) -> Result<[u8; N], DigestError> {
    let wrong = || DigestError::Encoding {
        algorithm,
        expected: 2 * N,
    };
    if hex.len() != 2 * N {
        return Err(wrong());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0]).ok_or_else(wrong)? << 4 | nibble(pair[1]).ok_or_else(wrong)?;
    }
    Ok(bytes)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece: digit by digit through the formatter it would cost as much as a small request.
        f.write_str(self.algorithm().name())?;
        f.write_str(":")?;
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A digest with its algorithm.",
            "type": "string",
            "pattern": "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$",
        })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Computes a digest. `Clone` keeps the state, so that many blobs may share one hashed prefix.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// Returns the digest of all input.
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::Sha256(state.finalize().into()),
            State::Sha512(state) => Digest::Sha512(state.finalize().into()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Sha256(_) => "Hasher(sha256)",
            State::Sha512(_) => "Hasher(sha512)",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // From FIPS 180-2, appendix B.1 and C.1: the digests of "abc".
    const ABC_256: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const ABC_512: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                           2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    #[test]
    fn hashes_as_the_standard_says() {
        assert_eq!(Digest::sha256(b"abc").to_string(), ABC_256);
        assert_eq!(Algorithm::Sha512.digest(b"abc").to_string(), ABC_512);
    }

    #[test]
    fn refuses_what_is_not_a_digest() {
        let upper = ABC_256.to_uppercase().replace("SHA", "sha");
        for text in [
            "",
            "abc",
            "sha256:",
            "sha256:zz",
            "md5:900150983cd24fb0d6963f7d28e17f72",
            &upper,
            &ABC_256[..70],
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn prints_what_it_reads(bytes: [u8; 32], more: [u8; 32]) {
            let short = Digest::Sha256(bytes);
            prop_assert_eq!(short.to_string().parse::<Digest>(), Ok(short));
            let mut long = [0; 64];
            long[..32].copy_from_slice(&bytes);
            long[32..].copy_from_slice(&more);
            let long = Digest::Sha512(long);
            prop_assert_eq!(long.to_string().parse::<Digest>(), Ok(long));
        }

        #[test]
        fn any_text_is_refused_without_panic(text in ".*") {
            let _ = text.parse::<Digest>();
        }
    }
}

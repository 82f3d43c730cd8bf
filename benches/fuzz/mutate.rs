//! Changes bytes as damage, haste and malice change them.

use rand::{Rng, RngExt as _};

/// What parsers trip over: limits of numbers, marks of other formats, halves of characters, empty texts.
const TOKENS: [&[u8]; 44] = [
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"-1",
    b"0",
    b"00",
    b"1e308",
    b"1e-400",
    b"NaN",
    b"65535",
    b"999",
    b"1000",
    b"\"",
    b"\\",
    b"\\\"",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xc3",
    "é".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\r",
    b"\n",
    b"\r\n",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"|",
    b"=",
    b" ",
    b"%",
    b"%2",
    b"%00",
    b"%2F",
    b"/v2/",
    b"://",
    b"..",
    b"1970-01-01T00:00:00Z",
    b"2553-12-31T23:59:59.999999999Z",
    b"\x1b[2J",
];

/// Changes some bytes in some places, and now and then none. What comes of it is at most `most` long.
pub(super) fn mutate(bytes: &mut Vec<u8>, draw: &mut impl Rng, most: usize) {
    let times = [0, 1, 1, 2, 4, 16][draw.random_range(0..6)];
    for _ in 0..times {
        once(bytes, draw);
    }
    bytes.truncate(most);
}

fn once(bytes: &mut Vec<u8>, draw: &mut impl Rng) {
    let at = draw.random_range(0..=bytes.len());
    let length = draw.random_range(0..=(bytes.len() - at).min(64));
    match draw.random_range(0..8) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << draw.random_range(0..8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = draw.random();
            }
        }
        2 => drop(bytes.drain(at..at + length)),
        3 => {
            let copy = bytes[at..at + length].to_vec();
            let to = draw.random_range(0..=bytes.len());
            bytes.splice(to..to, copy);
        }
        4 => {
            let token = TOKENS[draw.random_range(0..TOKENS.len())];
            bytes.splice(at..at, token.iter().copied());
        }
        // A whole number or word becomes another.
        5 | 6 => {
            let is_word = |it: &u8| it.is_ascii_alphanumeric();
            let behind = bytes[at..].iter().take_while(|it| is_word(it)).count();
            let token = TOKENS[draw.random_range(0..TOKENS.len())];
            bytes.splice(at..at + behind, token.iter().copied());
        }
        _ => bytes.truncate(at),
    }
}

//! The first bytes that a peer sent over a connection: evidence of what it speaks.

use std::fmt;

/// The first bytes that a peer sent over a connection, 16 at most: evidence of what it speaks.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FirstBytes {
    bytes: [u8; 16],
    length: u8,
}

const HTTP: &[u8] = b"HTTP/";

impl FirstBytes {
    /// Keeps the beginning of what the first read returned.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut own = Self::default();
        for (place, byte) in own.bytes.iter_mut().zip(bytes) {
            *place = *byte;
            own.length += 1;
        }
        own
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Returns `true` for a record of TLS.
    ///
    /// # Spec
    /// RFC 8446, 5.1: one of four types, then a version whose first byte is 3.
    pub fn is_tls(&self) -> bool {
        matches!(self.bytes(), [20..=23, 3, 0..=4, ..])
    }

    /// Returns `true` for the status line of HTTP/1, as far as it has come.
    pub(super) fn is_http(&self) -> bool {
        let length = HTTP.len().min(self.bytes().len());
        length > 0 && self.bytes()[..length] == HTTP[..length]
    }
}

impl fmt::Display for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no byte came");
        }
        write!(f, "it begins with `{}`", self.bytes().escape_ascii())
    }
}

impl fmt::Debug for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FirstBytes({})", self.bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_of_tls_are_tls_and_only_status_lines_are_http() {
        for (bytes, tls, http) in [
            (&b"\x15\x03\x01\x00\x02\x02\x16"[..], true, false), // alert: unexpected message
            (b"\x15\x03\x03\x00\x02\x02\x46", true, false),      // alert: protocol version
            (b"\x16\x03\x03\x00\x7a\x02", true, false),          // handshake
            (b"\x15\x03", false, false),
            (b"\x16\x04\x00", false, false),
            (b"\0\0\0\0", false, false),
            (b"SSH-2.0-OpenSSH_9.6", false, false),
            (b"HTTP/1.1 200 OK\r\n", false, true),
            (b"HT", false, true),
            (b"", false, false),
        ] {
            let first_bytes = FirstBytes::of(bytes);
            assert_eq!(
                (first_bytes.is_tls(), first_bytes.is_http()),
                (tls, http),
                "{bytes:?}"
            );
        }
        let shown = FirstBytes::of(b"\x1b[31mSSH-2.0-OpenSSH_9.6").to_string();
        assert_eq!(shown, r"it begins with `\x1b[31mSSH-2.0-Ope`");
    }
}

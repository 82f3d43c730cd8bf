//! Response heads that hyper refuses and the clients of registries accept: they are read again, as Go's client reads
//! them.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::Method;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use super::connection::{Connection, First, SendResult, TimedOut};

/// The most header fields, as in curl. hyper's default is 100.
pub(super) const MAX_FIELDS: usize = 5_000;

/// The longest head, in bytes: three times curl's limit.
pub(super) const MAX_HEAD: usize = 1 << 20;

/// The most heads of one response that are read again: informational ones come first.
const MAX_HEADS: usize = 8;

/// Reads the response to a request of that method again, starting with the head that hyper could not read, if Go's
/// client can read it. `None` if that cannot either.
///
/// # Cancel safety
/// The connection cannot be used any more.
pub(super) async fn read_again(
    connection: &mut Connection,
    method: &Method,
    deadline: Instant,
) -> Option<Result<SendResult, TimedOut>> {
    let mut best = None;
    for _ in 0..MAX_HEADS {
        let (mut wire, read) = connection.take_back()?;
        let mut bytes = BytesMut::from(read);
        let mut looked = 0;
        let end = loop {
            if !is_http(&bytes) || bytes.len() > MAX_HEAD {
                return best;
            }
            if let Some(end) = end_of_head(&bytes, looked) {
                break end;
            }
            looked = bytes.len().saturating_sub(2);
            let more = pin!(wire.read_buf(&mut bytes));
            match connection.driver().run(First::Work, more, deadline).await {
                Err(timed_out) => return Some(Err(timed_out)),
                Ok(Ok(1..)) => {}
                Ok(Ok(0) | Err(_)) => return best,
            }
        };
        let rest = bytes.split_off(end);
        let Some(mut head) = as_go_reads_it(&bytes) else {
            return best;
        };
        head.extend_from_slice(&rest);
        wire.hand_over_again(Bytes::from(head));
        let again = connection.read_again(wire, method, (MAX_FIELDS, 2 * MAX_HEAD), deadline);
        match again.await {
            Some(Ok(Err(error))) if error.error().is_parse() => best = Some(Ok(Err(error))),
            other => return other,
        }
    }
    best
}

/// Returns `true` if the bytes so far begin as HTTP does.
fn is_http(bytes: &[u8]) -> bool {
    let length = bytes.len().min(7);
    bytes[..length] == b"HTTP/1."[..length]
}

/// Finds the end of a head, after its empty line; skips what is before `looked`.
fn end_of_head(bytes: &[u8], looked: usize) -> Option<usize> {
    let ends = bytes[looked..].iter().enumerate();
    let mut ends = ends.filter(|(_, byte)| **byte == b'\n');
    ends.find_map(|(place, _)| {
        let end = looked + place + 1;
        match bytes[end..] {
            [b'\n', ..] => Some(end + 1),
            [b'\r', b'\n', ..] => Some(end + 2),
            _ => None,
        }
    })
}

/// Rewrites a head for strict readers, with all that Go's client uses of it; `None` if that client fails, too.
///
/// A line that begins with a blank continues the field before it. Fields whose names have a blank are never found by
/// name, and are left out. Older versions of that client, and curl, skip any other invalid name and control
/// characters in values; newer ones refuse them.
///
/// # Spec
/// RFC 9112, 5.1 and 5.2. `ReadMIMEHeader` of Go's `net/textproto`, `ReadResponse` of its `net/http`.
fn as_go_reads_it(head: &[u8]) -> Option<Vec<u8>> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let mut mended = status_line(lines.next()?)?;
    let mut fields: Vec<Vec<u8>> = Vec::new();
    for line in lines.take_while(|line| !line.is_empty()) {
        if line.contains(&0) {
            return None;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            let field = fields.last_mut()?;
            field.push(b' ');
            field.extend_from_slice(line.trim_ascii_start());
        } else {
            fields.push(line.to_vec());
        }
    }
    for field in fields {
        let colon = field.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        let is_plain = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
        if is_token(name) && value.iter().all(is_plain) {
            mended.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
        }
    }
    mended.extend_from_slice(b"\r\n");
    Some(mended)
}

/// The status line, with the right number of blanks and without the reason phrase. A later version of HTTP/1 is read
/// as the latest known one.
///
/// # Spec
/// RFC 9112, 2.3 and 4.
fn status_line(line: &[u8]) -> Option<Vec<u8>> {
    let blank = line.iter().position(|byte| *byte == b' ')?;
    let version: &[u8] = match &line[..blank] {
        b"HTTP/1.0" => b"HTTP/1.0",
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => b"HTTP/1.1",
        _ => return None,
    };
    let rest = line[blank..].trim_ascii_start();
    let status = rest.split(|byte| *byte == b' ').next()?;
    let is_status = status.len() == 3 && status.iter().all(u8::is_ascii_digit);
    is_status.then(|| [version, b" ", status, b" \r\n"].concat())
}

/// # Spec
/// RFC 9110, 5.6.2.
fn is_token(name: &[u8]) -> bool {
    let is_mark = |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Option<String> {
        let mended = as_go_reads_it(head.as_bytes())?;
        Some(String::from_utf8_lossy(&mended).into_owned())
    }

    /// The rules are those of `ReadMIMEHeader` in Go 1.19 and 1.26.
    #[test]
    fn fields_are_what_gos_client_makes_of_them() {
        let head = "HTTP/1.1 200 OK\r\nA: 1\r\nFolded: a\r\n  b\r\n\tc \r\nBlank : x\r\n y\r\nTwo Words: x\r\n: x\r\nA@B: x\r\nZ:\r\n\r\n";
        assert_eq!(
            read(head).unwrap(),
            "HTTP/1.1 200 \r\nA: 1\r\nFolded: a b c\r\nZ: \r\n\r\n"
        );
        for refused in [
            "HTTP/1.1 200 OK\r\n A: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
        ] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
        for status in [
            "HTTP/1.1   200   OK",
            "HTTP/1.2 200 OK",
            "HTTP/1.1 200 \x01",
        ] {
            let head = format!("{status}\n\n");
            assert_eq!(read(&head).unwrap(), "HTTP/1.1 200 \r\n\r\n", "{status:?}");
        }
    }

    #[test]
    fn a_head_ends_at_its_first_empty_line_however_it_comes() {
        for head in ["a\r\nb\r\n\r\n", "a\nb\n\n", "a\r\n\n", "a\n\r\n"] {
            let bytes = format!("{head}body\r\n\r\n");
            assert_eq!(
                end_of_head(bytes.as_bytes(), 0),
                Some(head.len()),
                "{head:?}"
            );
            for cut in 0..head.len() {
                assert_eq!(
                    end_of_head(&bytes.as_bytes()[..cut], 0),
                    None,
                    "{head:?} {cut}"
                );
                let looked = cut.saturating_sub(2);
                assert_eq!(
                    end_of_head(bytes.as_bytes(), looked),
                    Some(head.len()),
                    "{head:?} {cut}"
                );
            }
        }
    }
}

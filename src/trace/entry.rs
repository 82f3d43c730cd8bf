//! What one line of a log says.

use std::borrow::Cow;
use std::time::Duration;

use super::time::Timestamp;

/// What one line of a log is.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// A request that ended.
    Request(Entry<'a>),
    /// A request that is none of HTTP, or whose path is of no registry.
    Outside,
    /// Something else, such as a message of the registry.
    Other,
    /// Nothing that this format has: why.
    Unreadable(&'static str),
}

/// A request as a log tells it. What the log does not tell is empty.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Entry<'a> {
    /// The time of the line.
    pub(super) time: Option<Timestamp>,
    /// Whether the time is that of the end.
    pub(super) is_end: bool,
    /// The address, with or without a port.
    pub(super) address: Cow<'a, str>,
    pub(super) user: Cow<'a, str>,
    pub(super) agent: Cow<'a, str>,
    pub(super) method: Cow<'a, str>,
    pub(super) uri: Cow<'a, str>,
    pub(super) status: Option<u16>,
    pub(super) sent: Option<u64>,
    pub(super) received: Option<u64>,
    pub(super) duration: Option<Duration>,
    /// What the registry calls the request, where it may have a line for each of several errors.
    pub(super) id: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// Takes the parts of `GET /v2/ HTTP/1.1`. Returns `false` if it is none.
    pub(super) fn set_request(&mut self, request: &'a str) -> bool {
        let Some((method, rest)) = request.split_once(' ') else {
            return false;
        };
        let (uri, protocol) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        let is_method = !method.is_empty() && method.bytes().all(|it| it.is_ascii_uppercase());
        let is_protocol = protocol.is_empty() || protocol.starts_with("HTTP/");
        self.method = Cow::Borrowed(method);
        self.uri = Cow::Borrowed(uri);
        is_method && is_protocol
    }
}

/// Reads a number of bytes; `-` and negative numbers are unknown.
pub(super) fn size(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// Reads a status.
pub(super) fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|it| (100..1000).contains(it))
}

/// Whether a log says by a status that no response was sent: 499 of nginx and Distribution and 460 of AWS load balancers,
/// whose client had left, and 444 of nginx, which closed the connection.
pub(super) const fn is_unsent(status: u16) -> bool {
    matches!(status, 444 | 460 | 499)
}

/// The address without its port: `10.0.0.1:5000`, `[::1]:5000`, `10.0.0.1`.
pub(super) fn without_port(address: &str) -> &str {
    if let Some(rest) = address.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|it| it.is_ascii_digit()) => {
            host
        }
        _ => address,
    }
}

/// The beginning of a text: each run of letters as `a`, each run of digits as `0`, everything else that can be seen as it is.
pub(super) fn shape(bytes: &[u8]) -> String {
    let mut shape = String::new();
    for character in String::from_utf8_lossy(&bytes[..bytes.len().min(1_000)]).chars() {
        let symbol = match character {
            it if it.is_ascii_digit() => '0',
            it if it.is_alphanumeric() => 'a',
            it if it.is_ascii_graphic() || it == ' ' => it,
            _ => '?',
        };
        let is_run = matches!(symbol, '0' | 'a' | '?') && shape.ends_with(symbol);
        if !is_run {
            shape.push(symbol);
        }
        if shape.len() >= 80 {
            break;
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_cut_and_nothing_else() {
        for (text, wanted) in [
            ("10.0.0.1:5000", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.1"),
            ("[2001:db8::1]:5000", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("host-a", "host-a"),
            ("", ""),
        ] {
            assert_eq!(without_port(text), wanted);
        }
    }

    #[test]
    fn a_shape_has_no_secret() {
        let line = b"10.0.0.1 - anna [x] \"GET /v2/?token=s3cr3t-\xff\0 HTTP/1.1\" 200";
        assert_eq!(shape(line), "0.0.0.0 - a [a] \"a /a0/?a=a0a0a-? a/0.0\" 0");
        assert!(shape(&[b'('; 5_000]).len() <= 80);
    }
}

//! The fields of a head on their way: those of one connection are left out, and URLs of the target lead back.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, LINK, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    REFERER, TE, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::origins::Origins;

/// Fields of one connection.
///
/// # Spec
/// RFC 9110, 7.6.1, and those of a proxy that is known to the client, which the recorder is not.
const OF_ONE_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHORIZATION,
    PROXY_AUTHENTICATE,
];

/// What a client calls the recorder.
pub(super) fn called(uri: &Uri, headers: &HeaderMap, otherwise: &str) -> String {
    let host = || headers.get(HOST)?.to_str().ok()?.parse::<Authority>().ok();
    let named = uri.authority().cloned().or_else(host);
    let named = named.filter(|it| !it.as_str().contains('@'));
    named.map_or_else(|| otherwise.to_owned(), |it| it.as_str().to_owned())
}

/// Returns `true` if the connection is to end with this message.
pub(super) fn closes(headers: &HeaderMap) -> bool {
    options(headers).any(|it| it == "close")
}

/// Returns the fields of a request for the target. `is_http1`: of a connection in HTTP/1.1.
pub(super) fn of_request(
    headers: HeaderMap,
    host: &str,
    origins: &Origins,
    is_http1: bool,
) -> HeaderMap {
    let (closes, takes_trailers) = (closes(&headers), takes_trailers(&headers));
    let own = origins.target().host_header();
    let mut passed = passed(headers, |name, value| match *name {
        HOST if is_http1 => Some(own.clone()),
        HOST => None,
        REFERER => {
            let mended = value
                .to_str()
                .ok()
                .and_then(|it| origins.of_target(it, host));
            Some(
                mended
                    .and_then(|it| HeaderValue::try_from(it).ok())
                    .unwrap_or(value),
            )
        }
        _ => Some(value),
    });
    if is_http1 && !passed.contains_key(HOST) {
        passed.insert(HOST, own.clone());
    }
    if takes_trailers {
        passed.insert(TE, HeaderValue::from_static("trailers"));
    }
    match (is_http1, closes, takes_trailers) {
        (false, ..) | (_, false, false) => {}
        (_, true, false) => drop(passed.insert(CONNECTION, HeaderValue::from_static("close"))),
        (_, false, true) => drop(passed.insert(CONNECTION, HeaderValue::from_static("TE"))),
        (_, true, true) => drop(passed.insert(CONNECTION, HeaderValue::from_static("close, TE"))),
    }
    passed
}

/// Returns the fields of a response for a client that calls the recorder `host`. `elsewhere` is called with the hosts of URLs
/// that lead past the recorder.
pub(super) fn of_response(
    headers: HeaderMap,
    host: &str,
    origins: &Origins,
    is_http1: bool,
    elsewhere: &mut dyn FnMut(String),
) -> HeaderMap {
    let closes = closes(&headers);
    let mut passed = passed(headers, |name, value| {
        let marks = match *name {
            LOCATION => ("", '\0'),
            LINK => ("<", '>'),
            WWW_AUTHENTICATE => ("realm=\"", '"'),
            _ => return Some(value),
        };
        Some(
            origins
                .mend(&value, marks, host, elsewhere)
                .unwrap_or(value),
        )
    });
    if closes && is_http1 {
        passed.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    passed
}

/// The fields that are not of one connection, in their order, each as `change` makes it. A map from which a field is removed
/// would change its order.
fn passed(
    headers: HeaderMap,
    mut change: impl FnMut(&HeaderName, HeaderValue) -> Option<HeaderValue>,
) -> HeaderMap {
    let named: Vec<String> = options(&headers).collect();
    let is_chunked = headers.contains_key(TRANSFER_ENCODING);
    let mut passed = HeaderMap::with_capacity(headers.len());
    let mut last = None;
    for (name, value) in headers {
        if name.is_some() {
            last = name;
        }
        let Some(name) = &last else { continue };
        let is_left_out = OF_ONE_CONNECTION.contains(name)
            || named.iter().any(|it| it == name.as_str())
            // The length of a body in chunks is in its chunks (RFC 9112, 6.3).
            || (is_chunked && name == CONTENT_LENGTH);
        if !is_left_out && let Some(value) = change(name, value) {
            passed.append(name.clone(), value);
        }
    }
    passed
}

/// The options of `Connection`, in small letters.
fn options(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(CONNECTION).iter();
    let texts = values.filter_map(|it| it.to_str().ok());
    texts
        .flat_map(|it| it.split(','))
        .map(|it| it.trim().to_ascii_lowercase())
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(TE).iter();
    let mut texts = values.filter_map(|it| it.to_str().ok());
    texts.any(|it| it.to_ascii_lowercase().contains("trailers"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Origin;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    fn lines(headers: &HeaderMap) -> Vec<(&str, &str)> {
        let pairs = headers.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect()
    }

    fn origins() -> Origins {
        let url = "http://registry.test:5000".parse().unwrap();
        Origins::new(Origin::of(&url).unwrap(), false)
    }

    #[test]
    fn a_request_loses_what_is_of_its_connection_and_keeps_its_order() {
        let given = headers(&[
            ("host", "me:1"),
            ("user-agent", "docker/24"),
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("accept", "a"),
            ("accept", "b"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic s3cr3t"),
            ("authorization", "Bearer t"),
            ("expect", "100-continue"),
            ("content-length", "3"),
            ("range", "bytes=1-"),
            ("referer", "http://me:1/v2/a"),
        ]);
        let passed = of_request(given, "me:1", &origins(), true);
        assert_eq!(
            lines(&passed),
            [
                ("host", "registry.test:5000"),
                ("user-agent", "docker/24"),
                ("accept", "a"),
                ("accept", "b"),
                ("authorization", "Bearer t"),
                ("expect", "100-continue"),
                ("content-length", "3"),
                ("range", "bytes=1-"),
                ("referer", "http://registry.test:5000/v2/a"),
            ]
        );
    }

    #[test]
    fn the_end_of_a_connection_and_trailers_are_passed_on() {
        let given = headers(&[("te", "trailers, deflate"), ("connection", "TE, close")]);
        let passed = of_request(given.clone(), "me:1", &origins(), true);
        assert_eq!(
            lines(&passed),
            [
                ("host", "registry.test:5000"),
                ("te", "trailers"),
                ("connection", "close, TE")
            ]
        );
        let passed = of_request(given, "me:1", &origins(), false);
        assert_eq!(lines(&passed), [("te", "trailers")]);
        let given = headers(&[
            ("connection", "close"),
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
        ]);
        let passed = of_response(given, "me:1", &origins(), true, &mut |_| {});
        assert_eq!(lines(&passed), [("connection", "close")]);
    }

    #[test]
    fn a_client_is_believed_what_it_calls_us_unless_it_is_no_name() {
        let called = |host: &'static str| {
            called(
                &Uri::from_static("/v2/"),
                &headers(&[("host", host)]),
                "127.0.0.1:7",
            )
        };
        assert_eq!(called("localhost:5000"), "localhost:5000");
        assert_eq!(called("a b"), "127.0.0.1:7");
        assert_eq!(called("user@host"), "127.0.0.1:7");
    }
}

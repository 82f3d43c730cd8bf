//! The id by which a registry, or a proxy in front of it, logs a request.

use http::header::{HeaderMap, HeaderName};

/// Names of headers end like this, the more telling first: `X-Request-Id`, `X-GitHub-Request-Id`, `x-amzn-RequestId`,
/// `X-Ms-Correlation-Request-Id`; then those of proxies and of tracing.
const ENDINGS: [&str; 6] = [
    "request-id",
    "requestid",
    "correlation-id",
    "trace-id",
    "traceparent",
    "cf-ray",
];

/// An id is a word, not a document.
const LONGEST: usize = 128;

/// Returns the id that a response names.
pub(super) fn of(headers: &HeaderMap) -> Option<&str> {
    ENDINGS.iter().find_map(|ending| {
        let named = |name: &HeaderName| name.as_str().ends_with(ending);
        let mut found = headers.iter().filter(|(name, _)| named(name));
        found.find_map(|(_, value)| {
            let id = value.to_str().ok()?.trim();
            (!id.is_empty() && id.len() <= LONGEST).then_some(id)
        })
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_id_is_found_under_the_names_that_registries_give_it() {
        for (headers, wanted) in [
            (vec![("x-request-id", "a1")], Some("a1")),
            (vec![("x-github-request-id", "b:2")], Some("b:2")),
            (vec![("x-amzn-requestid", "c-3")], Some("c-3")),
            (vec![("x-ms-correlation-request-id", "d")], Some("d")),
            (vec![("cf-ray", "e"), ("x-request-id", " f ")], Some("f")),
            (vec![("cf-ray", "g"), ("server", "h")], Some("g")),
            (
                vec![("x-request-id", ""), ("x-correlation-id", "i")],
                Some("i"),
            ),
            (
                vec![("request-identity", "nobody"), ("date", "today")],
                None,
            ),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(of(&map), wanted, "{headers:?}");
        }
        let mut map = HeaderMap::new();
        let long = HeaderValue::from_str(&"x".repeat(129)).unwrap();
        map.append("x-request-id", long);
        assert_eq!(of(&map), None);
    }
}

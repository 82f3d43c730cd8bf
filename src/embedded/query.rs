//! The query of a request, read key by key without building a map.

use std::borrow::Cow;

/// A query string as it came, possibly empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'q>(&'q str);

impl<'q> Query<'q> {
    pub(super) fn new(query: Option<&'q str>) -> Self {
        Self(query.unwrap_or_default())
    }

    /// Returns the first value of a key, decoded.
    pub(super) fn get(&self, key: &str) -> Option<Cow<'q, str>> {
        self.all(key).next()
    }

    /// Every value of a key, decoded, in order.
    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = Cow<'q, str>> {
        url::form_urlencoded::parse(self.0.as_bytes())
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_repeat() {
        let query = Query::new(Some("digest=sha256%3Aab&tag=a&tag=b&empty"));
        assert_eq!(query.get("digest").as_deref(), Some("sha256:ab"));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(query.get("empty").as_deref(), Some(""));
        assert!(!query.has("last"));
        assert!(!Query::new(None).has(""));
    }
}

//! Absolute URLs in heads: those of the target lead back through the recorder.

use http::HeaderValue;
use url::Url;

use crate::transport::Origin;

/// The two origins that a recorder stands between.
#[derive(Debug)]
pub(super) struct Origins {
    target: Origin,
    /// Whether clients speak TLS with the recorder.
    is_secure: bool,
}

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To the target, if it is taken as it is: it has no host.
    AsItIs,
    /// To the target, in this form.
    Back(String),
    /// To this host.
    Elsewhere(String),
}

impl Origins {
    pub(super) const fn new(target: Origin, is_secure: bool) -> Self {
        Self { target, is_secure }
    }

    pub(super) const fn target(&self) -> &Origin {
        &self.target
    }

    /// The scheme and the host of the target.
    pub(super) fn target_url(&self) -> String {
        let host = self.target.host_header().to_str().unwrap_or_default();
        format!("{}://{host}", scheme(self.target.is_secure()))
    }

    /// Returns where a URL of the target leads, for a client that calls the recorder `host`. All behind the host stays as it
    /// is, to the letter: the query may be signed.
    pub(super) fn leads(&self, url: &str, host: &str) -> Leads {
        let is_relative = Url::parse(url) == Err(url::ParseError::RelativeUrlWithoutBase);
        let (start, whole) = match url.strip_prefix("//") {
            Some(_) => (
                2,
                Url::parse(&format!("{}:{url}", scheme(self.target.is_secure()))),
            ),
            None if is_relative => return Leads::AsItIs,
            None => (url.find("://").map_or(0, |at| at + 3), Url::parse(url)),
        };
        let Ok(whole) = whole else {
            return Leads::AsItIs;
        };
        match Origin::of(&whole) {
            Ok(origin) if origin == self.target => {
                let rest = url.get(start..).unwrap_or_default();
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                Leads::Back(format!(
                    "{}://{host}{}",
                    scheme(self.is_secure),
                    &rest[end..]
                ))
            }
            Ok(_) => Leads::Elsewhere(whole.host_str().unwrap_or_default().to_owned()),
            // Not of HTTP.
            Err(_) => Leads::AsItIs,
        }
    }

    /// Returns the field with all URLs of the target changed, and calls `elsewhere` with the hosts of others. URLs stand
    /// between `before` and `after`, as in `Link: <...>`; without the former the whole field is one.
    pub(super) fn mend(
        &self,
        value: &HeaderValue,
        (before, after): (&str, char),
        host: &str,
        elsewhere: &mut dyn FnMut(String),
    ) -> Option<HeaderValue> {
        let text = value.to_str().ok()?;
        let (mut mended, mut rest) = (String::with_capacity(text.len()), text);
        let mut has_changed = false;
        while let Some(at) = find(rest, before) {
            let (front, behind) = rest.split_at(at + before.len());
            let end = behind.find(after).unwrap_or(behind.len());
            let (url, behind) = behind.split_at(end);
            mended.push_str(front);
            match self.leads(url, host) {
                Leads::AsItIs => mended.push_str(url),
                Leads::Back(back) => {
                    mended.push_str(&back);
                    has_changed = true;
                }
                Leads::Elsewhere(host) => {
                    mended.push_str(url);
                    elsewhere(host);
                }
            }
            rest = behind;
            if before.is_empty() {
                break;
            }
        }
        mended.push_str(rest);
        has_changed
            .then(|| HeaderValue::try_from(mended).ok())
            .flatten()
    }

    /// Returns the URL of the target for one of the recorder, which a client calls `host`; `None` for any other.
    pub(super) fn of_target(&self, url: &str, host: &str) -> Option<String> {
        let own = format!("{}://{host}", scheme(self.is_secure));
        let rest = url.strip_prefix(&own)?;
        let is_whole = rest.is_empty() || rest.starts_with(['/', '?', '#']);
        is_whole.then(|| format!("{}{rest}", self.target_url()))
    }
}

/// Finds a text whatever its case.
fn find(text: &str, wanted: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(wanted)
}

const fn scheme(is_secure: bool) -> &'static str {
    if is_secure { "https" } else { "http" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(target: &str, is_secure: bool) -> Origins {
        Origins::new(Origin::of(&target.parse().unwrap()).unwrap(), is_secure)
    }

    #[test]
    fn only_urls_of_the_target_lead_back() {
        let origins = origins("https://registry.test", false);
        for (url, wanted) in [
            ("/v2/a/blobs/uploads/1?_state=x%2F", Leads::AsItIs),
            ("uploads/1", Leads::AsItIs),
            (
                "https://registry.test/v2/a?x=%2f&y=https://registry.test/",
                Leads::Back("http://me:5000/v2/a?x=%2f&y=https://registry.test/".to_owned()),
            ),
            (
                "https://REGISTRY.test:443",
                Leads::Back("http://me:5000".to_owned()),
            ),
            (
                "//registry.test?x",
                Leads::Back("http://me:5000?x".to_owned()),
            ),
            (
                "http://registry.test/v2/",
                Leads::Elsewhere("registry.test".to_owned()),
            ),
            (
                "https://registry.test:5000/",
                Leads::Elsewhere("registry.test".to_owned()),
            ),
            (
                "https://registry.test@other.test/",
                Leads::Elsewhere("other.test".to_owned()),
            ),
            (
                "https://registry.test.other.test/",
                Leads::Elsewhere("registry.test.other.test".to_owned()),
            ),
        ] {
            assert_eq!(origins.leads(url, "me:5000"), wanted, "{url}");
        }
    }

    #[test]
    fn urls_within_a_field_are_changed_and_nothing_else() {
        let origins = origins("http://127.0.0.1:5000", true);
        let mut others = Vec::new();
        let mut mend = |text: &'static str, marks| {
            let value = HeaderValue::from_static(text);
            let mended = origins.mend(&value, marks, "me:1", &mut |it| others.push(it));
            mended.map(|it| it.to_str().unwrap().to_owned())
        };
        assert_eq!(
            mend(
                "<http://127.0.0.1:5000/v2/_catalog?n=1>; rel=\"next\", </x>; a",
                ("<", '>')
            )
            .as_deref(),
            Some("<https://me:1/v2/_catalog?n=1>; rel=\"next\", </x>; a")
        );
        assert_eq!(
            mend(
                "Bearer Realm=\"http://127.0.0.1:5000/token\",service=\"s\"",
                ("realm=\"", '"')
            )
            .as_deref(),
            Some("Bearer Realm=\"https://me:1/token\",service=\"s\"")
        );
        assert_eq!(
            mend(
                "Bearer realm=\"https://auth.test/token\"",
                ("realm=\"", '"')
            ),
            None
        );
        assert_eq!(mend("Basic realm=\"a registry\"", ("realm=\"", '"')), None);
        assert_eq!(
            mend("http://127.0.0.1:5000/x", ("", '\0')).as_deref(),
            Some("https://me:1/x")
        );
        assert_eq!(others, ["auth.test"]);
    }

    #[test]
    fn a_referer_names_the_target_again() {
        let origins = origins("http://127.0.0.1:5000", true);
        let of = |url| origins.of_target(url, "me:1");
        assert_eq!(
            of("https://me:1/v2/a").as_deref(),
            Some("http://127.0.0.1:5000/v2/a")
        );
        assert_eq!(of("https://me:11/v2/a"), None);
        assert_eq!(of("http://me:1/v2/a"), None);
    }
}

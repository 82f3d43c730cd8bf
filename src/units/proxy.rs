//! An HTTP proxy.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::endpoint::Endpoint;
use super::secret::Secret;

/// An HTTP proxy: `http://HOST:PORT`, or `http://USER:PASSWORD@HOST:PORT`. Neither `Display` nor `Debug` shows the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Where it listens.
    pub endpoint: Endpoint,
    authorization: Option<Secret>,
}

impl Proxy {
    /// The value of `Proxy-Authorization`, if the proxy has a user.
    ///
    /// # Spec
    /// RFC 9110, 11.7.2; RFC 7617.
    pub const fn authorization(&self) -> Option<&Secret> {
        self.authorization.as_ref()
    }
}

impl FromStr for Proxy {
    type Err = &'static str;

    /// Reads an address. User and password are taken as they are, without percent-decoding: the password ends at the last `@`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write http://HOST:PORT, such as http://proxy.example:3128";
        let scheme = text.get(..7).ok_or(FORM)?;
        if !scheme.eq_ignore_ascii_case("http://") {
            return Err(FORM);
        }
        let rest = &text[7..];
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let endpoint = place.strip_suffix('/').unwrap_or(place).parse();
        Ok(Self {
            endpoint: endpoint.map_err(|_| FORM)?,
            authorization: user.map(basic).transpose()?,
        })
    }
}

fn basic(user: &str) -> Result<Secret, &'static str> {
    match user.split_once(':') {
        Some(("", _)) => Err("the proxy has a password and no user"),
        Some(_) => Ok(Secret::new(format!("Basic {}", STANDARD.encode(user)))),
        None => Err("the proxy has a user and no password: write USER:PASSWORD"),
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_with_and_without_a_user() {
        for (text, place, sent) in [
            ("http://proxy:3128", "http://proxy:3128", None),
            ("HTTP://[::1]:3128/", "http://[::1]:3128", None),
            // RFC 7617, section 2.
            (
                "http://Aladdin:open sesame@proxy:80",
                "http://proxy:80",
                Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ),
            // `a:b@c:d`
            (
                "http://a:b@c:d@proxy:80",
                "http://proxy:80",
                Some("Basic YTpiQGM6ZA=="),
            ),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!(proxy.to_string(), place);
            assert_eq!(proxy.authorization().map(Secret::expose), sent);
            assert!(!format!("{proxy:?}").contains("QWxh"));
        }
        for text in [
            "",
            "proxy:3128",
            "http://proxy",
            "http://proxy:0",
            "https://proxy:3128",
            "socks5://proxy:1080",
            "http://proxy:3128/path",
            "http://user@proxy:3128",
            "http://:pw@proxy:3128",
            "http:/é/:1",
        ] {
            assert!(text.parse::<Proxy>().is_err(), "{text}");
        }
    }
}

//! The specification's error body, parsed leniently.

use std::fmt;

use serde::Deserialize;

use super::entry::lenient;
use crate::units::foreign_words;

/// The most bytes of an error body; a proxy may send a whole page.
pub const MAX_ERROR_BODY: usize = 64 * 1024;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The code of an error.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// A code outside the specification, verbatim, at most 64 characters.
            Other(Box<str>),
        }

        impl ErrorCode {
            /// The code on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(foreign_words(other, 64).into()),
                }
            }
        }
    };
}

error_codes! {
    /// A blob that the registry does not have.
    BlobUnknown = "BLOB_UNKNOWN",
    /// An upload that cannot go on.
    BlobUploadInvalid = "BLOB_UPLOAD_INVALID",
    /// An upload session that the registry does not have.
    BlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN",
    /// Content that does not match its digest.
    DigestInvalid = "DIGEST_INVALID",
    /// A manifest that names a blob or manifest the registry does not have.
    ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN",
    /// A manifest that the registry does not accept.
    ManifestInvalid = "MANIFEST_INVALID",
    /// A manifest that the registry does not have.
    ManifestUnknown = "MANIFEST_UNKNOWN",
    /// Not a repository name.
    NameInvalid = "NAME_INVALID",
    /// A repository that the registry does not have.
    NameUnknown = "NAME_UNKNOWN",
    /// Content that does not match its size.
    SizeInvalid = "SIZE_INVALID",
    /// Credentials are missing or wrong.
    Unauthorized = "UNAUTHORIZED",
    /// The credentials do not allow this.
    Denied = "DENIED",
    /// The registry does not support this.
    Unsupported = "UNSUPPORTED",
    /// Too many requests.
    TooManyRequests = "TOOMANYREQUESTS",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What could be parsed of an error body: a code, if there was one, and a line to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorBody {
    /// The first error's code.
    pub code: Option<ErrorCode>,
    /// The first error's message, or the first line of a body in another format; at most 200 characters.
    pub message: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, deserialize_with = "lenient")]
    code: String,
    #[serde(default, deserialize_with = "lenient")]
    message: String,
}

impl ErrorBody {
    /// Parses any body: the specification's JSON, a page of HTML, plain text, or nothing. Never fails.
    pub fn parse(raw: &[u8]) -> Self {
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(raw) {
            return envelope
                .errors
                .into_iter()
                .next()
                .map_or_else(Self::default, |entry| Self {
                    code: Some(entry.code.as_str())
                        .filter(|code| !code.is_empty())
                        .map(ErrorCode::from),
                    message: Some(foreign_words(&entry.message, 200))
                        .filter(|text| !text.is_empty()),
                });
        }
        let text = String::from_utf8_lossy(&raw[..raw.len().min(2048)]);
        Self {
            code: None,
            message: Some(foreign_words(&text, 200)).filter(|text| !text.is_empty()),
        }
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(code), None) => code.fmt(f),
            (None, Some(message)) => message.fmt(f),
            (None, None) => f.write_str("no explanation"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::is_unseen;

    #[test]
    fn reads_what_registries_and_proxies_send() {
        let spec =
            br#"{"errors":[{"code":"DENIED","message":"no\nentry","detail":{"x":1}},{"code":"UNKNOWN"}]}"#;
        assert_eq!(ErrorBody::parse(spec).to_string(), "DENIED: no entry");
        assert_eq!(ErrorBody::parse(spec).code, Some(ErrorCode::Denied));
        let html = b"<html>\r\n<title>502 Bad Gateway</title>\x1b[31m";
        assert_eq!(
            ErrorBody::parse(html).to_string(),
            "<html> <title>502 Bad Gateway</title> [31m"
        );
        assert_eq!(ErrorBody::parse(b"").to_string(), "no explanation");
        assert_eq!(
            ErrorBody::parse(br#"{"errors":[]}"#).to_string(),
            "no explanation"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_one_short_line(bytes: Vec<u8>) {
            let text = ErrorBody::parse(&bytes).to_string();
            prop_assert!(text.chars().count() <= 300);
            prop_assert!(!text.contains(is_unseen));
        }
    }
}

//! Requests for ranges of a blob: what they are for, and what the registry made of them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a request for ranges of a blob is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RangePurpose {
    /// Finding where the blob is: its first bytes.
    Locate,
    /// The end of the blob, which says where its table of contents is.
    Footer,
    /// The table of contents.
    Toc,
    /// What is marked to be fetched when the blob is mounted.
    Prefetch,
    /// Content that is read.
    Content,
    /// The rest of the content, afterwards.
    Background,
}

impl RangePurpose {
    /// Every purpose, in the order in which a client has them.
    pub const ALL: [Self; 6] = [
        Self::Locate,
        Self::Footer,
        Self::Toc,
        Self::Prefetch,
        Self::Content,
        Self::Background,
    ];

    /// Returns the name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locate => "locate",
            Self::Footer => "footer",
            Self::Toc => "toc",
            Self::Prefetch => "prefetch",
            Self::Content => "content",
            Self::Background => "background",
        }
    }
}

impl fmt::Display for RangePurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A request for ranges of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeRequest {
    /// What it is for.
    pub purpose: RangePurpose,
    /// Whether it asks for more than one range.
    pub several: bool,
    /// The bytes of all ranges.
    pub bytes: u64,
}

/// What a registry made of a request for ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeResponse {
    /// One range: 206 with `Content-Range`.
    Range,
    /// Several ranges, each with its place: 206 with `multipart/byteranges`.
    Multipart,
    /// The whole blob: 200.
    Whole,
    /// It does not send these ranges: 416.
    Unsatisfiable,
    /// The blob is elsewhere: 3xx.
    Redirect,
    /// Another status.
    Other,
    /// None came.
    None,
}

impl RangeResponse {
    /// Every response, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Range,
        Self::Multipart,
        Self::Whole,
        Self::Unsatisfiable,
        Self::Redirect,
        Self::Other,
        Self::None,
    ];

    /// Returns what a response is by its status and its content type.
    pub fn of(status: Option<u16>, content_type: Option<&str>) -> Self {
        let is_multipart = || content_type.is_some_and(is_byteranges);
        match status {
            Some(206) if is_multipart() => Self::Multipart,
            Some(206) => Self::Range,
            Some(200) => Self::Whole,
            Some(416) => Self::Unsatisfiable,
            Some(300..=399) => Self::Redirect,
            Some(_) => Self::Other,
            None => Self::None,
        }
    }
}

/// Returns `true` for the content type of several ranges.
pub fn is_byteranges(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("multipart/byteranges")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_written_by_its_name_and_has_its_place() {
        for (index, purpose) in RangePurpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, index, "{purpose}");
            assert_eq!(serde_json::to_value(purpose).unwrap(), purpose.name());
        }
        for (index, response) in RangeResponse::ALL.into_iter().enumerate() {
            assert_eq!(response as usize, index, "{response:?}");
        }
    }

    #[test]
    fn a_response_is_what_its_status_and_type_say() {
        let octets = Some("application/octet-stream");
        let several = Some("multipart/ByteRanges; boundary=x");
        for (status, content_type, expected) in [
            (Some(206), octets, RangeResponse::Range),
            (Some(206), None, RangeResponse::Range),
            (Some(206), several, RangeResponse::Multipart),
            (Some(200), several, RangeResponse::Whole),
            (Some(416), octets, RangeResponse::Unsatisfiable),
            (Some(307), None, RangeResponse::Redirect),
            (Some(501), None, RangeResponse::Other),
            (None, None, RangeResponse::None),
        ] {
            assert_eq!(RangeResponse::of(status, content_type), expected);
        }
    }
}

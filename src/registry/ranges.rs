//! The verbs of clients that read a blob in parts: finding it, its size, and ranges of it.

use std::ops::Range;

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap};
use http::header::{HeaderValue, RANGE};
use http::{Method, StatusCode};

use super::auth::{Actions, Scope};
use super::byteranges::{Asked, Byteranges, LACKING, Take, boundary, content_range};
use super::call::Call;
use super::check::{Check, Wanted};
use super::client::Client;
use super::error::{Error, Kind, Redirect};
use super::location::location;
use super::response::Response;
use crate::exchange::{RangePurpose, RangeRequest, is_byteranges};
use crate::oci::{Digest, Operation, RepositoryName, Verify};
use crate::transport::Address;

/// A blob, and where it was found.
#[derive(Debug, Clone)]
pub struct FoundBlob<'a> {
    repository: &'a RepositoryName,
    digest: Digest,
    elsewhere: Option<Address>,
}

/// A request for ranges of a blob.
#[derive(Debug, Clone, Copy)]
pub struct Ranges<'a> {
    /// The ranges, none of them empty, in ascending order; at least one.
    pub ranges: &'a [Range<u64>],
    /// What they are for.
    pub purpose: RangePurpose,
    /// Whether it is said that no encoding is wanted.
    pub identity: bool,
    /// Whether all of a blob is read that comes in place of the ranges, and verified; otherwise it is read as far as they
    /// reach.
    pub reads_whole: bool,
    /// How all of a blob is verified.
    pub verify: Verify,
    /// The statuses by which the registry may refuse, so that the client goes on in another way.
    pub forgives: &'a [u16],
}

/// What the registry made of a request for ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranged {
    /// It sent them.
    Ranges,
    /// It sent the blob from its start.
    Whole,
    /// It refused with a status that the client forgives.
    Refused(StatusCode),
}

/// The statuses of redirects.
const REDIRECTS: &[u16] = &[301, 302, 303, 307, 308];
/// The statuses by which storage refuses a `HEAD` of what it allows to `GET`.
const NO_HEAD: &[u16] = &[400, 401, 403, 404, 405, 501];

impl<'a> Ranges<'a> {
    /// A request that expects what it asks for.
    pub const fn of(ranges: &'a [Range<u64>], purpose: RangePurpose) -> Self {
        Self {
            ranges,
            purpose,
            identity: false,
            reads_whole: false,
            verify: Verify::None,
            forgives: &[],
        }
    }
}

impl<'a> FoundBlob<'a> {
    /// A blob that is asked for at the registry, wherever that redirects to.
    pub const fn at_registry(repository: &'a RepositoryName, digest: Digest) -> Self {
        Self {
            repository,
            digest,
            elsewhere: None,
        }
    }

    /// Whether it was found in storage that the registry redirects to.
    pub const fn is_elsewhere(&self) -> bool {
        self.elsewhere.is_some()
    }
}

impl Client {
    /// Finds where a blob is, by its first bytes. If the registry redirects, its storage is asked from then on. A whole blob in
    /// place of them is read to its end if the client does that.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2.
    ///
    /// # Errors
    /// Fails if there is no response, if it is neither 200, 206 nor a redirect, or if that leads to no valid URL.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_locate<'a>(
        &self,
        repository: &'a RepositoryName,
        digest: Digest,
        first: Range<u64>,
        reads_whole: bool,
    ) -> Result<FoundBlob<'a>, Error> {
        let mut found = FoundBlob::at_registry(repository, digest);
        let ranges = [first];
        let asked = Ranges {
            reads_whole,
            forgives: REDIRECTS,
            ..Ranges::of(&ranges, RangePurpose::Locate)
        };
        let call = self.ranges_call(&found, &asked);
        let response = self.send(&call).await?;
        if response.status().is_redirection() {
            let Some(address) = location(response.address(), response.headers()) else {
                return Err(response.fail(Kind::Redirect(Redirect::Nowhere)));
            };
            found.elsewhere = Some(address);
            response.set_aside().await;
            return Ok(found);
        }
        // What comes is not looked at.
        self.read_ranges(response, &found, &asked, &mut |_, _| {})
            .await?;
        Ok(found)
    }

    /// Asks for the size of a blob where it was found; `None` if that is not said there.
    ///
    /// # Errors
    /// Fails if there is no response, or if it is neither 200 nor a refusal of `HEAD`.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_size(&self, found: &FoundBlob<'_>) -> Result<Option<u64>, Error> {
        let call = Call {
            method: Method::HEAD,
            also: NO_HEAD,
            ..self.found_call(found, Operation::BlobHead)
        };
        let response = self.send(&call).await?;
        let length = response
            .header(CONTENT_LENGTH)
            .filter(|_| response.status() == 200);
        let size = length.and_then(|it| it.parse().ok());
        response.finish().await?;
        Ok(size)
    }

    /// Asks for ranges of a blob, and gives their bytes to `take`, each with its place in the blob.
    ///
    /// # Spec
    /// RFC 9110, 14.
    ///
    /// # Errors
    /// Fails if there is no response, if it is another status than 200, 206 and those that are forgiven, or if it lacks bytes
    /// that were asked for.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_ranges(
        &self,
        found: &FoundBlob<'_>,
        asked: &Ranges<'_>,
        take: Take<'_>,
    ) -> Result<Ranged, Error> {
        let call = self.ranges_call(found, asked);
        let response = self.send(&call).await?;
        let status = response.status();
        if asked.forgives.contains(&status.as_u16()) {
            response.set_aside().await;
            return Ok(Ranged::Refused(status));
        }
        self.read_ranges(response, found, asked, take).await
    }

    /// Reads the ranges of a response, or the blob in their place.
    async fn read_ranges(
        &self,
        response: Response<'_>,
        found: &FoundBlob<'_>,
        asked: &Ranges<'_>,
        take: Take<'_>,
    ) -> Result<Ranged, Error> {
        match response.status() {
            StatusCode::PARTIAL_CONTENT => read(response, asked, take).await,
            StatusCode::OK => {
                let check = self.check(Wanted {
                    digest: found.digest,
                    size: None,
                    verify: asked.verify,
                });
                read_whole(response, asked, check, take).await
            }
            _ => Err(response.refuse().await),
        }
    }

    fn found_call<'a>(&'a self, found: &FoundBlob<'a>, operation: Operation) -> Call<'a> {
        let call = self.blob_call(operation, found.repository, &found.digest);
        let scope = Scope::of(found.repository, Actions::Pull);
        match &found.elsewhere {
            None => Call { scope, ..call },
            Some(address) => Call {
                scope,
                operation: Operation::Redirected,
                address: address.clone(),
                ..call
            },
        }
    }

    fn ranges_call<'a>(&'a self, found: &FoundBlob<'a>, asked: &Ranges<'a>) -> Call<'a> {
        let ranges = asked.ranges.iter().map(|it| {
            let last = it.end.saturating_sub(1);
            format!("{}-{last}", it.start)
        });
        let text = format!("bytes={}", ranges.collect::<Vec<_>>().join(","));
        let value = HeaderValue::try_from(text);
        let value = value.expect("digits, hyphens and commas are visible characters");
        let mut headers = HeaderMap::from_iter([(RANGE, value)]);
        if asked.identity {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        Call {
            headers,
            also: asked.forgives,
            ranges: Some(RangeRequest {
                purpose: asked.purpose,
                several: asked.ranges.len() > 1,
                bytes: asked.ranges.iter().map(|it| it.end - it.start).sum(),
            }),
            ..self.found_call(found, Operation::BlobGet)
        }
    }
}

/// Reads the ranges of a response.
async fn read(
    mut response: Response<'_>,
    asked: &Ranges<'_>,
    take: Take<'_>,
) -> Result<Ranged, Error> {
    let content_type = response.header(CONTENT_TYPE);
    let is_multipart = content_type.is_some_and(is_byteranges);
    let mut read = if is_multipart {
        let Some(boundary) = content_type.and_then(boundary) else {
            return Err(response.fail(Kind::Protocol(
                "the response with several ranges names no boundary",
            )));
        };
        Reading::Several(Byteranges::new(boundary, Asked::new(asked.ranges)))
    } else {
        let range = response.header(CONTENT_RANGE).and_then(content_range);
        match (range, asked.ranges) {
            (Some(came), [asked]) if came == *asked => Reading::One(came),
            (Some(_), [_, _, ..]) => return Err(response.fail(Kind::Protocol(LACKING))),
            _ => return Err(response.fail(Kind::Protocol(super::blobs::ELSEWHERE))),
        }
    };
    loop {
        let frame = match response.frame().await {
            Err(kind) => return Err(response.fail(kind)),
            Ok(frame) => frame,
        };
        let Some(bytes) = frame else { break };
        if let Err(kind) = read.update(&bytes, take) {
            return Err(response.fail(*kind));
        }
    }
    match read.finish() {
        Ok(()) => {
            response.succeed();
            Ok(Ranged::Ranges)
        }
        Err(kind) => Err(response.fail(*kind)),
    }
}

/// Reads a blob that comes from its start, as far as it is wanted.
async fn read_whole(
    mut response: Response<'_>,
    asked: &Ranges<'_>,
    mut check: Check<'_>,
    take: Take<'_>,
) -> Result<Ranged, Error> {
    let end = asked.ranges.last().map_or(0, |it| it.end);
    let mut at = 0;
    while asked.reads_whole || at < end {
        match response.frame().await {
            Err(kind) => return Err(response.fail(kind)),
            Ok(Some(bytes)) => {
                if asked.reads_whole
                    && let Err(kind) = check.update(&bytes)
                {
                    return Err(response.fail(*kind));
                }
                take(at, &bytes);
                at += bytes.len() as u64;
            }
            Ok(None) if at < end => {
                let found = at;
                return Err(response.fail(Kind::Size {
                    expected: end,
                    found,
                }));
            }
            Ok(None) => break,
        }
    }
    if asked.reads_whole {
        match check.finish() {
            Ok(_) => response.succeed(),
            Err(kind) => return Err(response.fail(*kind)),
        }
    } else {
        let length = response.header(CONTENT_LENGTH);
        let is_all = length.and_then(|it| it.parse().ok()) == Some(at);
        response.leave(is_all).await;
    }
    Ok(Ranged::Whole)
}

/// A response with ranges that is arriving.
enum Reading<'a> {
    /// One, of which that is left.
    One(Range<u64>),
    Several(Byteranges<'a>),
}

impl Reading<'_> {
    fn update(&mut self, bytes: &[u8], take: Take<'_>) -> Result<(), Box<Kind>> {
        match self {
            Self::One(left) => {
                let length = bytes.len() as u64;
                if length > left.end - left.start {
                    return Err(Box::new(Kind::Size {
                        expected: left.end,
                        found: left.start + length,
                    }));
                }
                take(left.start, bytes);
                left.start += length;
                Ok(())
            }
            Self::Several(parts) => {
                let done = parts.update(bytes, take);
                done.map_err(|it| Box::new(Kind::Protocol(it)))
            }
        }
    }

    fn finish(self) -> Result<(), Box<Kind>> {
        match self {
            Self::One(left) if left.is_empty() => Ok(()),
            Self::One(left) => Err(Box::new(Kind::Size {
                expected: left.end,
                found: left.start,
            })),
            Self::Several(parts) => parts.finish().map_err(|it| Box::new(Kind::Protocol(it))),
        }
    }
}

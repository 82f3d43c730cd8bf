//! A part of a blob. Clients that fetch one blob by several requests ask each time for everything from a part on, and
//! close the connection after the part.

use std::ops::Range;

use bytes::Bytes;
use http::StatusCode;

use super::auth::{Actions, Scope};
use super::blobs::{ELSEWHERE, Restart, from_byte, range_start};
use super::call::{Accepts, Call};
use super::check::Wanted;
use super::client::Client;
use super::error::{Error, Kind};
use crate::oci::{MediaType, Operation, RepositoryName};

/// The result of a request for a part of a blob.
#[derive(Debug)]
pub enum Part {
    /// The bytes of the part, in order.
    Ranged(Vec<Bytes>),
    /// The registry does not send parts; its body was not used.
    None(Restart),
}

impl Client {
    /// Fetches the bytes of `range`, a part of a blob, by requesting everything from its first byte on. If more
    /// follows, the connection is closed, however much of it the registry has sent: that is the client's habit and
    /// the registry's cost.
    ///
    /// # Spec
    /// distribution-spec, "Pulling blobs", end-2; RFC 9110, 14.2.
    ///
    /// # Errors
    /// Fails if there is no response, if it is neither 200, 206 nor 416, or if it ends too early.
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled.
    pub async fn blob_get_part(
        &self,
        repository: &RepositoryName,
        wanted: Wanted,
        media_type: Option<&MediaType>,
        range: Range<u64>,
    ) -> Result<Part, Error> {
        let call = Call {
            scope: Scope::of(repository, Actions::Pull),
            accepts: Accepts::Blob(media_type),
            headers: from_byte(range.start),
            also: &[416],
            ..self.blob_call(Operation::BlobGet, repository, &wanted.digest)
        };
        let mut response = self.send(&call).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::RANGE_NOT_SATISFIABLE => {
                response.set_aside().await;
                return Ok(Part::None(Restart::Refused));
            }
            _ => {
                response.succeed();
                return Ok(Part::None(Restart::Whole));
            }
        }
        if range_start(&response) != Some(range.start) {
            // The exchange counts as failed; the blob may be fetched all the same.
            drop(response.fail(Kind::Protocol(ELSEWHERE)));
            return Ok(Part::None(Restart::Elsewhere));
        }
        let length = range.end.saturating_sub(range.start);
        let mut parts = Vec::new();
        let mut have = 0_u64;
        while have < length {
            match response.frame().await {
                Err(kind) => return Err(response.fail(kind)),
                Ok(None) => {
                    return Err(response.fail(Kind::Size {
                        expected: length,
                        found: have,
                    }));
                }
                Ok(Some(mut frame)) => {
                    let room = usize::try_from(length - have).unwrap_or(usize::MAX);
                    frame.truncate(room);
                    have += frame.len() as u64;
                    // Copied: a frame is a view into the whole read buffer, and would keep it.
                    parts.push(Bytes::copy_from_slice(&frame));
                }
            }
        }
        response
            .leave(wanted.size.is_none_or(|size| range.end >= size))
            .await;
        Ok(Part::Ranged(parts))
    }
}

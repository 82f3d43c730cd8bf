//! The download of a layer that is broken off, stalls or creeps on purpose.

use http::StatusCode;
use tokio::time::sleep;

use super::auth::{Actions, Scope};
use super::blobs::{BlobSink, Received, Restart, from_byte, range_start};
use super::call::{Accepts, Call};
use super::check::{Check, Wanted};
use super::client::Client;
use super::deliberate_body::provoked;
use super::error::{Error, Kind};
use super::manners::Manners;
use super::response::Response;
use crate::exchange::Misbehaviour;
use crate::oci::{MediaType, Operation, RepositoryName};

impl Client {
    /// Fetches a blob in that way. A transfer that was broken off and goes on is continued by a range, and fetched whole if the
    /// registry sends all of it.
    ///
    /// A blob whose last byte has come cannot be broken off any more: it has arrived.
    ///
    /// # Errors
    /// As [`Client::blob_get`]. A transfer that was broken off for good fails with [`Error::misbehaviour`].
    ///
    /// # Cancel safety
    /// A dropped call counts as cancelled; what the sink has taken stays with the sink.
    pub async fn blob_get_deliberately(
        &self,
        (repository, media_type): (&RepositoryName, Option<&MediaType>),
        wanted: Wanted,
        manners: Manners,
        sink: &mut dyn BlobSink,
    ) -> Result<Received, Error> {
        let mut check = self.check(wanted);
        let mut passed = 0;
        let mut bytes = 0;
        let mut manners = manners;
        loop {
            let mut call = Call {
                scope: Scope::of(repository, Actions::Pull),
                accepts: Accepts::Blob(media_type),
                ..self.blob_call(Operation::BlobGet, repository, &wanted.digest)
            };
            if passed > 0 {
                call.headers = from_byte(passed);
            }
            let response = self.send(&call).await?;
            match response.status() {
                StatusCode::PARTIAL_CONTENT
                    if passed == 0 || range_start(&response) != Some(passed) =>
                {
                    return Err(response.fail(Kind::Protocol(
                        "the response has another part than the one asked for",
                    )));
                }
                StatusCode::PARTIAL_CONTENT => {}
                _ if passed > 0 => {
                    if let Err(error) = sink.restart(Restart::Whole) {
                        return Err(response.fail(Kind::Sink(error)));
                    }
                    passed = 0;
                    check = self.check(wanted);
                }
                _ => {}
            }
            let (came, end) = self
                .take_deliberately(response, (&mut *sink, &mut check), (manners, passed))
                .await?;
            bytes += came;
            if let Some(response) = end {
                return match check.finish() {
                    Ok(size) => {
                        response.succeed();
                        Ok(Received { bytes, size })
                    }
                    Err(kind) => Err(response.fail(*kind)),
                };
            }
            passed += came;
            manners = manners.unbroken();
        }
    }

    /// Takes a body in that way. Returns its bytes, and the response if it came to its end; without it the client goes on.
    async fn take_deliberately<'c>(
        &self,
        mut response: Response<'c>,
        (sink, check): (&mut dyn BlobSink, &mut Check<'_>),
        (manners, before): (Manners, u64),
    ) -> Result<(u64, Option<Response<'c>>), Error> {
        let mut came = 0;
        let mut stall = manners.stall.filter(|(at, _)| *at >= before);
        loop {
            let mut part = match response.frame().await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok((came, Some(response))),
                Err(Kind::Transport(error)) => {
                    let kind = provoked(&error, manners.is_slow())
                        .map_or(Kind::Transport(error), Kind::Misbehaved);
                    return Err(response.fail(kind));
                }
                Err(kind) => return Err(response.fail(kind)),
            };
            let length = part.len() as u64;
            let rest = manners.abort_at.map(|at| at.saturating_sub(before + came));
            let is_broken = rest.is_some_and(|it| it < length) && !response.incoming.is_over();
            if let (true, Some(rest)) = (is_broken, rest) {
                part.truncate(usize::try_from(rest).unwrap_or(usize::MAX));
            }
            if let Err(kind) = check.update(&part) {
                return Err(response.fail(*kind));
            }
            if let Err(error) = sink.write(&part) {
                return Err(response.fail(Kind::Sink(error)));
            }
            came += part.len() as u64;
            if is_broken {
                let error = response.fail(Kind::Misbehaved(Misbehaviour::Aborted));
                return if manners.resume {
                    Ok((came, None))
                } else {
                    Err(error)
                };
            }
            drop(part); // the read buffer is used again
            if let Some(rate) = manners.rate {
                self.inner.reading.pass(length, rate).await;
            }
            if let Some((_, time)) = stall.take_if(|(at, _)| *at < before + came) {
                sleep(time).await;
            }
            response.incoming.had_paused();
        }
    }
}

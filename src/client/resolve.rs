//! From an image name to a digest: the first step of a pull, a poll and a deletion.

use http::StatusCode;

use super::error::Error;
use crate::oci::{Algorithm, Digest, ImageName, MediaType, Reference};
use crate::profile::{Resolve, ResolveFallback};
use crate::registry::{self, Client};

/// Resolves a name by `HEAD`. `None`: the response is not enough for this client, which goes on with `GET`.
pub(super) async fn by_head(
    client: &Client,
    name: &ImageName,
    fallback: ResolveFallback,
) -> Result<Option<(Digest, Option<MediaType>)>, Error> {
    let (repository, reference) = (&name.repository, &name.reference);
    let (digest, media_type) = match client.manifest_head(repository, reference).await {
        Ok(Some(head)) => (head.digest, head.media_type),
        Ok(None) if fallback == ResolveFallback::NotAllowed => {
            return Err(Error::NotFound(name.to_string()));
        }
        Ok(None) => (None, None),
        // The GET shows why, in an error body that a response to HEAD cannot have.
        Err(error) if falls_back(fallback, &error) => (None, None),
        Err(error) => return Err(error.into()),
    };
    let digest = digest.or(match reference {
        Reference::Digest(digest) => Some(*digest),
        Reference::Tag(_) => None,
    });
    Ok(digest.map(|digest| (digest, media_type)))
}

fn falls_back(fallback: ResolveFallback, error: &registry::Error) -> bool {
    error.status().is_some_and(|status| match fallback {
        ResolveFallback::Refused => status.is_client_error(),
        ResolveFallback::NotAllowed => status == StatusCode::METHOD_NOT_ALLOWED,
    })
}

/// Resolves a name in that way.
pub(super) async fn digest_of(
    client: &Client,
    name: &ImageName,
    how: Resolve,
) -> Result<Digest, Error> {
    if let Resolve::Head(fallback) = how
        && let Some((digest, _)) = by_head(client, name, fallback).await?
    {
        return Ok(digest);
    }
    let (repository, reference) = (&name.repository, &name.reference);
    let manifest = client.manifest_get(repository, reference).await?;
    Ok(match reference {
        Reference::Digest(digest) => *digest,
        Reference::Tag(_) => manifest.digest(Algorithm::Sha256),
    })
}

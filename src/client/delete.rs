//! A deletion: of a manifest of its own, which is stored first, so that there is something to delete each time.

use super::error::Error;
use super::resolve::digest_of;
use crate::oci::{Algorithm, Manifest, Reference, Version};
use crate::profile::DeleteBy;
use crate::registry::Client;

/// Stores a manifest, whose blobs are there already, and deletes it as the client does.
///
/// # Errors
/// [`Error`] at the first thing that fails. Many registries do not delete: 405. One that no longer has the manifest
/// has lost it: [`Error::NotFound`].
///
/// # Cancel safety
/// Exchanges under way count as cancelled; the manifest may be left in the registry.
pub async fn delete(
    client: &Client,
    reference: &Reference,
    manifest: &Manifest,
) -> Result<(), Error> {
    let (repository, version) = (&reference.repository, &reference.version);
    client.manifest_put(repository, version, manifest).await?;
    if client.habits().ping {
        client.greet().await?;
    }
    let resolve = client.habits().pull.resolve;
    let version = match client.habits().delete {
        DeleteBy::Resolved => Version::Digest(digest_of(client, reference, resolve).await?),
        DeleteBy::Digest => Version::Digest(manifest.digest(Algorithm::Sha256)),
        DeleteBy::Tag => version.clone(),
    };
    if client.manifest_delete(repository, &version).await? {
        return Ok(());
    }
    let reference = Reference {
        repository: repository.clone(),
        version,
    };
    Err(Error::NotFound(reference.to_string()))
}

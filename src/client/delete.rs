//! A deletion of a manifest that is stored first, so that each iteration has one to delete.

use super::error::Error;
use super::resolve::digest_of;
use crate::oci::{Algorithm, ImageName, Manifest, Reference};
use crate::profile::DeleteBy;
use crate::registry::Client;

/// Stores a manifest, whose blobs exist already, and deletes it as the client does.
///
/// # Errors
/// Returns [`Error`] at the first failure. Many registries refuse to delete (405). [`Error::NotFound`]: the registry
/// has lost the manifest.
///
/// # Cancel safety
/// Exchanges under way count as cancelled; the manifest may be left in the registry.
pub async fn delete(client: &Client, name: &ImageName, manifest: &Manifest) -> Result<(), Error> {
    let (repository, reference) = (&name.repository, &name.reference);
    client.manifest_put(repository, reference, manifest).await?;
    if client.habits().ping {
        client.greet().await?;
    }
    let resolve = client.habits().pull.resolve;
    let reference = match client.habits().delete {
        DeleteBy::Resolved => Reference::Digest(digest_of(client, name, resolve).await?),
        DeleteBy::Digest => Reference::Digest(manifest.digest(Algorithm::Sha256)),
        DeleteBy::Tag => reference.clone(),
    };
    if client.manifest_delete(repository, &reference).await? {
        return Ok(());
    }
    let name = ImageName {
        repository: repository.clone(),
        reference,
    };
    Err(Error::NotFound(name.to_string()))
}

//! A poll: looks up the digest that a tag points at now.

use super::error::Error;
use super::resolve::digest_of;
use crate::oci::{Digest, ImageName};
use crate::profile::Resolve;
use crate::registry::Client;

/// Looks up the digest of a reference in that way, whatever the client's own way of resolving is.
///
/// # Errors
/// Returns [`Error`] if the registry does not state the digest, or has no such tag.
///
/// # Cancel safety
/// Exchanges under way count as cancelled.
pub async fn poll(client: &Client, name: &ImageName, how: Resolve) -> Result<Digest, Error> {
    if client.habits().ping {
        client.greet().await?;
    }
    digest_of(client, name, how).await
}

//! A poll: looks up the digest that a tag points at now.

use super::error::Error;
use super::resolve::digest_of;
use crate::oci::{Digest, ImageName};
use crate::profile::Resolve;
use crate::registry::Client;

/// Asks what a tag points at, in that way, whatever the client's own way of resolving is.
///
/// # Errors
/// [`Error`] when the registry does not tell, or has no such tag.
///
/// # Cancel safety
/// Exchanges under way count as cancelled.
pub async fn poll(client: &Client, name: &ImageName, how: Resolve) -> Result<Digest, Error> {
    if client.habits().ping {
        client.greet().await?;
    }
    digest_of(client, name, how).await
}

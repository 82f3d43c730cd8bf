//! A copy of an image from one repository to another of the same registry: it is read as by a pull and stored as by a push.

use super::error::Error;
use super::pull::manifest_of;
use super::push::{Pushed, push_from};
use super::push_job::{Known, PushOptions};
use super::source::Source;
use crate::content::Image;
use crate::oci::{Descriptor, ImageName, Reference};
use crate::registry::Client;

/// Copies an image, or an index with its images, whose manifest must be the one that is known. The blobs that are not mounted are
/// fetched and sent on as they arrive.
///
/// # Errors
/// Returns [`Error`] at the first failure, of either side. Abandoned upload sessions are cancelled by
/// [`Client::cancel_abandoned`].
///
/// # Cancel safety
/// Exchanges under way count as cancelled; what the registry has stored stays.
pub async fn copy(
    client: &Client,
    (from, to): (&ImageName, &ImageName),
    image: &Image,
) -> Result<Pushed, Error> {
    let habits = client.habits().copy;
    if client.habits().ping {
        client.greet().await?;
    }
    let found = manifest_of(client, from).await?;
    let expected = image.descriptor().digest;
    let found = found.digest(expected.algorithm());
    if found != expected {
        return Err(Error::Changed {
            name: from.to_string(),
            expected: expected.to_string(),
            found: found.to_string(),
        });
    }
    let mut children: Vec<&Image> = image.children().iter().collect();
    while let Some(child) = children.pop() {
        let Descriptor {
            media_type, digest, ..
        } = child.descriptor();
        let reference = Reference::Digest(*digest);
        client
            .manifest_get_as(&from.repository, &reference, Some(media_type))
            .await?;
        children.extend(child.children());
    }
    let options = PushOptions {
        mount_from: habits.mounts.then(|| from.repository.clone()),
        known: Known::Nothing,
    };
    let source = Source {
        client,
        repository: &from.repository,
        habits,
    };
    let pushed = push_from(client, to, image, &options, (&(), Some(source))).await?;
    if habits.reads_back {
        let reference = Reference::Digest(expected);
        let media_type = Some(&image.descriptor().media_type);
        client
            .manifest_get_as(&to.repository, &reference, media_type)
            .await?;
    }
    Ok(pushed)
}

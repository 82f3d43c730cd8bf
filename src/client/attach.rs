//! Attaching artifacts to an image, with the index under the fallback tag for registries without a referrers list.

use super::error::Error;
use super::push::{push, tag};
use super::push_job::{PushOptions, Watch};
use crate::content::Image;
use crate::oci::{
    Algorithm, Content, Descriptor, Digest, Entry, ImageIndex, ImageName, Manifest, MediaType,
    Reference, RepositoryName,
};
use crate::registry::{Client, referrers_tag};

/// Pushes artifacts that refer to `subject`. If the registry does not link them to it, the index under the fallback
/// tag is updated, once for all of them; its digest is then returned.
///
/// # Spec
/// distribution-spec, "Pushing Manifests with Subject" and "Referrers Tag Schema".
///
/// # Errors
/// Returns [`Error`] at the first failure.
///
/// # Cancel safety
/// Exchanges under way count as cancelled; what the registry has stored stays. Two clients that update the index of
/// one image at once may lose the entries of one of them: the specification allows it.
pub async fn attach(
    client: &Client,
    (repository, subject, artifacts): (&RepositoryName, &Digest, &[Image]),
    options: &PushOptions,
    watch: &dyn Watch,
) -> Result<Option<Digest>, Error> {
    let mut unlinked = Vec::new();
    for artifact in artifacts {
        let name = ImageName {
            repository: repository.clone(),
            reference: Reference::Digest(artifact.descriptor().digest),
        };
        let pushed = Box::pin(push(client, &name, artifact, options, watch)).await?;
        if pushed.unlinked > 0 {
            unlinked.push(entry(artifact));
        }
    }
    if unlinked.is_empty() {
        return Ok(None);
    }
    let mut manifests = client.referrers_by_tag(repository, subject).await?;
    let is_new = |new: &Descriptor| {
        let mut known = manifests.iter().map(Entry::digest);
        known.all(|known| known != Ok(&new.digest))
    };
    unlinked.retain(is_new);
    manifests.extend(unlinked.into_iter().map(Entry::from));
    let index = ImageIndex {
        schema_version: 2,
        media_type: Some(MediaType::OciIndex),
        artifact_type: None,
        manifests,
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let index = Manifest::from_index(&index, MediaType::OciIndex);
    let reference = Reference::Tag(referrers_tag(subject));
    let digest = index.digest(Algorithm::Sha256);
    tag(client, repository, &reference, (&index, &digest), watch).await?;
    Ok(Some(digest))
}

/// The entry of an artifact in an index.
fn entry(artifact: &Image) -> Descriptor {
    let artifact_type = match artifact.manifest().content() {
        Content::Image(manifest) => {
            let config = manifest
                .config
                .media_type()
                .map(|it| it.as_str().to_owned());
            manifest.artifact_type.clone().or(config)
        }
        Content::Index(index) => index.artifact_type.clone(),
        Content::Schema1(_) => None,
    };
    Descriptor {
        artifact_type,
        ..artifact.descriptor().clone()
    }
}

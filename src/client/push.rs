//! A push: layers and config in parallel, then the manifest; the images of an index before the index.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use super::error::Error;
use super::push_job::{Job, PushOptions, Upload, Uploaded, Watch};
use super::source::Source;
use super::upload::upload;
use crate::content::{Blob, Image};
use crate::oci::{
    Content, Descriptor, Digest, ImageName, Manifest, MediaType, Reference, RepositoryName,
};
use crate::profile::{LayerOrder, ManifestCheck};
use crate::registry::{Client, Stored};

/// Runs a part of a push, retries it as `watch` says, and reports a refusal to it.
async fn persist<T>(
    watch: &dyn Watch,
    digest: &Digest,
    part: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut failed = 0;
    loop {
        let error = match part().await {
            Err(Error::Registry(error)) => error,
            done => return done,
        };
        if error.status().is_some() {
            watch.refused(digest);
        }
        let Some(pause) = watch.again(&error, failed) else {
            return Err(error.into());
        };
        failed += 1;
        sleep(pause).await;
    }
}

/// The number of blobs, by how they came into the registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blobs that existed.
    pub existed: usize,
    /// Blobs mounted from another repository.
    pub mounted: usize,
    /// Blobs sent.
    pub sent: usize,
    /// Bytes of the blobs sent.
    pub bytes: u64,
}

impl Tally {
    fn add(self, other: Self) -> Self {
        Self {
            existed: self.existed + other.existed,
            mounted: self.mounted + other.mounted,
            sent: self.sent + other.sent,
            bytes: self.bytes + other.bytes,
        }
    }

    fn of(blob: &Blob, how: Uploaded) -> Self {
        let mut tally = Self::default();
        match how {
            Uploaded::Existed => tally.existed = 1,
            Uploaded::Mounted => tally.mounted = 1,
            Uploaded::Sent => {
                tally.sent = 1;
                tally.bytes = blob.size();
            }
        }
        tally
    }
}

/// An image that has been pushed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Its blobs, and those of its children.
    pub blobs: Tally,
    /// Manifests stored, including the index.
    pub manifests: usize,
    /// Manifests that existed and were not stored again.
    pub manifests_existed: usize,
    /// Manifests with a subject that the registry did not link to it.
    pub unlinked: usize,
}

/// Pushes an image, or an index with its images.
///
/// # Errors
/// Returns [`Error`] at the first failure. Abandoned upload sessions are cancelled by [`Client::cancel_abandoned`].
///
/// # Cancel safety
/// Exchanges under way count as cancelled; what the registry has stored stays.
pub async fn push(
    client: &Client,
    name: &ImageName,
    image: &Image,
    options: &PushOptions,
    watch: &dyn Watch,
) -> Result<Pushed, Error> {
    push_from(client, name, image, options, (watch, None)).await
}

/// Pushes an image whose blobs come from here or, for a copy, from another repository.
pub(super) async fn push_from(
    client: &Client,
    name: &ImageName,
    image: &Image,
    options: &PushOptions,
    (watch, source): (&dyn Watch, Option<Source<'_>>),
) -> Result<Pushed, Error> {
    let job = Job {
        source,
        client: &client.for_push(&name.repository),
        repository: &name.repository,
        habits: &client.habits().push,
        options,
        watch,
        mounting: OnceCell::new(),
    };
    if client.habits().ping {
        client.greet().await?;
    }
    let mut pushed = Pushed::default();
    let reference = &name.reference;
    if job.is_there(image, reference).await? {
        pushed.manifests_existed += 1;
        // The tag may be missing although the manifest exists.
        if job.habits.manifest_check == ManifestCheck::First {
            return Ok(pushed);
        }
        if matches!(reference, Reference::Tag(_)) {
            job.store(image, reference, &mut pushed).await?;
        }
        return Ok(pushed);
    }
    if job.habits.blobs_before_manifests {
        let mut seen = BTreeSet::new();
        job.blobs(all_blobs(image, &mut seen), &mut pushed).await?;
        job.manifests(image, reference, &mut pushed).await?;
    } else {
        job.image(image, reference, &mut pushed).await?;
    }
    Ok(pushed)
}

/// Stores a manifest whose blobs exist, as a part of a push.
///
/// # Errors
/// Returns [`Error`] if the registry refuses it.
///
/// # Cancel safety
/// A dropped call counts as cancelled; the manifest may be stored.
pub async fn tag(
    client: &Client,
    repository: &RepositoryName,
    reference: &Reference,
    (manifest, digest): (&Manifest, &Digest),
    watch: &dyn Watch,
) -> Result<Stored, Error> {
    let put = async || {
        watch.storing(digest);
        Ok(client.manifest_put(repository, reference, manifest).await?)
    };
    persist(watch, digest, put).await
}

/// Boxed, because a step recurses into the images of an index.
type Step<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

impl<'a> Job<'a> {
    /// Pushes the images of an index, then the blobs of an image, then the manifest.
    fn image(
        &'a self,
        image: &'a Image,
        reference: &'a Reference,
        pushed: &'a mut Pushed,
    ) -> Step<'a> {
        Box::pin(async move {
            for child in image.children() {
                let reference = Reference::Digest(child.descriptor().digest);
                self.image(child, &reference, pushed).await?;
            }
            self.blobs(own_blobs(image), pushed).await?;
            self.manifest(image, reference, pushed).await
        })
    }

    /// Stores the manifests of an index's images, then its own.
    fn manifests(
        &'a self,
        image: &'a Image,
        reference: &'a Reference,
        pushed: &'a mut Pushed,
    ) -> Step<'a> {
        Box::pin(async move {
            for child in image.children() {
                let reference = Reference::Digest(child.descriptor().digest);
                self.manifests(child, &reference, pushed).await?;
            }
            self.manifest(image, reference, pushed).await
        })
    }

    /// Uploads blobs, with the client's parallelism.
    async fn blobs(&self, blobs: Vec<Named<'_>>, pushed: &mut Pushed) -> Result<(), Error> {
        let (configs, mut layers): (Vec<_>, Vec<_>) =
            blobs.into_iter().partition(|it| it.layer.is_none());
        if self.habits.layers == LayerOrder::TopFirst {
            layers.reverse();
        }
        let groups = if self.habits.config_last {
            vec![layers, configs]
        } else {
            layers.extend(configs);
            vec![layers]
        };
        let copied = self.source.map(|source| source.habits.parallel);
        let parallel = copied.unwrap_or(self.habits.parallel);
        for group in groups {
            let tally = stream::iter(group)
                .map(|it| self.blob(it))
                .buffer_unordered(parallel.get())
                .try_fold(
                    Tally::default(),
                    |sum, tally| async move { Ok(sum.add(tally)) },
                )
                .await?;
            pushed.blobs = pushed.blobs.add(tally);
        }
        Ok(())
    }

    async fn blob(&self, named: Named<'_>) -> Result<Tally, Error> {
        // A client that mounts a layer knows it from the other repository.
        let is_known = self.options.mount_from.is_some()
            || named.layer.is_some_and(|it| self.options.known.has(it));
        let job = Upload {
            blob: named.blob,
            is_config: named.layer.is_none(),
            is_known,
        };
        let digest = &named.blob.descriptor().digest;
        let how = persist(self.watch, digest, async || upload(self, job).await).await?;
        self.watch.uploaded(named.blob, how);
        Ok(Tally::of(named.blob, how))
    }

    /// Returns `true` if the client checks for the manifest before anything else and the registry has it.
    async fn is_there(&self, image: &Image, reference: &Reference) -> Result<bool, Error> {
        let digest = image.descriptor().digest;
        match self.habits.manifest_check {
            ManifestCheck::Never | ManifestCheck::BeforePut => Ok(false),
            ManifestCheck::First => self.has(reference, None, &digest).await,
            ManifestCheck::FirstByDigest => {
                self.has(&Reference::Digest(digest), None, &digest).await
            }
        }
    }

    async fn has(
        &self,
        reference: &Reference,
        media_type: Option<&MediaType>,
        digest: &Digest,
    ) -> Result<bool, Error> {
        let head = self
            .client
            .manifest_head_as(self.repository, reference, media_type)
            .await?;
        Ok(head.is_some_and(|head| match (head.digest, reference) {
            (Some(found), _) => found == *digest,
            // A registry that finds a digest has that content.
            (None, reference) => *reference == Reference::Digest(*digest),
        }))
    }

    async fn manifest(
        &self,
        image: &Image,
        reference: &Reference,
        pushed: &mut Pushed,
    ) -> Result<(), Error> {
        if self.habits.manifest_check == ManifestCheck::BeforePut {
            let Descriptor {
                media_type, digest, ..
            } = image.descriptor();
            if self.has(reference, Some(media_type), digest).await? {
                pushed.manifests_existed += 1;
                return Ok(());
            }
        }
        self.store(image, reference, pushed).await
    }

    async fn store(
        &self,
        image: &Image,
        reference: &Reference,
        pushed: &mut Pushed,
    ) -> Result<(), Error> {
        let manifest = (image.manifest(), &image.descriptor().digest);
        let stored = tag(
            self.client,
            self.repository,
            reference,
            manifest,
            self.watch,
        )
        .await?;
        pushed.manifests += 1;
        pushed.unlinked += usize::from(refers(image) && !stored.subject_linked);
        Ok(())
    }
}

/// A blob and its position in its image.
#[derive(Debug, Clone, Copy)]
struct Named<'a> {
    blob: &'a Blob,
    layer: Option<usize>, // from the bottom; `None`: the config
}

/// Returns `true` if the manifest names a subject.
fn refers(image: &Image) -> bool {
    match image.manifest().content() {
        Content::Image(manifest) => manifest.subject.is_some(),
        Content::Index(index) => index.subject.is_some(),
        Content::Schema1(_) => false,
    }
}

/// Returns the blobs of an image itself, the bottom layer first, the config last.
fn own_blobs(image: &Image) -> Vec<Named<'_>> {
    let layers = image.layers().len();
    image
        .blobs()
        .enumerate()
        .map(|(place, blob)| Named {
            blob,
            layer: (place < layers).then_some(place),
        })
        .collect()
}

/// Returns the blobs of an image and its children, each digest once.
fn all_blobs<'a>(image: &'a Image, seen: &mut BTreeSet<Digest>) -> Vec<Named<'a>> {
    let mut blobs: Vec<Named<'a>> = Vec::new();
    for child in image.children() {
        blobs.extend(all_blobs(child, seen));
    }
    let own = own_blobs(image).into_iter();
    blobs.extend(own.filter(|it| seen.insert(it.blob.descriptor().digest)));
    blobs
}

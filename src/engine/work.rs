//! What a journey does in one iteration.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;

use super::images::Images;
use super::occasion::Occasion;
use super::replay::{Watch, replay};
use crate::client::{
    self, BlobSlot, Discard, Known, LazyOptions, PullOptions, Pulled, PushOptions, Store,
};
use crate::content::Salt;
use crate::oci::{Content, Digest, Manifest, Reference};
use crate::plan::{Action, Cache, CopyImage, Delete, Journey, PollMethod, Pull, Push, Referrers};
use crate::profile::{Habits, Resolve, ResolveFallback};
use crate::registry::{Client, Wanted};

/// What one iteration of a journey does, with its options ready.
pub(super) enum Work {
    Pull(PullOptions, Cache),
    LazyPull(LazyOptions),
    Push(Push),
    Copy(CopyImage),
    Poll(Resolve),
    ListTags,
    Catalog,
    Referrers(Referrers),
    Delete(Delete),
    Replay,
}

/// Which iteration of a journey is done.
pub(super) struct Iteration<'a> {
    pub(super) journey: usize,
    /// Of the images of the journey.
    pub(super) image: usize,
    pub(super) salt: Salt,
    /// The session, where a trace is replayed.
    pub(super) occasion: Occasion,
    /// Where its requests are counted, where a trace is replayed.
    pub(super) watch: Option<Watch<'a>>,
}

impl Work {
    pub(super) fn of(journey: &Journey, habits: &Habits) -> Self {
        match &journey.action {
            Action::Pull(Pull {
                verify,
                platform,
                cache,
                ..
            }) => Self::Pull(
                PullOptions {
                    verify: *verify,
                    platform: platform.clone(),
                },
                *cache,
            ),
            Action::LazyPull(pull) => Self::LazyPull(LazyOptions {
                pull: PullOptions {
                    verify: pull.verify,
                    platform: pull.platform.clone(),
                },
                read: pull.read_fraction,
                background: pull.background_fetch,
                period: pull.period(),
                soci: pull.asks_for_soci(),
            }),
            Action::Push(push) => Self::Push(push.clone()),
            Action::CopyImage(copy) => Self::Copy(copy.clone()),
            Action::Poll(poll) => Self::Poll(match (poll.method(habits), habits.pull.resolve) {
                (PollMethod::Get, _) => Resolve::Get,
                (PollMethod::Head, Resolve::Head(fallback)) => Resolve::Head(fallback),
                (PollMethod::Head, Resolve::Get) => Resolve::Head(ResolveFallback::NotAllowed),
            }),
            Action::ListTags(_) => Self::ListTags,
            Action::Catalog(_) => Self::Catalog,
            Action::Referrers(list) => Self::Referrers(list.clone()),
            Action::Delete(delete) => Self::Delete(delete.clone()),
            Action::Replay(_) => Self::Replay,
        }
    }

    /// Does it once, with one image of the journey's set. Returns the image that a tag led to, of actions that resolve one.
    pub(super) async fn once(
        &self,
        images: &Images,
        client: &Client,
        iteration: Iteration<'_>,
    ) -> Result<Option<Digest>, client::Error> {
        let Iteration {
            journey,
            image,
            salt,
            occasion,
            watch,
        } = iteration;
        let place = || &images.places(journey)[image];
        match self {
            // Boxed, so that a user who waits is small.
            Self::Pull(options, cache) => {
                let store = Local::new(*cache);
                let pulled = client::pull(client, place(), options, &store);
                return match Box::pin(pulled).await? {
                    Pulled::Image(image) => Ok(Some(image.manifest.descriptor().digest)),
                    Pulled::UpToDate(_) => Ok(None),
                };
            }
            Self::LazyPull(options) => {
                Box::pin(client::lazy_pull(client, place(), options)).await?;
            }
            Self::Push(push) => {
                let job = images.push(journey, push, image, salt).ok_or(NO_IMAGE)?;
                let options = PushOptions {
                    mount_from: push.mount_from.clone(),
                    known: known(push, job.image.layers().len()),
                };
                let push = client::push(client, &job.name, &job.image, &options, &());
                Box::pin(push).await?;
            }
            Self::Copy(copy) => {
                let job = images.copy(copy, image, salt).ok_or(NO_IMAGE)?;
                let copy = client::copy(client, (place(), &job.name), &job.image);
                Box::pin(copy).await?;
            }
            Self::Poll(how) => {
                return Box::pin(client::poll(client, place(), *how))
                    .await
                    .map(Some);
            }
            Self::ListTags => drop(Box::pin(client::list_tags(client, &place().repository)).await?),
            Self::Catalog => drop(Box::pin(client::catalog(client)).await?),
            Self::Referrers(list) => {
                let mut name = place().clone();
                if let Some(image) = images.image(list.images.set, image) {
                    name.reference = Reference::Digest(image.descriptor().digest);
                }
                let artifact_type = list.artifact_type.as_deref();
                Box::pin(client::referrers(client, &name, artifact_type)).await?;
            }
            Self::Delete(delete) => {
                let job = images
                    .delete(journey, delete, image, salt)
                    .ok_or(NO_IMAGE)?;
                Box::pin(client::delete(client, &job.name, &job.manifest)).await?;
            }
            Self::Replay => {
                let replayed = images.replay(journey).ok_or(NO_IMAGE)?;
                let watch = watch.ok_or(NO_IMAGE)?;
                Box::pin(replay(replayed, client, &watch, occasion)).await?;
            }
        }
        Ok(None)
    }
}

/// Returns the layers of an image of so many that a push knows.
fn known(push: &Push, layers: usize) -> Known {
    match push.cache {
        Cache::Cold => Known::Nothing,
        Cache::Warm => Known::Everything,
        Cache::Share(_) => Known::Layers(push.cache.layers(layers)),
    }
}

/// Scenarios are read so that this does not happen; if it does, the iteration has not done what it is for.
const NO_IMAGE: client::Error = client::Error::Nothing(
    "the set has no image here that could be sent, or its place has no name",
);

/// A store that throws everything away, and makes believe that a part of it was there before.
struct Local {
    cache: Cache,
    here: RefCell<BTreeSet<Digest>>, // layers of the image under way
}

impl Local {
    const fn new(cache: Cache) -> Self {
        Self {
            cache,
            here: RefCell::new(BTreeSet::new()),
        }
    }
}

impl Store for Local {
    fn has(&self, _: &Digest) -> bool {
        self.cache == Cache::Warm
    }

    fn manifest(&self, manifest: &Manifest) -> io::Result<()> {
        if let (Cache::Share(_), Content::Image(image)) = (self.cache, manifest.content()) {
            let here = self.cache.layers(image.layers.len());
            let layers = image.layers.iter().take(here);
            let digests = layers.flat_map(|layer| layer.digest());
            *self.here.borrow_mut() = digests.copied().collect();
        }
        Ok(())
    }

    fn slot(&self, wanted: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>> {
        let here = match self.cache {
            Cache::Cold => false,
            Cache::Warm => true,
            Cache::Share(_) => self.here.borrow().contains(&wanted.digest),
        };
        if here { Ok(None) } else { Discard.slot(wanted) }
    }
}

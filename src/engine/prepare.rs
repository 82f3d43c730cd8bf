//! Preparation of a target: pings it, looks for images that should be there, and seeds those that pulls expect.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout};

use super::error::Error;
use super::inventory::Inventory;
use super::leftovers::{Leftovers, stored_again};
use super::observer::{Recording, SharedRecorder};
use super::retries::Retries;
use super::seeds::Seed;
use super::shared::Shared;
use super::stop::Stop;
use super::used::used_journeys;
use super::user_states::UserStates;
use crate::measure::{Record, Recorder};
use crate::oci::{Digest, ImageName, ImageSelector, Reference, RepositoryName};
use crate::plan::{CleanUp, ImageSource};
use crate::profile::{Accepted, ConnectionPolicy, PushMethod};
use crate::registry::{self, Client};
use crate::transport::{Pool, Totals};
use crate::units;

/// The longest that one exchange of seeding may take: a blob of many gigabytes is allowed its time. A silence ends sooner.
const LONGEST_SEED: Duration = Duration::from_hours(24);

/// Request timeout of a look-up or a deletion; shorter if the request timeout of every journey is.
const LOOK_UP: Duration = Duration::from_secs(30);

/// How long sessions may take to be cancelled when seeding was given up.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// The client that works before and after the loads of a target, and its counts.
pub(super) struct SetupClient {
    pub(super) shared: Arc<Shared>,
    recorder: SharedRecorder,
    pub(super) recording: Rc<Recording>,
    totals: Rc<Totals>,
    /// Bytes sent and received that a record has already.
    counted: (u64, u64),
    pub(super) client: Client, // looks up and deletes
    pub(super) seeder: Client, // pushes, and fetches what is long
    pub(super) inventory: Inventory,
    pub(super) retries: Retries,
    pub(super) stop: Stop,
    /// What no count tells.
    pub(super) notes: Vec<String>,
}

impl SetupClient {
    pub(super) fn new(shared: &Arc<Shared>, stop: Stop) -> Self {
        let recorder = Recorder::new(&shared.catalogue, &shared.views, Duration::ZERO);
        let recorder = Rc::new(RefCell::new(recorder));
        let track = shared.catalogue.track(0);
        let track = track.expect("a plan has at least one load of one journey");
        let recording = Recording::new(
            Rc::clone(&recorder),
            Instant::now(),
            track,
            UserStates::of(1),
            None,
        );
        let recording = Rc::new(recording);
        let totals = Rc::<Totals>::default();
        // `parallel` images with `parallel` blobs each share as many connections, not their square.
        let parallel = shared.plan.prepare.parallel;
        let target = &shared.target;
        let mut habits = target.habits();
        habits.connections = ConnectionPolicy::Shared {
            pool_size: parallel,
        };
        habits.push.method = PushMethod::Put;
        habits.push.config_method = PushMethod::Put;
        habits.push.parallel = parallel;
        // The run judges how the registry responds to journeys, not to its preparation.
        habits.accepted = Accepted::ANY_SUCCESS;
        let settings = registry::pool_settings(&habits);
        let pool = Pool::new(settings, target.dialer(0), Rc::clone(&totals));
        let settings = registry::pool_settings(&habits);
        let seeding = if target.has_upstream() {
            Pool::new(settings, target.seeding_dialer(), Rc::clone(&totals))
        } else {
            Rc::clone(&pool)
        };
        let journeys = shared.plan.journeys.iter();
        let timeout = journeys.map(|journey| journey.request_timeout).max();
        let client = |settings, pool| Client::new(settings, pool, Rc::clone(&recording) as _);
        let look_up = timeout.map_or(LOOK_UP, |it| it.min(LOOK_UP));
        let seeder = client(target.seeder(&habits, LONGEST_SEED), seeding);
        let client = client(target.client(&habits, look_up), pool);
        Self {
            shared: Arc::clone(shared),
            recorder,
            recording,
            totals,
            counted: (0, 0),
            client,
            seeder,
            inventory: Inventory::default(),
            retries: Retries::default(),
            stop,
            notes: Vec::new(),
        }
    }

    /// Pings the target, and returns the headers of its response.
    pub(super) async fn ping(&mut self) -> Result<HeaderMap, Error> {
        let stop = &mut self.stop;
        tokio::select! {
            pinged = self.client.ping() => pinged.map_err(Error::Target),
            () = stop.wait_asked() => Err(Error::Interrupted),
        }
    }

    /// Measures the median of five pings. `None` if one failed, or the run is stopped.
    pub(super) async fn ping_time(&mut self) -> Option<Duration> {
        let mut times = Vec::with_capacity(5);
        for _ in 0..5 {
            let began = Instant::now();
            self.ping().await.ok()?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        times.get(2).copied()
    }

    /// Checks that the images are there that the scenario takes as existing. Only a 404 means that one is missing: other
    /// failures are for the load to find.
    pub(super) async fn find_existing(&mut self) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let existing = shared.plan.used_sets().into_iter().flat_map(|set| {
            let set = &shared.plan.images[set];
            let references = match &set.source {
                ImageSource::Existing(references) => references.as_slice(),
                _ => &[],
            };
            // What globs find is there.
            references.iter().filter_map(move |it| match it {
                ImageSelector::Name(name) => Some((set.name.as_str(), name)),
                ImageSelector::Glob(_) => None,
            })
        });
        let client = &self.client;
        let asked = stream::iter(existing)
            .map(|(set, it)| async move { is_denied(client, it).await.then_some((set, it)) })
            .buffered(shared.plan.prepare.parallel.get())
            .filter_map(std::future::ready);
        let missing = self.stop.until_asked(asked.collect::<Vec<_>>()).await?;
        let Some((set, name)) = missing.first() else {
            return Ok(());
        };
        Err(Error::Missing {
            set: (*set).to_owned(),
            reference: name.to_string(),
            others: missing.len() - 1,
        })
    }

    /// Looks for content that users will store in several iterations and that is in the registry already: clean-up spares it.
    pub(super) async fn take_stock(&mut self) -> Result<(), Error> {
        let policy = self.shared.plan.prepare.clean_up;
        if policy == CleanUp::None {
            return Ok(());
        }
        let found = stream::iter(stored_again(&self.shared))
            .map(|place| self.look(place, policy))
            .buffer_unordered(self.shared.plan.prepare.parallel.get())
            .try_collect::<()>();
        self.stop.clone().until_asked(found).await?
    }

    async fn look(&self, place: Leftovers, policy: CleanUp) -> Result<(), Error> {
        let Leftovers {
            repository,
            manifests,
            mut blobs,
        } = place;
        if policy != CleanUp::All {
            blobs.clear();
        }
        let client = self.client.for_push(&repository);
        for digest in blobs {
            let asked = async || client.blob_head(&repository, &digest).await;
            let found = self.retries.run(asked).await;
            if found.map_err(|it| look_failed(&repository, it))?.is_some() {
                self.inventory.lay_there(&repository, digest);
            }
        }
        self.look_for(&client, &repository, manifests).await
    }

    async fn look_for(
        &self,
        client: &Client,
        repository: &RepositoryName,
        manifests: Vec<Digest>,
    ) -> Result<(), Error> {
        for digest in manifests {
            let reference = Reference::Digest(digest);
            let asked = async || client.manifest_head(repository, &reference).await;
            let found = self.retries.run(asked).await;
            if found.map_err(|it| look_failed(repository, it))?.is_some() {
                self.inventory.lay_there(repository, digest);
            }
        }
        Ok(())
    }

    /// Pushes what the journeys expect to find, and reports each image to `seeded`.
    pub(super) async fn seed(&mut self, mut seeded: impl FnMut(Seeded)) -> Result<Seeded, Error> {
        let jobs = Seed::all(&self.shared.plan, &self.shared.images);
        let of = jobs.len();
        let mut progress = Seeded {
            images: 0,
            of,
            bytes: 0,
        };
        let this = &*self;
        let work = async {
            let mut pushes = stream::iter(jobs)
                .map(|seed| this.push(seed))
                .buffer_unordered(this.shared.plan.prepare.parallel.get());
            while let Some(bytes) = pushes.try_next().await? {
                progress.images += 1;
                progress.bytes += bytes;
                seeded(progress);
            }
            Ok(())
        };
        let limit = this.longest_request();
        let mut stop = this.stop.clone();
        let done = tokio::select! {
            done = work => done,
            () = this.retries.stalled(&this.totals, limit) => Err(None),
            () = stop.wait_asked() => Err(Some(Error::Interrupted)),
        };
        let done = done.map_err(|error| {
            error.unwrap_or(Error::Silence {
                limit,
                seeded: progress.images,
                of,
            })
        });
        if done.is_err() {
            self.inventory.cut_off();
            let _ = timeout(CANCEL_TIME, self.seeder.cancel_abandoned()).await;
        }
        // Connections of seeding must not stay open while the load runs. Clean-up makes its own.
        self.seeder.pool().clear();
        done.map(|()| progress)
    }

    /// Pushes one seed. Clean-up spares those of its manifests that are there already; the push itself finds such blobs.
    async fn push(&self, seed: Seed) -> Result<u64, Option<Error>> {
        let repository = &seed.name.repository;
        if self.shared.plan.prepare.clean_up != CleanUp::None {
            let client = self.seeder.for_push(repository);
            let manifests = seed.manifests();
            self.look_for(&client, repository, manifests).await?;
        }
        let planting = self.inventory.planting(repository, &self.retries);
        let pushed = seed.push(&self.seeder, &planting).await;
        pushed.map_err(|source| {
            Some(Error::Seed {
                reference: seed.name.to_string(),
                source: Box::new(source),
            })
        })
    }

    /// Returns the longest that an exchange of any journey may take, and so the longest silence.
    fn longest_request(&self) -> Duration {
        let journeys = used_journeys(&self.shared.plan);
        let longest = journeys.map(|(_, journey)| journey.request_timeout).max();
        longest.unwrap_or(LOOK_UP)
    }

    /// Notes how many requests were retried.
    pub(super) fn note_retries(&mut self, what: &str) {
        let again = self.retries.take_count();
        if again > 0 {
            let (many, were) = if again == 1 {
                ("request", "was")
            } else {
                ("requests", "were")
            };
            let again = units::count(again);
            let note = format!("{what}: {again} {many} failed and {were} tried again");
            self.notes.push(note);
        }
    }

    /// Returns the counts of what was done since this was last asked.
    pub(super) fn take_record(&mut self) -> Record {
        let shared = &self.shared;
        let next = Recorder::new(&shared.catalogue, &shared.views, Duration::ZERO);
        let mut recorder = self.recorder.replace(next);
        let (sent, received) = self.counted;
        self.counted = (self.totals.sent(), self.totals.received());
        recorder.transport_bytes(self.counted.0 - sent, self.counted.1 - received);
        recorder.into_record()
    }
}

/// How far seeding has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Images that are in the registry.
    pub images: usize,
    /// Images there are to be.
    pub of: usize,
    /// Bytes of blobs that were sent for them.
    pub bytes: u64,
}

/// Returns `true` if the registry does not have the image: neither `HEAD` nor `GET` finds it.
async fn is_denied(client: &Client, name: &ImageName) -> bool {
    let (repository, reference) = (&name.repository, &name.reference);
    let head = client.manifest_head(repository, reference).await;
    let gone = |error: &registry::Error| error.status() == Some(StatusCode::NOT_FOUND);
    matches!(head, Ok(None))
        && (client.manifest_get(repository, reference).await).is_err_and(|it| gone(&it))
}

fn look_failed(repository: &RepositoryName, source: registry::Error) -> Error {
    Error::Look {
        repository: repository.to_string(),
        source,
    }
}

//! Before and after the load: is the target there, are the images where the pulls expect them, and what is left behind?

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout};

use super::classify;
use super::error::Error;
use super::leftovers::{Leftovers, stored_again, stored_apart};
use super::observer::{Recording, SharedRecorder};
use super::occupancy::Occupancy;
use super::seeds::Seed;
use super::stop::Stop;
use super::turn::Begun;
use super::worker::Shared;
use crate::measure::{FailureClass, Period, Record, Recorder};
use crate::oci::{Digest, RepositoryName, Version};
use crate::plan::{CleanUp, Journey, Plan};
use crate::profile::{Accepted, ConnectionPolicy, PushMethod};
use crate::registry::{self, Client};
use crate::transport::{Pool, Totals};

/// The longest that one exchange of seeding may take: a blob of many gigabytes is allowed its time.
const PATIENCE: Duration = Duration::from_mins(10);

/// The longest that the target may take to answer a question or a deletion; less if every journey gives it less.
const ANSWER: Duration = Duration::from_secs(30);

/// How long sessions may take to be cancelled when seeding was given up.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// A client that works before and after the load, and its counts.
pub(super) struct Steward<'a> {
    shared: &'a Shared,
    recorder: SharedRecorder,
    recording: Rc<Recording>,
    totals: Rc<Totals>,
    client: Client,                         // asks and deletes
    seeder: Client,                         // pushes
    indexes: Vec<(RepositoryName, Digest)>, // stored under fallback tags while seeding
    stop: Stop,
}

/// What clean-up left undone.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Manifests and blobs deleted.
    pub(super) deleted: u64,
    /// Why the registry would not delete, in its words, or that it does not answer; it is not asked again then.
    pub(super) refused: Option<String>,
    /// Deletions that failed in another way.
    pub(super) failed: u64,
    /// Somebody wanted the run to end at once.
    pub(super) cut: bool,
}

impl<'a> Steward<'a> {
    pub(super) fn new(shared: &'a Shared, stop: Stop) -> Self {
        let recorder = Recorder::new(&shared.catalogue, &shared.views, Duration::ZERO);
        let recorder = Rc::new(RefCell::new(recorder));
        let track = shared.catalogue.track(0);
        let track = track.expect("a plan has at least one load of one journey");
        let recording = Recording::new(
            Rc::clone(&recorder),
            Instant::now(),
            track,
            Occupancy::of(1),
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
        // What is judged is the journeys' registry, and not how it answers while it is prepared.
        habits.accepted = Accepted::ANY_SUCCESS;
        let settings = registry::pool_settings(&habits);
        let pool = Pool::new(settings, target.dialer(0), Rc::clone(&totals));
        let journeys = shared.plan.journeys.iter();
        let answer = journeys.map(|journey| journey.request_timeout).max();
        let client = |timeout| {
            let settings = shared.target.client(&habits, timeout);
            Client::new(settings, Rc::clone(&pool), Rc::clone(&recording) as _)
        };
        let (client, seeder) = (
            client(answer.map_or(ANSWER, |it| it.min(ANSWER))),
            client(PATIENCE),
        );
        Self {
            shared,
            recorder,
            recording,
            totals,
            client,
            seeder,
            indexes: Vec::new(),
            stop,
        }
    }

    /// Asks whether the target speaks to us; gives the headers of its answer.
    pub(super) async fn ping(&mut self) -> Result<HeaderMap, Error> {
        let stop = &mut self.stop;
        tokio::select! {
            answer = self.client.ping() => answer.map_err(Error::Target),
            () = stop.wait_asked() => Err(Error::Interrupted),
        }
    }

    /// How long the target takes to answer a ping: the median of five. `None` if one failed, or somebody asked to stop.
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

    /// Pushes what the journeys expect to find and what is not in the registry only. `seeded` hears of each image.
    pub(super) async fn seed(&mut self, mut seeded: impl FnMut(Seeded)) -> Result<Seeded, Error> {
        let jobs = Seed::all(&self.shared.plan, &self.shared.images);
        let mut progress = Seeded {
            images: 0,
            of: jobs.len(),
            bytes: 0,
        };
        let client = &self.seeder;
        let push = |seed: Seed| async move {
            seed.push(client).await.map_err(|source| Error::Seed {
                reference: seed.reference.to_string(),
                source: Box::new(source),
            })
        };
        let indexes = &mut self.indexes;
        let work = async {
            let mut pushes = stream::iter(jobs)
                .map(push)
                .buffer_unordered(self.shared.plan.prepare.parallel.get());
            while let Some(planted) = pushes.try_next().await? {
                progress.images += 1;
                progress.bytes += planted.bytes;
                indexes.extend(planted.index);
                seeded(progress);
            }
            Ok(())
        };
        let stop = &mut self.stop;
        let done = tokio::select! {
            done = work => done,
            () = stop.wait_asked() => Err(Error::Interrupted),
        };
        if done.is_err() {
            let _ = timeout(LAST_ORDERS, self.seeder.cancel_abandoned()).await;
        }
        // Nobody is to find the connections of seeding open while the load runs. Clean-up makes its own.
        self.seeder.pool().clear();
        done.map(|()| progress)
    }

    /// Deletes what the run has put into the registry, as far as the plan asks and the registry lets us.
    pub(super) async fn clean_up(&mut self, begun: &[(usize, Begun)]) -> Left {
        let wish = self.shared.plan.prepare.clean_up;
        self.recording.enter(Period::CleanUp);
        let mut left = Left::default();
        if wish == CleanUp::None {
            return left;
        }
        let seeded = Seed::all(&self.shared.plan, &self.shared.images);
        let indexes = self.indexes.iter().cloned();
        let again = indexes
            .map(|(repository, digest)| Leftovers::manifest(repository, digest))
            .chain(seeded.into_iter().map(|seed| seed.leftovers()))
            .chain(stored_again(self.shared, begun))
            .chain(stored_apart(self.shared, begun));
        let mut again = again.map(|leftovers| self.remove(leftovers, wish));
        let mut under_way = stream::FuturesUnordered::new();
        let parallel = self.shared.plan.prepare.parallel.get();
        let mut stop = self.stop.clone();
        loop {
            while under_way.len() < parallel && left.refused.is_none() {
                match again.next() {
                    Some(job) => under_way.push(job),
                    None => break,
                }
            }
            let done = tokio::select! {
                done = under_way.next() => done,
                () = stop.wait_aborted() => {
                    left.cut = true;
                    None
                }
            };
            let Some(done) = done else { break };
            left.deleted += done.deleted;
            left.failed += done.failed;
            left.refused = left.refused.or(done.refused);
        }
        left
    }

    /// Deletes from one repository: the manifests first, then, if all is to go, the blobs.
    async fn remove(&self, leftovers: Leftovers, wish: CleanUp) -> Left {
        let mut left = Left::default();
        let repository = &leftovers.repository;
        for digest in leftovers.manifests {
            if left.refused.is_none() {
                let version = Version::Digest(digest);
                left.count(self.client.manifest_delete(repository, &version).await);
            }
        }
        let blobs = match wish {
            CleanUp::All => leftovers.blobs,
            CleanUp::Manifests | CleanUp::None => Vec::new(),
        };
        for digest in blobs {
            if left.refused.is_none() {
                left.count(self.client.blob_delete(repository, &digest).await);
            }
        }
        left
    }

    /// The counts of everything that was done.
    pub(super) fn into_record(self) -> Record {
        drop((self.client, self.seeder));
        drop(self.recording);
        let recorder = Rc::into_inner(self.recorder);
        let mut recorder = recorder
            .expect("the client that recorded is gone")
            .into_inner();
        recorder.transport_bytes(self.totals.sent(), self.totals.received());
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

impl Left {
    /// What a reader has to know of it.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.cut {
            notes.push("clean-up was cut short: what the run pushed is still there".to_owned());
        }
        if let Some(refused) = &self.refused {
            notes.push(format!("clean-up stopped: {refused}"));
        }
        if self.failed > 0 {
            notes.push(format!("clean-up: {} deletions failed", self.failed));
        }
        notes
    }

    fn count(&mut self, result: Result<bool, registry::Error>) {
        match result {
            Ok(deleted) => self.deleted += u64::from(deleted),
            // It would not let us delete the others either, or let us wait as long for each.
            Err(error) if never_again(&error) => self.refused = Some(error.to_string()),
            Err(_) => self.failed += 1,
        }
    }
}

fn never_again(error: &registry::Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED)
    ) || classify::exchange(error.kind()) == FailureClass::Timeout
}

/// The journeys that a load uses, each once, with their places in the plan.
pub(super) fn used_journeys(plan: &Plan) -> impl Iterator<Item = (usize, &Journey)> {
    let shares = plan.loads.iter().flat_map(|load| &load.mix);
    let used: BTreeSet<usize> = shares.map(|share| share.journey).collect();
    used.into_iter().map(|index| (index, &plan.journeys[index]))
}

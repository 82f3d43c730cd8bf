//! What is done once for a target, however many loads it is given: before the first and after the last.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::StatusCode;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::time::{Instant, sleep};

use super::audit::{Audited, audit};
use super::begun::{self, Begun, StoredBy};
use super::error::Error;
use super::finished::{Around, Finished, FoundImages, TargetIdentity};
use super::images::Images;
use super::load::{StartGate, load, soon};
use super::notes;
use super::prepare::{Seeded, SetupClient};
use super::progress::Progress;
use super::promises::Promises;
use super::shared::{RunPart, Shared};
use super::stop::Stop;
use super::tags_seen::TagsSeen;
use super::target::Target;
use crate::embedded;
use crate::hooks::Allowed;
use crate::measure::{Record, View};
use crate::plan::{Plan, Stored, StoredIterations};
use crate::registry;

/// How often a target that does not respond is tried again.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// The images of a plan, read and hashed once for all loads that send them.
#[derive(Debug, Clone)]
pub struct Stock(Arc<Images>);

impl Stock {
    /// Reads archives and hashes synthetic layers.
    ///
    /// # Errors
    /// [`Error::Content`], [`Error::Spec`] and [`Error::Repository`].
    pub fn prepare(plan: &Plan) -> Result<Self, Error> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Images::prepare(plan, cores).map(|images| Self(Arc::new(images)))
    }
}

/// A plan with its images and its target, to which nothing was sent yet.
#[derive(Debug)]
pub struct Setup(Arc<Shared>);

impl Setup {
    /// Starts the embedded registry if it is the target, and reads the files of TLS. `views` of the [`catalogue`](super::catalogue) are counted apart.
    ///
    /// # Errors
    /// When the target cannot be used as the plan says.
    pub fn new(
        plan: &Arc<Plan>,
        stock: &Stock,
        part: RunPart,
        views: Vec<View>,
    ) -> Result<Self, Error> {
        let target = Arc::new(Target::open(plan)?);
        let images = Arc::clone(&stock.0);
        let shared = Shared::new(plan, images, target, part, views);
        Ok(Self(Arc::new(shared)))
    }

    /// Pings the target until it responds, but no longer than `ready_timeout`, and seeds the images.
    ///
    /// # Errors
    /// When the target does not respond well or cannot be seeded, and when the run is stopped.
    pub fn prepare(
        &self,
        ready_timeout: Duration,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Prepared, Error> {
        self.prepare_after(None, ready_timeout, stop, tell)
    }

    /// The same for a target that another process has prepared, and where it has stored that. Nothing is seeded.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_after(
        &self,
        stored: Option<&Stored>,
        ready_timeout: Duration,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Prepared, Error> {
        let deadline = Instant::now() + ready_timeout;
        loop {
            match Prepared::new(&self.0, stored, stop, tell) {
                Err(Error::Target(error))
                    if may_pass(&error) && Instant::now() < deadline && stop.asked().is_none() =>
                {
                    tell(Progress::Waiting { error: &error });
                    let waiting = Builder::new_current_thread().enable_time().build()?;
                    waiting.block_on(async { sleep(TRY_EVERY).await });
                }
                ended => return ended,
            }
        }
    }
}

/// What a clean-up of its own has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanedUp {
    /// Manifests and blobs that were deleted.
    pub deleted: u64,
    /// What was left undone, for people; nothing where all is gone.
    pub left: Vec<String>,
}

impl Setup {
    /// Deletes what shards of this run have stored, after all of them have ended.
    ///
    /// # Errors
    /// When the target does not respond well.
    pub fn clean_up(&self, stored: Vec<Stored>, stop: &Stop) -> Result<CleanedUp, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())?;
        let mut client = SetupClient::new(&self.0, stop.clone());
        runtime.block_on(client.ping())?;
        let mut of_others = Vec::new();
        for it in stored {
            client.inventory.take_over(&it);
            of_others.extend(it.iterations);
        }
        let stored = StoredBy {
            own: &[],
            others: &of_others,
        };
        let left = runtime.block_on(client.clean_up(stored));
        Ok(CleanedUp {
            deleted: left.deleted(),
            left: left.notes(),
        })
    }
}

/// Returns `true` if a target that starts responds with that error for a while. Refused credentials stay refused.
fn may_pass(error: &registry::Error) -> bool {
    !matches!(
        error.status(),
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    )
}

/// A target that responds and has the images: ready for loads, one after the other.
pub struct Prepared {
    shared: Arc<Shared>,
    runtime: LocalRuntime,
    client: SetupClient,
    identity: TargetIdentity,
    prepare_time: Duration,
    seeded: Seeded,
    found: Vec<FoundImages>,
    loads: u32,
    /// What the loads have begun, by load of the plan.
    begun: Vec<(usize, Begun)>,
    /// What the loads have written and read under tags that pushes share.
    tags: TagsSeen,
    /// What other shards have stored.
    of_others: Vec<StoredIterations>,
    cancel_time: Duration,
    hooks: Option<Allowed>,
}

/// A target that is prepared, for other processes.
#[derive(Debug)]
pub struct LeftPrepared {
    /// What was done for that.
    pub record: Record,
    /// How long it took.
    pub time: Duration,
    /// What was seeded.
    pub seeded: Seeded,
    /// What is in the registry now, and what was there before.
    pub stored: Stored,
    /// What no count tells.
    pub notes: Vec<String>,
}

/// What was done when a target was closed.
#[derive(Debug)]
pub struct Closed {
    /// The exchanges.
    pub record: Record,
    /// How long it took, with what users did after the load.
    pub time: Duration,
    /// What no count tells.
    pub notes: Vec<String>,
    /// Whether all is deleted that the plan wants to be.
    pub is_whole: bool,
    /// Whether it was cut short.
    pub is_cut: bool,
    /// What the embedded registry counted, if that was the target.
    pub embedded: Option<embedded::Counts>,
}

impl Prepared {
    fn new(
        shared: &Arc<Shared>,
        stored: Option<&Stored>,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())?;
        let began = Instant::now();
        let mut client = SetupClient::new(shared, stop.clone());
        let headers = runtime.block_on(client.ping())?;
        let identity = TargetIdentity {
            base: shared.target.base.to_string(),
            headers: names(&headers),
        };
        tell(Progress::Ready {
            base: identity.base.clone(),
            headers: &identity.headers,
        });
        if let Some(stored) = stored {
            client.inventory.take_over(stored);
        }
        // The first shard does it for all, unless it was done before.
        let prepares = shared.shard.is_first() && stored.is_none();
        if prepares {
            runtime.block_on(client.find_existing())?;
        }
        let found = runtime.block_on(client.find_globs())?;
        let report = found.iter().map(|it| it.for_report(&shared.plan)).collect();
        for it in found {
            let images = &client.shared.images;
            let images = images.with_existing(&shared.plan, it.set, &it.images);
            client.shared = Arc::new(shared.with_images(images));
        }
        let seeded = if prepares {
            Self::seed(&runtime, &mut client, tell)?
        } else {
            Seeded::default()
        };
        Ok(Self {
            seeded,
            prepare_time: began.elapsed(),
            shared: Arc::clone(&client.shared),
            found: report,
            runtime,
            client,
            identity,
            loads: 0,
            begun: Vec::new(),
            tags: TagsSeen::default(),
            of_others: Vec::new(),
            cancel_time: Duration::ZERO,
            hooks: None,
        })
    }

    fn seed(
        runtime: &LocalRuntime,
        client: &mut SetupClient,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Seeded, Error> {
        runtime.block_on(client.take_stock())?;
        let seeded = runtime.block_on(client.seed(|seeded| tell(Progress::Seeding(seeded))));
        client.note_retries("seeding");
        if seeded.is_err() {
            // Some images are there. What cannot be deleted either is not the news here.
            tell(Progress::CleaningUp);
            runtime.block_on(client.clean_up(StoredBy::default()));
        }
        seeded
    }

    /// Lets the loads run the hooks of their plan.
    pub fn allow_hooks(&mut self, allowed: Option<Allowed>) {
        self.hooks = allowed;
    }

    /// Runs a load of `plan`, which has the journeys, images and target of the plan that was prepared. Loads of different
    /// `number` run different iterations.
    ///
    /// Blocks the calling thread until the load is over; `tell` is called on it, a few times a second.
    ///
    /// # Errors
    /// [`Error::Worker`] when a thread cannot be started. A load that is stopped is not an error.
    pub fn load(
        &mut self,
        plan: &Arc<Plan>,
        number: u32,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Finished, Error> {
        self.load_from((plan, number), &mut || Ok(soon()), stop, tell)
    }

    /// As [`load`](Self::load), from a moment that the gate gives.
    ///
    /// # Errors
    /// Those of the gate as well.
    pub fn load_from<E: From<Error>>(
        &mut self,
        (plan, number): (&Arc<Plan>, u32),
        gate: StartGate<'_, E>,
        stop: &Stop,
        tell: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Finished, E> {
        let shared = Arc::new(self.shared.trial(plan, number));
        let about = (&self.identity, self.hooks.as_ref());
        let before = shared.target.upstream_counts().map(|it| it.requests);
        let mut loaded = load(&shared, about, gate, stop, tell)?;
        loaded.finished.found.clone_from(&self.found);
        loaded.finished.upstream = shared.target.upstream_counts();
        if let Some(upstream) = &mut loaded.finished.upstream {
            upstream.requests -= before.unwrap_or_default();
        }
        self.loads += 1;
        self.begun.extend(loaded.begun);
        self.tags.merge(loaded.tags);
        loaded.finished.flickers = self.tags.take_flickers(&self.shared);
        self.cancel_time = self.cancel_time.max(loaded.cancel_time);
        Ok(loaded.finished)
    }

    /// Returns how many loads the target was given.
    pub const fn loads(&self) -> u32 {
        self.loads
    }

    /// Measures the median of five pings. `None` if one of them failed.
    pub fn ping_time(&mut self) -> Option<Duration> {
        self.runtime.block_on(self.client.ping_time())
    }

    /// Lets some time pass.
    pub fn pause(&self, time: Duration) {
        // Inside: a timer belongs to the runtime in which it is made.
        self.runtime.block_on(async { sleep(time).await });
    }

    /// Returns what was put into the registry so far, also by others whose part was taken over, for a clean-up by another process.
    pub fn stored(&self) -> Stored {
        let begun = self.begun.iter();
        let own = begun.filter_map(|(load, begun)| begun::told(*load, begun));
        Stored {
            iterations: own.chain(self.of_others.iter().cloned()).collect(),
            ..self.client.inventory.told()
        }
    }

    /// Leaves the target to other processes, without a load.
    pub fn leave(mut self) -> LeftPrepared {
        LeftPrepared {
            stored: self.stored(),
            notes: std::mem::take(&mut self.client.notes),
            time: self.prepare_time,
            seeded: self.seeded,
            record: self.client.take_record(),
        }
    }

    /// Takes over what another shard of the run has stored, so that this one cleans up for both.
    pub fn take_over(&mut self, stored: Stored) {
        self.client.inventory.take_over(&stored);
        self.of_others.extend(stored.iterations);
    }

    /// Adds what was done before the loads to the one whose numbers are reported: all that is known before the target is closed.
    pub fn settle(&mut self, last: &mut Finished) {
        if !last.interrupted {
            let loads = u64::from(self.loads);
            let cut = notes::cut_by_time(&self.shared, &self.begun, loads);
            last.notes.extend(cut);
        }
        last.notes.append(&mut self.client.notes);
        // The client's record comes in second: the window is that of the load.
        last.record.merge(self.client.take_record());
        last.around = Some(Around {
            prepare_time: self.prepare_time,
            seeded: self.seeded,
            // The users cancel what they gave up at the end of the load; that is clean-up, too.
            clean_up_time: self.cancel_time,
            embedded: None,
        });
    }

    /// Reads back what the registry has acknowledged, as far as the plan wants that, on connections of its own, and gives the
    /// exchanges as well. `None`: it does not. What other shards have stored they read back themselves.
    pub fn audit(&mut self, tell: &mut dyn FnMut(Progress<'_>)) -> Option<(Audited, Record)> {
        if !self.shared.plan.audits() {
            return None;
        }
        tell(Progress::Auditing);
        let mut client = SetupClient::new(&self.shared, self.client.stop.clone());
        let promises = Promises::new(&self.shared, &self.begun, &self.tags.writes);
        let audited = audit(&mut client, &self.shared, &promises);
        Some(self.runtime.block_on(audited))
    }

    /// Deletes what the run has put into the registry, as far as the plan wants that, and gives what was done since the target was
    /// [settled](Self::settle).
    pub fn close(mut self, tell: &mut dyn FnMut(Progress<'_>)) -> Closed {
        let began = Instant::now();
        tell(Progress::CleaningUp);
        let stored = StoredBy {
            own: &self.begun,
            others: &self.of_others,
        };
        let left = self.runtime.block_on(self.client.clean_up(stored));
        let mut notes = std::mem::take(&mut self.client.notes);
        let undone = left.notes();
        let is_whole = undone.is_empty();
        notes.extend(undone);
        Closed {
            record: self.client.take_record(),
            time: began.elapsed() + self.cancel_time,
            notes,
            is_whole,
            is_cut: left.cut,
            // Clean-up is in the run's counts, and so it is in the registry's.
            embedded: self.runtime.block_on(self.shared.target.embedded_counts()),
        }
    }

    /// Settles, audits and closes, for a run whose result comes after all is over.
    pub fn close_after(mut self, last: &mut Finished, tell: &mut dyn FnMut(Progress<'_>)) {
        self.settle(last);
        if let Some((mut audited, record)) = self.audit(tell) {
            last.record.merge(record);
            last.notes.append(&mut audited.notes);
            last.audited = Some(audited);
        }
        let closed = self.close(tell);
        last.record.merge(closed.record);
        last.notes.extend(closed.notes);
        last.interrupted |= closed.is_cut;
        if let Some(around) = &mut last.around {
            around.clean_up_time = closed.time;
            around.embedded = closed.embedded;
        }
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// Returns the headers by which a registry says what it is.
fn names(headers: &http::HeaderMap) -> Vec<(String, String)> {
    ["server", "docker-distribution-api-version"]
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            let shown = value.chars().filter(|c| !c.is_control()).take(100);
            Some(((*name).to_owned(), shown.collect()))
        })
        .collect()
}

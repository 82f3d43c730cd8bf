//! A virtual user: one client with its own connections and tokens, doing one iteration after the other.

use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::choice::Choice;
use super::classify;
use super::clock::LoadClock;
use super::images::unique_tag;
use super::observer::Recording;
use super::stop::Stop;
use super::worker::Context;
use crate::client::{self, Discard, PullHabits, PushHabits};
use crate::content::Salt;
use crate::measure::{FailureClass, IterationSample, Outcome, Period};
use crate::oci::{Reference, Version};
use crate::plan::{Action, ConnectionPolicy, Executor, Journey};
use crate::registry::Client;
use crate::transport::Pool;

/// How long a user that has stopped may take to cancel the uploads it gave up.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// How much of that is left when everything is to be dropped: long enough for a registry that answers at all.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// What a journey asks of its client, ready to be used.
pub(super) enum Habits {
    Pull(PullHabits),
    Push { habits: PushHabits, unique: bool },
}

impl Habits {
    pub(super) fn of(journey: &Journey) -> Self {
        let parallel = journey.parallel;
        match &journey.action {
            Action::Pull(pull) => Self::Pull(PullHabits {
                parallel,
                verify: pull.verify,
                platform: pull.platform.clone(),
            }),
            Action::Push(push) => Self::Push {
                unique: push.unique,
                habits: PushHabits {
                    parallel,
                    method: push.method,
                    exists_check: push.exists_check,
                    mount_from: push.mount_from.clone(),
                },
            },
        }
    }
}

/// What is known of a user when it has stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) vu: u64,
    pub(super) load: usize,
    /// Iterations begun, numbered from 0.
    pub(super) iterations: u64,
    /// When its last measured iteration ended, since the measured window opened.
    pub(super) measured_until: Duration,
    /// How long it took to cancel the uploads it had given up at its end.
    pub(super) last_orders: Duration,
}

/// One emulated client.
pub(super) struct VirtualUser {
    vu: u64, // over all loads and workers
    load: usize,
    context: Rc<Context>,
    recording: Rc<Recording>,
    stop: Stop,
    own: Rc<Pool>, // connections that live as long as the user, or as an iteration
    clients: Vec<Option<Client>>, // by journey, made when first needed
    clock: LoadClock,
    measured_until: Duration,
}

/// How an iteration came to its end.
enum Ended {
    Done(Result<(), client::Error>),
    TimedOut,
    Cut,
}

impl VirtualUser {
    /// The users of one worker: user i of the run lives on worker i modulo their number.
    pub(super) fn of_worker(
        context: &Rc<Context>,
        worker: usize,
        stop: &Stop,
    ) -> impl Iterator<Item = Self> {
        let shared = Rc::clone(context);
        let workers = shared.shared.plan.workers.get() as u64;
        let loads = context.shared.plan.loads.iter().enumerate();
        let all: Vec<(u64, usize)> = (0..)
            .zip(loads.flat_map(|(load, it)| (0..it.executor.vus()).map(move |_| load)))
            .filter(|(vu, _)| vu % workers == worker as u64)
            .collect();
        let stop = stop.clone();
        all.into_iter()
            .map(move |(vu, load)| Self::new(&shared, vu, load, stop.clone()))
    }

    fn new(context: &Rc<Context>, vu: u64, load: usize, stop: Stop) -> Self {
        let plan = &context.shared.plan;
        let track = context.shared.catalogue.track(0);
        Self {
            vu,
            load,
            recording: Rc::new(Recording::new(
                Rc::clone(&context.recorder),
                context.clock.epoch,
                track.expect("a plan has at least one journey"),
            )),
            stop,
            own: context.own_pool(true),
            clients: (0..plan.journeys.len()).map(|_| None).collect(),
            clock: context.clock.of(&plan.loads[load]),
            context: Rc::clone(context),
            measured_until: Duration::ZERO,
        }
    }

    /// Lives until the load is over or somebody asks to stop.
    pub(super) async fn run(mut self) -> Done {
        let mut iteration = 0;
        self.pause_until(self.clock.begin).await;
        while self.may_start(iteration) {
            let think = self.iterate(iteration).await;
            iteration += 1;
            if !think.is_zero() {
                self.pause_until(Instant::now() + think).await;
            }
        }
        self.recording.enter(Period::CleanUp);
        let last_orders = async {
            for client in self.clients.iter().flatten() {
                // A session that cannot be cancelled is counted where the exchange is counted.
                let _ = client.cancel_abandoned().await;
            }
        };
        let began = Instant::now();
        let mut stop = self.stop.clone();
        let at_once = async {
            stop.wait_aborted().await;
            sleep(LAST_MOMENT).await;
        };
        tokio::select! {
            _ = timeout(LAST_ORDERS, last_orders) => {}
            () = at_once => {}
        }
        Done {
            vu: self.vu,
            load: self.load,
            iterations: iteration,
            measured_until: self.measured_until,
            last_orders: began.elapsed(),
        }
    }

    /// Waits, but not past the end of the load nor past a wish to stop.
    async fn pause_until(&mut self, instant: Instant) {
        let instant = instant.min(self.clock.end);
        let _ = timeout_at(instant, self.stop.wait_asked()).await;
    }

    fn may_start(&self, iteration: u64) -> bool {
        if self.stop.asked().is_some() || Instant::now() >= self.clock.end {
            return false;
        }
        match self.context.shared.plan.loads[self.load].executor {
            Executor::ConstantVus { .. } => true,
            Executor::PerVuIterations { iterations, .. } => iteration < iterations,
            Executor::SharedIterations { .. } => take_one(&self.context.shared.left[self.load]),
        }
    }

    /// One iteration, from its start to exactly one counted end. Gives the time to think after it.
    async fn iterate(&mut self, iteration: u64) -> Duration {
        let context = Rc::clone(&self.context);
        let plan = &context.shared.plan;
        let load = &plan.loads[self.load];
        let mut choice = Choice::of(plan.seed, self.vu, iteration);
        let index = choice.journey(load);
        let journey = &plan.journeys[index];
        let image = choice.image(journey.pick, context.shared.images.places(index).len());
        let id = context.shared.catalogue.track(index);
        let id = id.expect("the catalogue has every journey of the plan");

        let started = Instant::now();
        let period = if started < context.clock.epoch {
            Period::WarmUp
        } else {
            Period::Measure
        };
        let due = started.saturating_duration_since(context.clock.epoch);
        self.recording.begin(id, period, due);
        {
            let mut recorder = context.recorder.borrow_mut();
            recorder.scheduled(id, period, due);
            recorder.started(id, period, due);
        }
        let client = self.take_client(index);
        let salt = Salt {
            run: context.shared.run_id,
            vu: self.vu,
            iteration,
        };
        let work = journey_work(&context, &client, index, image, salt);
        let ended = self
            .bounded(
                work,
                started + journey.iteration_timeout,
                load.graceful_stop,
            )
            .await;
        let finished = Instant::now();
        let since_epoch = |instant: Instant| instant.saturating_duration_since(context.clock.epoch);
        let outcome = match &ended {
            Ended::Done(Ok(())) => Outcome::Ok,
            Ended::Done(Err(error)) => Outcome::Failed(self.failed(error)),
            Ended::TimedOut => Outcome::Failed(FailureClass::Timeout),
            Ended::Cut => Outcome::Cancelled,
        };
        let (sent, received) = self.recording.bytes();
        context.recorder.borrow_mut().iteration(&IterationSample {
            track: id,
            period,
            scheduled: since_epoch(started),
            started: since_epoch(started),
            finished: since_epoch(finished),
            sent,
            received,
            outcome,
        });
        if period == Period::Measure {
            self.measured_until = since_epoch(finished);
        }
        self.settle(client, index, &ended, load.graceful_stop).await;
        choice.think_time(journey.think_time)
    }

    /// Runs the work, and drops it when its time is over.
    async fn bounded(
        &mut self,
        work: impl Future<Output = Result<(), client::Error>>,
        limit: Instant,
        grace: Duration,
    ) -> Ended {
        tokio::select! {
            biased;
            done = timeout_at(limit, work) => done.map_or(Ended::TimedOut, Ended::Done),
            () = self.stop.wait_cut(self.clock.cut, grace) => Ended::Cut,
        }
    }

    fn failed(&self, error: &client::Error) -> FailureClass {
        // What failed in an exchange is told there, with an example; the rest would be told nowhere.
        if !matches!(error, client::Error::Registry(_)) {
            self.context.note(error.to_string());
        }
        classify::iteration(error)
    }

    /// Leaves the client as the next iteration should find it.
    async fn settle(&mut self, client: Client, journey: usize, ended: &Ended, grace: Duration) {
        if !matches!(ended, Ended::Cut) {
            // What is not over when the load is cut is tried once more with the last orders.
            tokio::select! {
                biased;
                _ = client.cancel_abandoned() => {}
                () = self.stop.wait_cut(self.clock.cut, grace) => {}
            }
        }
        if self.context.shared.plan.journeys[journey].connections == ConnectionPolicy::PerIteration
        {
            client.forget();
        }
        self.clients[journey] = Some(client);
    }

    fn take_client(&mut self, journey: usize) -> Client {
        if let Some(client) = self.clients[journey].take() {
            return client;
        }
        let context = &self.context;
        let pool = match context.shared.plan.journeys[journey].connections {
            ConnectionPolicy::PerVu | ConnectionPolicy::PerIteration => Rc::clone(&self.own),
            ConnectionPolicy::PerRequest => context.own_pool(false),
            ConnectionPolicy::Shared { pool_size } => context.shared_pool(journey, pool_size),
        };
        let settings = Rc::clone(&context.settings[journey]);
        Client::new(settings, pool, Rc::clone(&self.recording) as _)
    }
}

/// Takes one iteration out of those that all users share. Relaxed: only the number matters, not its order.
fn take_one(left: &AtomicU64) -> bool {
    let less = |left: u64| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

/// What the journey does, once.
async fn journey_work(
    context: &Context,
    client: &Client,
    journey: usize,
    image: usize,
    salt: Salt,
) -> Result<(), client::Error> {
    let images = &context.shared.images;
    let place = &images.places(journey)[image];
    let set = context.shared.plan.journeys[journey].images;
    match &context.habits[journey] {
        Habits::Pull(habits) => {
            client::pull(client, place, habits, &Discard).await?;
        }
        Habits::Push {
            habits,
            unique: false,
        } => {
            if let Some(image) = images.image(set, image) {
                client::push(client, place, &image, habits, &()).await?;
            }
        }
        Habits::Push {
            habits,
            unique: true,
        } => {
            let reference = Reference {
                repository: place.repository.clone(),
                version: Version::Tag(unique_tag(salt)),
            };
            if let Some(image) = images.unique_image(set, image, salt) {
                client::push(client, &reference, &image, habits, &()).await?;
            }
        }
    }
    Ok(())
}

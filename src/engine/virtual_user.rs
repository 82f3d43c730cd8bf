//! A virtual user: one client with its own connections and tokens, and what it does in one iteration.

use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::begun::{Begun, Kept, Settled};
use super::cancellation::{Cancellation, Cancelled, Limits};
use super::choice::{Choice, apart};
use super::classify;
use super::context::Context;
use super::iteration_id::IterationId;
use super::left_connections::LeftConnections;
use super::left_uploads;
use super::observer::Recording;
use super::occasion::Occasion;
use super::replay::Watch;
use super::stop::Stop;
use super::tag_writes::TagWrite;
use super::tracing::Tracing;
use super::user_states::UserStates;
use super::variants::Variant;
use super::work::Iteration;
use crate::client;
use crate::measure::{
    DropCause, FailureClass, IterationFailure, IterationSample, Outcome, Period, Spent, TrackId,
};
use crate::oci::Digest;
use crate::plan::{CleanUp, ConnectionPolicy};
use crate::registry::{self, Client};
use crate::transport::{Pool, PoolSettings};

/// How long a user that has stopped may take to cancel the uploads it gave up.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// How much of that is left when everything is to be dropped: long enough for a registry that responds at all.
const ABORT_TIME: Duration = Duration::from_millis(500);

/// The purpose of the draws of what misbehaves.
const MISBEHAVIOUR: u64 = 0x6d69_7362;

/// What is known of a user when it has stopped, or of a worker's part of an open load.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) load: usize,
    /// The iterations that have begun; `None` for a user of an open load, whose part keeps them.
    pub(super) begun: Option<Begun>,
    /// Until when the window is measured for it, since it opened: the end of its last iteration, or of a set time.
    pub(super) measured_until: Duration,
    /// How long it took to cancel the uploads it had given up at its end.
    pub(super) cancel_time: Duration,
}

/// One emulated client.
pub(super) struct VirtualUser {
    pub(super) load: usize,
    pub(super) context: Rc<Context>,
    pub(super) cancellation: Cancellation,
    pub(super) measured_until: Duration,
    last_spent: Spent, // in its last iteration
    recording: Rc<Recording>,
    own: Vec<(Own, Rc<Pool>)>, // connections of this user alone
    left: LeftConnections,
    clients: Vec<Option<Client>>, // by client of a journey, made when first needed
}

/// Whose connections are kept together: of a journey with several clients those of one client, of all others those that are kept
/// in one way.
type Own = (PoolSettings, Option<&'static str>);

/// An iteration that is to start now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) id: IterationId,
    /// When it was due: at the latest now.
    pub(super) due: Instant,
    /// It warms up if it is due before that.
    pub(super) measured: Instant,
    /// The stage of the load in which it is due.
    pub(super) stage: usize,
    /// When it is given up; a signal to stop may come first.
    pub(super) cut: Instant,
}

/// What an iteration is: the draws that come first, and where it is counted.
pub(super) struct Drawn {
    pub(super) choice: Choice,
    pub(super) variant: usize,
    pub(super) track: TrackId,
    pub(super) period: Period,
    /// Since the measured window opened.
    pub(super) due: Duration,
}

/// When a user has done with an iteration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freed {
    /// It ended.
    pub(super) ended: Instant,
    /// The user has thought about it, and may start another: not before that end.
    pub(super) free: Instant,
    pub(super) outcome: Outcome,
    /// Whether the registry has kept something of it.
    pub(super) kept: Kept,
}

impl Freed {
    /// Returns what the audit and clean-up have to know of the iteration.
    pub(super) fn settled(&self) -> Settled {
        Settled {
            kept: self.kept,
            is_ok: self.outcome == Outcome::Ok,
            ended: self.ended,
        }
    }
}

impl Context {
    /// Draws what an iteration does, as far as it must be known to count it.
    pub(super) fn draw(&self, load: usize, start: &Start) -> Drawn {
        let shared = &self.shared;
        let mut choice = Choice::of(shared.plan.seed, start.id);
        let share = choice.journey(&shared.plan.loads[load]);
        let journey = shared.plan.loads[load].mix[share].journey;
        let draws = &shared.client_draws;
        let client = draws.client(shared.plan.seed, load, share, start.id);
        let stage = (load, start.stage);
        Drawn {
            choice,
            variant: shared.variants.place(Variant { journey, client }),
            track: shared
                .tracks
                .track(&shared.catalogue, stage, (share, client)),
            period: if start.due < start.measured {
                Period::WarmUp
            } else {
                Period::Measure
            },
            due: self.since_epoch(start.due),
        }
    }

    /// Returns what the work of a journey has to know of an iteration.
    fn iteration<'a>(
        &'a self,
        load: usize,
        start: &Start,
        (journey, image): (usize, usize),
        recording: &'a Recording,
    ) -> Iteration<'a> {
        let executor = &self.shared.plan.loads[load].executor;
        Iteration {
            journey,
            image,
            salt: start.id.salt(self.shared.run_id),
            occasion: Occasion::new(start.id.number(), start.due, executor),
            watch: self
                .replays
                .get(&load)
                .zip(self.shared.stores.get(&load))
                .map(|(sent, stores)| Watch {
                    recording,
                    sent,
                    stores,
                }),
        }
    }

    pub(super) fn since_epoch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.clock.epoch)
    }
}

impl VirtualUser {
    pub(super) fn new(
        context: &Rc<Context>,
        load: usize,
        stop: Stop,
        states: Rc<UserStates>,
    ) -> Self {
        let plan = &context.shared.plan;
        let track = context.shared.catalogue.track(0);
        Self {
            load,
            recording: Rc::new(Recording::new(
                Rc::clone(&context.recorder),
                context.clock.epoch,
                track.expect("a plan has at least one load of one journey"),
                states,
                Tracing::of(plan, context.shared.run_id),
            )),
            cancellation: Cancellation::new(stop),
            own: Vec::new(),
            left: LeftConnections::default(),
            clients: context.shared.variants.all().iter().map(|_| None).collect(),
            context: Rc::clone(context),
            measured_until: Duration::ZERO,
            last_spent: Spent::default(),
        }
    }

    /// Returns what the user was busy with, when that is asked because it was not free in time: its last iteration, or
    /// thinking about it.
    pub(super) fn kept_by(&self, freed: Option<Freed>) -> DropCause {
        let Spent {
            operations,
            pauses,
            rest,
            ..
        } = self.last_spent;
        let waited = operations + pauses;
        let thought = freed.map(|it| it.free.saturating_duration_since(it.ended));
        if thought.is_some_and(|it| it > waited + rest) {
            DropCause::ThinkTime
        } else if waited > rest {
            DropCause::Target
        } else {
            DropCause::Generator
        }
    }

    /// One iteration that has been counted as scheduled, from its start to exactly one counted end.
    pub(super) async fn iterate(&mut self, start: Start, drawn: Drawn, started: Instant) -> Freed {
        let context = Rc::clone(&self.context);
        let plan = &context.shared.plan;
        let load = &plan.loads[self.load];
        let Drawn {
            mut choice,
            variant,
            track,
            period,
            due,
        } = drawn;
        let index = context.shared.variants.at(variant).journey;
        let journey = &plan.journeys[index];
        let image = choice.image(journey.pick(), context.shared.images.places(index).len());

        self.recording.begin((track, period), due, started);
        self.recording.trace_within(start.id);
        context.recorder.borrow_mut().started(track, period, due);
        let client = self.take_client(variant);
        if !client.habits().misbehave.is_nothing() {
            client.start_draws(apart(plan.seed, start.id, MISBEHAVIOUR));
            self.left.leave(&context, &client, (track, period));
        }
        let images = &context.shared.images;
        let iteration = context.iteration(self.load, &start, (index, image), &self.recording);
        let occasion = iteration.occasion;
        let work = context.work[variant].once(images, &client, iteration);
        let limits = Limits {
            limit: started + journey.iteration_timeout + images.recorded_time(index, &occasion),
            cut: start.cut,
            grace: load.graceful_stop,
        };
        let ended = self.cancellation.run(work, limits).await;
        let finished = Instant::now();
        let ended = ended.map(|it| {
            it.map(|seen| self.note_sighting((variant, image), seen, (started, finished)))
        });
        let outcome = came_to(&ended);
        let (sent, received) = self.recording.bytes();
        let kept = self.recording.kept();
        self.last_spent = self.recording.spent(finished);
        context.recorder.borrow_mut().iteration(&IterationSample {
            track,
            period,
            scheduled: due,
            started: context.since_epoch(started),
            finished: context.since_epoch(finished),
            sent,
            received,
            spent: self.last_spent,
            outcome,
        });
        if let Outcome::Failed(class) = outcome {
            self.tell_failure(&ended, class, (track, period), finished);
        }
        self.note_tag((index, image), (start.id, outcome, kept));
        if period == Period::Measure {
            self.measured_until = context.since_epoch(finished);
        }
        if let Outcome::Misbehaved(_) = outcome {
            client.leave_abandoned();
        } else if client.has_abandoned() && outcome != Outcome::Cancelled {
            // What is not over when the load is cut is tried once more with the last orders.
            let limits = Limits {
                limit: limits.cut,
                ..limits
            };
            let cancelling = self.cancellation.run(client.cancel_abandoned(), limits);
            let _ = Box::pin(cancelling).await;
        }
        self.settle(client, variant);
        Freed {
            ended: finished,
            free: finished + choice.think_time(journey.think_time),
            outcome,
            kept,
        }
    }

    /// Notes what the tag of an image led to, if others write under it.
    fn note_sighting(
        &self,
        (variant, image): (usize, usize),
        seen: Option<Digest>,
        read: (Instant, Instant),
    ) {
        let shared = &self.context.shared;
        let journey = shared.variants.at(variant).journey;
        let register = shared.registers.number(journey, image);
        if let (Some(register), Some(digest)) = (register, seen) {
            let mut sightings = self.context.sightings.borrow_mut();
            sightings.saw((variant, register), digest, read);
        }
    }

    /// Notes what an iteration has written under a tag that others share.
    fn note_tag(
        &self,
        (journey, image): (usize, usize),
        (id, outcome, kept): (IterationId, Outcome, Kept),
    ) {
        let shared = &self.context.shared;
        let register = shared.registers.number(journey, image);
        let (Some(register), Some((began, ended))) = (register, self.recording.put()) else {
            return;
        };
        if !shared.plan.journeys[journey].action.shares_tags() {
            return;
        }
        let mut writes = self.context.tag_writes.borrow_mut();
        // One that was sent again may be under way yet.
        if outcome == Outcome::Ok && kept == Kept::Something {
            let write = TagWrite {
                load: self.load,
                id,
                began,
                ended,
            };
            writes.acknowledge(register, write);
        } else {
            writes.unknown(register);
        }
    }

    /// Draws an iteration and counts it as due.
    pub(super) fn schedule(&self, start: &Start) -> Drawn {
        let drawn = self.context.draw(self.load, start);
        let mut recorder = self.context.recorder.borrow_mut();
        recorder.scheduled(drawn.track, drawn.period, drawn.due);
        drawn
    }

    /// Closes the connections that were left and cancels the uploads that were given up. Returns how long the latter took.
    pub(super) async fn cancel_abandoned(&mut self) -> Duration {
        self.left.close().await;
        self.recording.enter(Period::CleanUp);
        let mut clients = self.clients.iter().flatten();
        if !clients.any(|it| it.has_abandoned() || it.has_left()) {
            return Duration::ZERO;
        }
        // Boxed: a user is as large as the largest thing that it may wait for.
        Box::pin(self.cancel_all()).await
    }

    async fn cancel_all(&self) -> Duration {
        let cancels = self.context.shared.plan.prepare.clean_up != CleanUp::None;
        let cancelling = async {
            for client in self.clients.iter().flatten() {
                left_uploads::look(&self.context, client, cancels).await;
                // A session that cannot be cancelled is counted where the exchange is counted.
                let _ = client.cancel_abandoned().await;
            }
        };
        let began = Instant::now();
        let mut stop = self.cancellation.stop();
        let at_once = async {
            stop.wait_aborted().await;
            sleep(ABORT_TIME).await;
        };
        tokio::select! {
            _ = timeout(CANCEL_TIME, cancelling) => {}
            () = at_once => {}
        }
        began.elapsed()
    }

    /// Why an iteration failed, by which no exchange may have: nothing that failed is without a row.
    fn tell_failure(
        &self,
        ended: &Result<Result<(), client::Error>, Cancelled>,
        class: FailureClass,
        (track, period): (TrackId, Period),
        when: Instant,
    ) {
        let too_long = "given up after its iteration_timeout";
        let (cause, text): (_, &dyn Display) = match ended {
            Ok(Err(error)) => {
                if !matches!(error, client::Error::Registry(_)) {
                    // A row has one example; the notes have each text.
                    self.context.note(error.to_string());
                }
                (classify::cause(error), error)
            }
            Ok(Ok(())) | Err(_) => ("iteration-timeout", &too_long),
        };
        let context = &self.context;
        let mut recorder = context.recorder.borrow_mut();
        recorder.iteration_failure(&IterationFailure {
            track,
            period,
            class,
            cause,
            at: context.since_epoch(when),
            when,
            text,
        });
    }

    /// Leaves the client as the next iteration should find it.
    fn settle(&mut self, client: Client, variant: usize) {
        let shared = &self.context.shared;
        let habits = &shared.variants.at(variant).client(&shared.plan).habits;
        match habits.connections {
            ConnectionPolicy::PerIteration => client.forget(),
            // A client that pings learns anew each time where to fetch tokens.
            _ if habits.ping => client.forget_tokens(),
            _ => {}
        }
        self.clients[variant] = Some(client);
    }

    fn take_client(&mut self, variant: usize) -> Client {
        if let Some(client) = self.clients[variant].take() {
            return client;
        }
        let context = &self.context;
        let it = context.shared.variants.at(variant);
        let client = it.client(&context.shared.plan);
        let habits = &client.habits;
        let is_one_of_several = it.journey(&context.shared.plan).clients.len() > 1;
        let whose = is_one_of_several.then_some(client.profile.name);
        let pool = if let ConnectionPolicy::Shared { .. } = habits.connections {
            context.shared_pool(variant)
        } else {
            let wanted = (registry::pool_settings(habits), whose);
            own_pool(context, &mut self.own, wanted)
        };
        context.client(variant, pool, Rc::clone(&self.recording) as _)
    }
}

/// What an iteration came to.
fn came_to(ended: &Result<Result<(), client::Error>, Cancelled>) -> Outcome {
    match ended {
        Ok(Ok(())) => Outcome::Ok,
        Ok(Err(error)) => classify::outcome(error),
        Err(Cancelled::TimedOut) => Outcome::Failed(FailureClass::Timeout),
        Err(Cancelled::Cut) => Outcome::Cancelled,
    }
}

/// Returns the user's own connections that are kept this way.
fn own_pool(context: &Context, own: &mut Vec<(Own, Rc<Pool>)>, wanted: Own) -> Rc<Pool> {
    if let Some((_, pool)) = own.iter().find(|(it, _)| *it == wanted) {
        return Rc::clone(pool);
    }
    let pool = context.pool(wanted.0);
    own.push((wanted, Rc::clone(&pool)));
    pool
}

//! The probe: a client that sends a few requests at intervals beside the load, and records what an unrelated client
//! experiences.
//!
//! It has a thread, a connection and a recorder of its own. What it sees is never mixed with the load, and the load's
//! event loops do not make it wait.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::classify;
use super::clock::Clock;
use super::closed::next_cycle;
use super::observer::Recording;
use super::pacer::Pacer;
use super::shared::Shared;
use super::user_states::UserStates;
use crate::client::{self, BlobSlot, Discard, PullOptions, Pulled, Store};
use crate::measure::{
    BY_EXCHANGE, Catalogue, DropCause, DropReason, DroppedStart, FailureClass, IterationFailure,
    IterationSample, Outcome, Period, Record, Recorder, TrackId,
};
use crate::oci::{Content, ImageName, Operation, Verify};
use crate::plan::{Action, Ask, Probe};
use crate::profile::ConnectionPolicy;
use crate::registry::{self, Client, Wanted};
use crate::transport::{Pool, Totals};

/// The name of what the probe does, in its record.
const NAME: &str = "probe";

/// Time limit of a round, and of each request in it.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A probe that runs until it is ended.
pub(super) struct ProbeThread {
    over: watch::Sender<bool>,
    thread: JoinHandle<io::Result<Record>>,
}

impl ProbeThread {
    /// Starts the probe of the plan, if it has one.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(shared: &Arc<Shared>, clock: Clock) -> io::Result<Option<Self>> {
        let Some(probe) = shared.plan.probe.clone() else {
            return Ok(None);
        };
        let (over, until) = watch::channel(false);
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || run(&shared, &probe, clock, until))?;
        Ok(Some(Self { over, thread }))
    }

    /// Ends it, and returns what it has recorded; `None` if it panicked.
    ///
    /// # Errors
    /// When its event loop could not be had.
    pub(super) fn end(self) -> io::Result<Option<Record>> {
        self.over.send_replace(true);
        self.thread.join().ok().transpose()
    }
}

fn run(
    shared: &Shared,
    probe: &Probe,
    clock: Clock,
    until: watch::Receiver<bool>,
) -> io::Result<Record> {
    let operations = vec![
        Operation::Ping,
        Operation::ManifestHead,
        Operation::ManifestGet,
        Operation::BlobGet,
    ];
    let catalogue = Catalogue::new(vec![(NAME.to_owned(), operations)]);
    let window = shared.plan.window();
    let recorder = Rc::new(RefCell::new(Recorder::new(&catalogue, &[], window)));
    let track = catalogue.track(0);
    let track = track.expect("the catalogue has one journey");
    let states = UserStates::of(1);
    let recording = Recording::new(Rc::clone(&recorder), clock.epoch, track, states, None);
    let recording = Rc::new(recording);
    let totals = Rc::<Totals>::default();
    let target = &shared.target;
    let mut habits = target.habits();
    habits.connections = ConnectionPolicy::Shared {
        pool_size: std::num::NonZeroUsize::MIN,
    };
    let pool = Pool::new(
        registry::pool_settings(&habits),
        target.dialer(0),
        Rc::clone(&totals),
    );
    let settings = target.client(&habits, TIME_LIMIT);
    let client = Client::new(settings, pool, Rc::clone(&recording) as _);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let mut rounds = Rounds {
            probe,
            clock,
            track,
            client: &client,
            recorder: &recorder,
            recording: &recording,
            image: None,
        };
        rounds.run(shared, until).await
    })?;
    drop((client, recording, runtime));
    let recorder = Rc::into_inner(recorder);
    let mut recorder = recorder
        .expect("the client that recorded is gone")
        .into_inner();
    recorder.transport_bytes(totals.sent(), totals.received());
    Ok(recorder.into_record())
}

/// The rounds of a probe.
struct Rounds<'a> {
    probe: &'a Probe,
    clock: Clock,
    track: TrackId,
    client: &'a Client,
    recorder: &'a RefCell<Recorder>,
    recording: &'a Recording,
    image: Option<Image>,
}

/// The image that the probe requests, once it is known.
struct Image {
    name: ImageName,
    config: Wanted,
}

impl Rounds<'_> {
    async fn run(&mut self, shared: &Shared, mut until: watch::Receiver<bool>) -> io::Result<()> {
        let mut pacer = Pacer::new()?;
        let mut due = self.clock.epoch;
        loop {
            tokio::select! {
                biased;
                _ = until.wait_for(|over| *over) => break,
                woke = pacer.wait_until(due) => { woke?; }
            }
            self.round(shared, due, &mut until).await;
            due = next_cycle(due, self.probe.every, Instant::now(), |due| {
                self.missed(due);
            });
        }
        let ended = Instant::now().saturating_duration_since(self.clock.epoch);
        self.recorder.borrow_mut().end_window(ended);
        Ok(())
    }

    fn since_epoch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.clock.epoch)
    }

    fn missed(&self, due: Instant) {
        let due = self.since_epoch(due);
        let mut recorder = self.recorder.borrow_mut();
        recorder.scheduled(self.track, Period::Measure, due);
        // It does nothing but send requests.
        let passed = DroppedStart {
            reason: DropReason::Overrun,
            cause: DropCause::Target,
        };
        recorder.dropped(self.track, Period::Measure, due, passed);
    }

    async fn round(&mut self, shared: &Shared, due: Instant, until: &mut watch::Receiver<bool>) {
        let started = Instant::now();
        let scheduled = self.since_epoch(due);
        self.recording
            .begin((self.track, Period::Measure), scheduled, started);
        {
            let mut recorder = self.recorder.borrow_mut();
            recorder.scheduled(self.track, Period::Measure, scheduled);
            recorder.started(self.track, Period::Measure, scheduled);
        }
        let outcome = tokio::select! {
            biased;
            done = timeout_at(started + TIME_LIMIT, self.send_all(shared)) => match done {
                Ok(Ok(())) => Outcome::Ok,
                Ok(Err(class)) => Outcome::Failed(class),
                Err(_late) => Outcome::Failed(FailureClass::Timeout),
            },
            _ = until.wait_for(|over| *over) => Outcome::Cancelled,
        };
        let (sent, received) = self.recording.bytes();
        let finished = Instant::now();
        if let Outcome::Failed(class) = outcome {
            let mut recorder = self.recorder.borrow_mut();
            recorder.iteration_failure(&IterationFailure {
                track: self.track,
                period: Period::Measure,
                class,
                cause: BY_EXCHANGE,
                at: self.since_epoch(finished),
                when: finished,
                text: &"a request failed",
            });
        }
        self.recorder.borrow_mut().iteration(&IterationSample {
            track: self.track,
            period: Period::Measure,
            scheduled,
            started: self.since_epoch(started),
            finished: self.since_epoch(finished),
            sent,
            received,
            spent: self.recording.spent(finished),
            outcome,
        });
    }

    /// Sends all requests, also when one before has failed; the first failure is that of the round.
    async fn send_all(&mut self, shared: &Shared) -> Result<(), FailureClass> {
        let mut result = Ok(());
        if let (Some(journey), None) = (self.probe.journey, &self.image) {
            match find(self.client, shared, journey).await {
                Ok(image) => self.image = Some(image),
                Err(class) => result = Err(class),
            }
        }
        for ask in &self.probe.asks {
            let ended = match (ask, &self.image) {
                (Ask::Ping, _) => self.client.ping().await.map(drop),
                (Ask::ManifestHead, Some(image)) => {
                    let ImageName {
                        repository,
                        reference,
                    } = &image.name;
                    self.client
                        .manifest_head(repository, reference)
                        .await
                        .map(drop)
                }
                (Ask::ConfigGet, Some(image)) => {
                    let repository = &image.name.repository;
                    let mut nowhere = Discard;
                    let got = self.client.blob_get(repository, image.config, &mut nowhere);
                    got.await.map(drop)
                }
                // The image could not be found: the round has failed already.
                (_, None) => Ok(()),
            };
            if result.is_ok() {
                result = ended.map_err(|error: registry::Error| classify::exchange(error.kind()));
            }
        }
        result
    }
}

/// Returns the first image of a journey.
async fn find(client: &Client, shared: &Shared, journey: usize) -> Result<Image, FailureClass> {
    struct Nowhere;

    impl Store for Nowhere {
        fn slot(&self, _: &Wanted) -> io::Result<Option<Box<dyn BlobSlot>>> {
            Ok(None)
        }
    }

    let name = shared.images.places(journey).first();
    let (Some(name), Action::Pull(pull)) = (name, &shared.plan.journeys[journey].action) else {
        return Err(FailureClass::Protocol);
    };
    let options = PullOptions {
        verify: Verify::Digest,
        platform: pull.platform.clone(),
    };
    let pulled = Box::pin(client::pull(client, name, &options, &Nowhere)).await;
    let pulled = pulled.map_err(|error| classify::iteration(&error))?;
    let Pulled::Image(pulled) = pulled else {
        return Err(FailureClass::Protocol);
    };
    let Content::Image(image) = pulled.manifest.content() else {
        return Err(FailureClass::Protocol);
    };
    let config = image.config().map_err(|_| FailureClass::Protocol)?;
    Ok(Image {
        name: name.clone(),
        config: Wanted {
            digest: config.digest,
            size: Some(config.size),
            verify: Verify::Digest,
        },
    })
}

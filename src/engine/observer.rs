//! From an exchange that has ended to a sample in the worker's recorder.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::begun::Kept;
use super::classify;
use super::iteration_id::IterationId;
use super::iteration_timer::IterationTimer;
use super::tracing::Tracing;
use super::user_states::UserStates;
use crate::exchange::{ConnectionUse, RangeResponse, TraceId};
use crate::measure::{
    AddressUse, ExchangeSample, FailureExample, Identity, Outcome, Period, Recorder, Spent, TrackId,
};
use crate::oci::Operation;
use crate::registry::{Begun, End, Exchange, Kind, Observer, Pause};
use crate::transport::Dialer;

/// Where a worker's samples go. Only this worker's thread touches it: there is no lock to wait for.
pub(super) type SharedRecorder = Rc<RefCell<Recorder>>;

/// Records the exchanges of one virtual user.
pub(super) struct Recording {
    recorder: SharedRecorder,
    epoch: Instant, // when the measured window opens
    track: Cell<TrackId>,
    period: Cell<Period>,
    due: Cell<Duration>,     // of the iteration, since the measured window opened
    bytes: Cell<(u64, u64)>, // sent and received since the iteration began
    kept: Cell<Kept>,        // since the iteration began
    put: Cell<Option<(Instant, Instant)>>, // the requests that store manifests, since then
    timer: IterationTimer,
    tracing: Option<Tracing>,
    traced: Cell<Option<(IterationId, u64)>>, // the iteration, and how many requests of it have started
}

impl Recording {
    pub(super) fn new(
        recorder: SharedRecorder,
        epoch: Instant,
        track: TrackId,
        states: Rc<UserStates>,
        tracing: Option<Tracing>,
    ) -> Self {
        Self {
            tracing,
            traced: Cell::default(),
            timer: IterationTimer::new(states),
            recorder,
            epoch,
            track: Cell::new(track),
            period: Cell::new(Period::Prepare),
            due: Cell::default(),
            bytes: Cell::default(),
            kept: Cell::default(),
            put: Cell::default(),
        }
    }

    /// Starts an iteration, to which the next exchanges belong.
    pub(super) fn begin(&self, (track, period): (TrackId, Period), due: Duration, now: Instant) {
        self.timer.start(now);
        self.track.set(track);
        self.period.set(period);
        self.due.set(due);
        self.bytes.set((0, 0));
        self.kept.set(Kept::Nothing);
        self.put.set(None);
    }

    /// Draws the next requests that are traced among those of that iteration.
    pub(super) fn trace_within(&self, iteration: IterationId) {
        self.traced.set(Some((iteration, 0)));
    }

    /// Enters a period, in which exchanges belong to no iteration.
    pub(super) fn enter(&self, period: Period) {
        self.traced.set(None);
        self.period.set(period);
    }

    /// Ends the iteration, and returns where its time went.
    pub(super) fn spent(&self, now: Instant) -> Spent {
        self.timer.stop(now)
    }

    /// Begins to think between two requests, until the guard is dropped.
    pub(super) fn think(&self) -> Thinking<'_> {
        self.timer.thinks(true, Instant::now());
        Thinking(self)
    }

    /// Returns the bytes of bodies sent and received since the iteration began.
    pub(super) fn bytes(&self) -> (u64, u64) {
        self.bytes.get()
    }

    /// Returns from when until when manifests were stored since the iteration began; `None`: no request to do so was sent.
    pub(super) fn put(&self) -> Option<(Instant, Instant)> {
        self.put.get()
    }

    /// Returns whether the registry has kept a blob or a manifest since the iteration began.
    pub(super) fn kept(&self) -> Kept {
        self.kept.get()
    }
}

/// A user that thinks between two requests.
pub(super) struct Thinking<'a>(&'a Recording);

impl Drop for Thinking<'_> {
    fn drop(&mut self) {
        self.0.timer.thinks(false, Instant::now());
    }
}

/// Returns whether the registry has kept something of an exchange: the request reached it, and it did not refuse.
fn kept(exchange: &Exchange<'_>) -> Kept {
    let stores = matches!(
        exchange.operation,
        Operation::UploadPost
            | Operation::UploadMount
            | Operation::UploadPut
            | Operation::ManifestPut
    );
    if !stores {
        return Kept::Nothing;
    }
    let status = exchange.status.map(|it| it.as_u16());
    match (status, exchange.end) {
        // It has opened a session instead.
        (Some(202), End::Ok) if opens_session(exchange.operation) => Kept::Nothing,
        (_, End::Ok) => Kept::Something,
        (Some(400..), _) => Kept::Nothing,
        (Some(_), _) => Kept::Something,
        (None, End::Failed(_)) if exchange.ended.connection == ConnectionUse::None => Kept::Nothing,
        // How far it came that was dropped is not known.
        (None, _) => Kept::Unknown,
    }
}

/// Whether a registry may open an upload session in place of storing the blob.
const fn opens_session(operation: Operation) -> bool {
    matches!(operation, Operation::UploadPost | Operation::UploadMount)
}

impl Observer for Recording {
    fn begins(&self, at: Instant) -> Begun {
        self.timer.exchange_begins(at)
    }

    fn trace(&self) -> Option<TraceId> {
        let tracing = self.tracing?;
        let (iteration, request) = self.traced.get()?;
        self.traced.set(Some((iteration, request + 1)));
        tracing.draw(iteration, request)
    }

    fn pauses(&self, at: Instant) -> Begun {
        self.timer.pause_begins(at)
    }

    fn resumes(&self, pause: &Pause) {
        self.timer.pause_ended(pause);
    }

    fn exchange(&self, exchange: &Exchange<'_>) {
        let ended = &exchange.ended;
        let when = ended.finished.unwrap_or_else(Instant::now);
        self.timer.exchange_ended(exchange.begun, when);
        let finished = when.saturating_duration_since(self.epoch);
        let (sent, received) = self.bytes.get();
        self.bytes
            .set((sent + ended.sent, received + ended.received));
        self.kept.set(self.kept.get().max(kept(exchange)));
        if exchange.operation == Operation::ManifestPut {
            let began = when.checked_sub(ended.timings.total).unwrap_or(when);
            let began = self.put.get().map_or(began, |(first, _)| first.min(began));
            self.put.set(Some((began, when)));
        }
        let status = exchange.status.map(|status| status.as_u16());
        let mut recorder = self.recorder.borrow_mut();
        let outcome = match exchange.end {
            End::Ok => Outcome::Ok,
            End::Cancelled => Outcome::Cancelled,
            End::Failed(Kind::Misbehaved(how)) => Outcome::Misbehaved(*how),
            End::Failed(kind) => {
                let class = classify::exchange(kind);
                recorder.failure_example(&FailureExample {
                    track: self.track.get(),
                    period: self.period.get(),
                    operation: exchange.operation,
                    class,
                    status,
                    code: classify::code(kind),
                    at: finished,
                    when,
                    asked: exchange
                        .address
                        .map(|it| (it.origin() as &dyn std::fmt::Display, it.path())),
                    request_id: exchange.request_id(),
                    trace: exchange.trace,
                    text: kind,
                });
                Outcome::Failed(class)
            }
        };
        let sample = ExchangeSample {
            track: self.track.get(),
            operation: exchange.operation,
            period: self.period.get(),
            due: self.due.get(),
            finished,
            timings: ended.timings,
            connection: ended.connection,
            protocol: ended.protocol,
            handshake: ended.handshake,
            sent: ended.sent,
            received: ended.received,
            status,
            outcome,
        };
        recorder.exchange(&sample);
        if let Some(asked) = exchange.ranges {
            let content_type = exchange.headers.and_then(|it| it.get(CONTENT_TYPE));
            let content_type = content_type.and_then(|it| it.to_str().ok());
            recorder.ranges(&sample, asked, RangeResponse::of(status, content_type));
        }
        if recorder.is_slow(&sample)
            && let Some(address) = exchange.address
        {
            let identity = Identity {
                when,
                host: address.origin(),
                path: address.path(),
                request_id: exchange.request_id(),
                trace: exchange.trace,
            };
            recorder.keep_slow(&sample, &identity);
        }
    }
}

/// Returns the addresses that connections of a worker went to.
pub(super) fn addresses(dialer: &Dialer) -> Vec<AddressUse> {
    let peers = dialer.peers().into_iter();
    peers
        .map(|it| AddressUse {
            host: it.host.to_string(),
            address: it.address,
            connections: it.connections,
            failed: it.failed,
            given_up: it.given_up,
        })
        .collect()
}

//! An image on its way: the runtime it moves on, and Ctrl-C.

use std::cell::Cell;
use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

use regstorm::client;
use regstorm::registry::{Client, Exchange, Observer};
use regstorm::units;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::blob_progress::BlobProgress;
use crate::exit::{Exit, Failure, OrExit as _};
use crate::signals::{self, Reaction};

/// How often the progress is brought up to date.
const TICK: Duration = Duration::from_millis(125);

/// How long a registry has to cancel what was left open.
const CANCEL_WAIT: Duration = Duration::from_secs(5);

/// Runs async work on this thread, with all that it may need.
pub(crate) fn block_on<T>(
    work: impl AsyncFnOnce(Interrupts) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .or_exit(Exit::Defect)?;
    let interrupts = Interrupts::listen();
    let result = runtime.block_on(work(interrupts));
    // Blocking work that was interrupted is not waited for.
    runtime.shutdown_background();
    result
}

/// Ctrl-C and other requests to end.
pub(crate) struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    fn listen() -> Self {
        let (count, interrupts) = watch::channel(0);
        signals::on_interrupt(move |number| {
            // Nobody waits any more when the receiver is gone.
            let _ = count.send(number);
            if number < 3 {
                Reaction::Ends
            } else {
                Reaction::EndsOr("interrupted")
            }
        });
        Self(interrupts)
    }

    /// The end of the work, or `None` when it was interrupted.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            _ = self.0.changed() => None,
            ended = work => Some(ended),
        }
    }
}

/// Records whether there was a response.
#[derive(Default)]
pub(crate) struct ResponseSeen(Cell<bool>);

impl ResponseSeen {
    pub(crate) fn get(&self) -> bool {
        self.0.get()
    }
}

impl Observer for ResponseSeen {
    fn exchange(&self, exchange: &Exchange<'_>) {
        if exchange.status.is_some() {
            self.0.set(true);
        }
    }
}

/// Moves an image, and shows how far it is. `None`: it was interrupted.
pub(crate) async fn watched<T>(
    interrupts: &mut Interrupts,
    progress: &BlobProgress,
    work: impl Future<Output = Result<T, client::Error>>,
) -> Option<Result<T, client::Error>> {
    // Boxed: it holds several transfers.
    let mut work = Box::pin(work);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let both = async {
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                _ = ticks.tick() => progress.tick(),
            }
        }
    };
    let ended = interrupts.or(both).await;
    progress.clear();
    ended
}

/// Has the registry cancel the uploads that were given up. A second Ctrl-C ends the wait.
///
/// Says what a person should know of it, if anything.
pub(crate) async fn cancel(client: &Client, interrupts: &mut Interrupts) -> Option<String> {
    const LEFT: &str = "an upload may stay open at the registry until it expires there";
    match interrupts
        .or(timeout(CANCEL_WAIT, Box::pin(client.cancel_abandoned())))
        .await
    {
        Some(Ok(Ok(0))) => None,
        Some(Ok(Ok(_))) => Some("the uploads under way were cancelled at the registry".to_owned()),
        Some(Ok(Err(error))) => Some(format!("{LEFT} ({error})")),
        Some(Err(_)) | None => Some(LEFT.to_owned()),
    }
}

/// Reads a number of things done at once.
pub(crate) fn at_least_one(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse()
        .map_err(|_| "write a whole number from 1 upwards")
}

/// Bytes, time and rate, as the last line of a command says them.
pub(crate) fn speed(bytes: u64, took: Duration) -> String {
    let size = units::bytes(bytes);
    let took_text = units::duration(took);
    if bytes == 0 || took.is_zero() {
        return format!("{size} in {took_text}");
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "three digits are shown of a number with at least fifteen exact ones"
    )]
    let rate = bytes as f64 / took.as_secs_f64();
    format!("{size} in {took_text} · {}", units::per_second(rate, "B"))
}

//! How runs are stopped: by a person, or by a threshold.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regstorm::engine::{self, Stop, Stopper};

use crate::exit::Exit;
use crate::signals;

/// How a run is stopped: by a person, or by a threshold.
pub(crate) struct Brake {
    pub(crate) stopper: Arc<Stopper>,
    pub(crate) stop: Stop,
    /// Reading and compressing images looks at no brake. Nothing was written to the target then.
    opening: Arc<AtomicBool>,
    by_person: Arc<AtomicBool>,
}

impl Brake {
    pub(crate) fn new() -> std::io::Result<Self> {
        let (stopper, stop) = engine::stop();
        let brake = Self {
            stopper: Arc::new(stopper),
            stop,
            opening: Arc::new(AtomicBool::new(true)),
            by_person: Arc::default(),
        };
        let (stopper, opening) = (Arc::clone(&brake.stopper), Arc::clone(&brake.opening));
        let by_person = Arc::clone(&brake.by_person);
        signals::on_interrupt(move || {
            by_person.store(true, Ordering::SeqCst);
            stopper.ask();
            if opening.load(Ordering::SeqCst) {
                leave();
            }
        })?;
        Ok(brake)
    }

    /// Images are read: from now on, whoever asks to stop is heard in time.
    pub(crate) fn opened(&self) {
        self.opening.store(false, Ordering::SeqCst);
    }

    pub(crate) fn hear(&self, at: &engine::Progress<'_>) {
        let opening = matches!(at, engine::Progress::Opening);
        self.opening.store(opening, Ordering::SeqCst);
    }

    pub(crate) fn was_used(&self) -> bool {
        self.by_person.load(Ordering::SeqCst)
    }
}

/// Ends the process while its main thread is busy with images.
#[expect(
    clippy::exit,
    reason = "nothing else can end that work, and temporary files have no name"
)]
fn leave() {
    let error = engine::Error::Interrupted;
    drop(writeln!(std::io::stderr().lock(), "error: {error}"));
    std::process::exit(Exit::Interrupted as i32);
}

//! Panics, wherever they happen: a defect, and never another exit code.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::anyhow;

use crate::exit::{Exit, Failure};

/// Panics of all threads and tasks, also those that were caught.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// Runs a command. When anything has panicked, on whatever thread, it ends as a defect: what it came to is not to be trusted.
pub(crate) fn guard(command: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        told(info);
    }));
    let before = PANICS.load(Ordering::SeqCst);
    // Nothing of the command is used after it.
    let ended = panic::catch_unwind(AssertUnwindSafe(command));
    let panicked = PANICS.load(Ordering::SeqCst) > before;
    match ended {
        Ok(Err(failure)) if !panicked => Err(failure),
        Ok(Ok(exit)) if !panicked || exit == Exit::Defect => Ok(exit),
        _ => Err(Failure::new(
            Exit::Defect,
            anyhow!(
                "a defect of regstorm: a part of it panicked, as told above; please report it with that text"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(ended: Result<Exit, Failure>) -> Exit {
        ended.unwrap_or_else(|failure| failure.exit())
    }

    /// One test: panics of others would count.
    #[test]
    fn any_panic_is_a_defect() {
        assert_eq!(code(guard(|| Ok(Exit::Passed))), Exit::Passed);
        assert_eq!(code(guard(|| panic!("in the main thread"))), Exit::Defect);
        let elsewhere = || {
            let thread = std::thread::spawn(|| panic!("in a thread of its own"));
            assert!(thread.join().is_err());
            Ok(Exit::Passed)
        };
        assert_eq!(code(guard(elsewhere)), Exit::Defect);
        let failed = || {
            let _ = std::thread::spawn(|| panic!("before it failed")).join();
            Err(Failure::new(Exit::Target, anyhow!("unreachable")))
        };
        assert_eq!(code(guard(failed)), Exit::Defect);
        assert_eq!(code(guard(|| Ok(Exit::Failed))), Exit::Failed);
    }
}

//! Commands of the user that run beside a load, such as the garbage collection of the registry under test.
//!
//! A [`Hook`] says what runs and when, counted from the opening of the measured window. Each hook has a thread, which
//! waits for its times and hands the command to a [`Runner`]: the caller owns processes, and a caller that gives none
//! allows none. The event loops of the load know nothing of hooks. What came of them is a [`HookRecord`].
//!
//! Not here: what a hook did to latencies (`result`), and how a process is started and ended (the binary).
//!
//! A shell that is always there was refused: a command is its program and its arguments, and needs no quoting.

mod hook;
mod output;
mod record;
mod runner;
mod threads;

pub use hook::{Hook, Times};
pub use record::{HookCounts, HookEnd, HookRecord, HookRun, MOST_RUNS};
pub use runner::{Allowed, CAPTURED, Order, Ran, Runner};
pub use threads::{Beside, HookThreads, News};

//! A way through which bytes pass, or some of them do not.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What does not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    /// Requests that begin so.
    Requests(&'static [u8]),
    /// As on a network that is down: neither side hears of it.
    Everything,
}

/// A way to an address.
pub(crate) struct Gate {
    pub(crate) address: String,
    state: Arc<State>,
}

struct State {
    held: Mutex<(Held, bool)>,
    changed: Condvar,
}

impl Gate {
    pub(crate) fn open(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State {
            held: Mutex::new((Held::Nothing, false)),
            changed: Condvar::new(),
        });
        let of_thread = Arc::clone(&state);
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.expect("a connection");
                // Nobody listens yet: whoever came tries again.
                let Ok(far) = TcpStream::connect(&to) else {
                    continue;
                };
                for (from, to, asks) in [(&near, &far, true), (&far, &near, false)] {
                    let from = from.try_clone().expect("a socket");
                    let to = to.try_clone().expect("a socket");
                    to.set_nodelay(true).expect("a socket");
                    let state = Arc::clone(&of_thread);
                    thread::spawn(move || state.carry(from, to, asks));
                }
            }
        });
        Self { address, state }
    }

    pub(crate) fn hold(&self, held: Held) {
        self.state.held().0 = held;
        self.state.changed.notify_all();
    }

    /// Whether something did not pass.
    pub(crate) fn is_holding(&self) -> bool {
        self.state.held().1
    }
}

/// What waits at the gate goes on, so that its threads end.
impl Drop for Gate {
    fn drop(&mut self) {
        self.hold(Held::Nothing);
    }
}

impl State {
    fn held(&self) -> MutexGuard<'_, (Held, bool)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, asks: bool) {
        let mut buffer = [0; 16_384];
        let mut passed_later = false;
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            passed_later |= self.pass(&buffer[..read], asks);
            if read == 0 || to.write_all(&buffer[..read]).is_err() {
                // As a proxy does, a request that was held waits for its answer, though nobody else does.
                if !passed_later {
                    let _ = to.shutdown(Shutdown::Write);
                }
                return;
            }
        }
    }

    /// Waits until that may pass, and returns whether it is a request that was held.
    fn pass(&self, bytes: &[u8], asks: bool) -> bool {
        let mut held = self.held();
        let mut is_held_request = false;
        while match held.0 {
            Held::Nothing => false,
            Held::Requests(begin) => asks && bytes.starts_with(begin),
            Held::Everything => true,
        } {
            held.1 = true;
            is_held_request |= matches!(held.0, Held::Requests(_));
            held = self
                .changed
                .wait(held)
                .unwrap_or_else(PoisonError::into_inner);
        }
        is_held_request
    }
}

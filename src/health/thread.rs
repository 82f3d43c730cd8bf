//! A thread that ends with its owner.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

/// A thread that ends when its sender is dropped, and is waited for.
#[derive(Debug)]
pub(super) struct Thread<C, T> {
    commands: Option<Sender<C>>,
    handle: Option<JoinHandle<T>>,
}

impl<C: Send + 'static, T: Send + 'static> Thread<C, T> {
    /// Starts it. The body is to return when its receiver is disconnected.
    pub(super) fn start(
        name: &str,
        body: impl FnOnce(Receiver<C>) -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (commands, receiver) = channel();
        let builder = Builder::new().name(name.to_owned());
        Ok(Self {
            commands: Some(commands),
            handle: Some(builder.spawn(move || body(receiver))?),
        })
    }
}

impl<C, T> Thread<C, T> {
    /// Sends it a word, without waiting.
    pub(super) fn tell(&self, command: C) {
        if let Some(commands) = &self.commands {
            // A thread that has panicked hears nothing; what it saw is missing in the end, not made up.
            drop(commands.send(command));
        }
    }

    /// Ends the thread; nothing if it has panicked.
    pub(super) fn finish(mut self) -> Option<T> {
        self.commands = None;
        self.handle.take()?.join().ok()
    }
}

impl<C, T> Drop for Thread<C, T> {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(handle) = self.handle.take() {
            drop(handle.join());
        }
    }
}

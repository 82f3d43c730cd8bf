//! What `pull` and `push` show while blobs move: a line for each on a terminal, plain lines elsewhere, or nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::rc::Rc;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use regstorm::oci::Digest;
use regstorm::registry::Restart;
use regstorm::transport::Sent;
use regstorm::units;

use crate::terminal;

/// Blobs under way, and how much of the image has moved.
pub(crate) struct BlobProgress {
    shown: Shown,
    state: RefCell<State>,
}

enum Shown {
    Nothing,
    Lines,
    Bars {
        all: MultiProgress,
        total: ProgressBar,
    },
}

#[derive(Default)]
struct State {
    under_way: BTreeMap<Digest, UnderWay>, // at most as many as move at once
    of: usize,
    done: usize,
    moved: u64, // bytes of blobs that are done
}

struct UnderWay {
    position: u64,                // bytes that are there, or were sent
    sending: Option<(u64, Sent)>, // the part being sent: its offset, and how far it is
    bar: ProgressBar,
}

impl BlobProgress {
    pub(crate) fn new(quiet: bool) -> Rc<Self> {
        let shown = if quiet {
            Shown::Nothing
        } else if terminal::redraws(&std::io::stderr()) {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
            let total = all.add(bar(0, "total".to_owned()));
            Shown::Bars { all, total }
        } else {
            Shown::Lines
        };
        Rc::new(Self {
            shown,
            state: RefCell::default(),
        })
    }

    /// Says something that stays.
    pub(crate) fn line(&self, text: &str) {
        match &self.shown {
            Shown::Nothing => {}
            // Who watches may go away; the work goes on.
            Shown::Lines => drop(writeln!(std::io::stderr().lock(), "{text}")),
            Shown::Bars { all, .. } => drop(all.println(text)),
        }
    }

    /// So much is to be moved.
    pub(crate) fn expect(&self, blobs: usize, bytes: u64) {
        self.state.borrow_mut().of = blobs;
        if let Shown::Bars { total, .. } = &self.shown {
            total.set_length(bytes);
        }
    }

    /// A blob begins to move, perhaps not from its start.
    pub(crate) fn begin(&self, digest: &Digest, size: Option<u64>, position: u64) {
        let bar = match &self.shown {
            Shown::Bars { all, total } => {
                all.insert_before(total, bar(size.unwrap_or(0), digest.short()))
            }
            Shown::Nothing | Shown::Lines => ProgressBar::hidden(),
        };
        let blob = UnderWay {
            position,
            sending: None,
            bar,
        };
        self.state.borrow_mut().under_way.insert(*digest, blob);
    }

    /// Bytes of a blob came.
    pub(crate) fn came(&self, digest: &Digest, bytes: u64) {
        if let Some(blob) = self.state.borrow_mut().under_way.get_mut(digest) {
            blob.position += bytes;
        }
    }

    /// A blob begins again at its start.
    pub(crate) fn restart(&self, digest: &Digest, why: Restart) {
        self.line(&format!(
            "{}: {why}; fetched from its start",
            digest.short()
        ));
        if let Some(blob) = self.state.borrow_mut().under_way.get_mut(digest) {
            blob.position = 0;
        }
    }

    /// A blob is sent from `offset` on; `sent` counts.
    pub(crate) fn sending(&self, digest: &Digest, size: u64, offset: u64, sent: Sent) {
        if !self.state.borrow().under_way.contains_key(digest) {
            self.begin(digest, Some(size), offset);
        }
        if let Some(blob) = self.state.borrow_mut().under_way.get_mut(digest) {
            blob.sending = Some((offset, sent));
        }
    }

    /// A blob is where it should be.
    pub(crate) fn done(&self, digest: &Digest, size: Option<u64>, how: &str) {
        let mut state = self.state.borrow_mut();
        let under_way = state.under_way.remove(digest);
        let position = under_way.as_ref().map_or(0, |blob| blob.position);
        let size = size.unwrap_or(position);
        state.done += 1;
        state.moved += size;
        if let (Some(blob), Shown::Bars { all, .. }) = (under_way, &self.shown) {
            blob.bar.finish_and_clear();
            all.remove(&blob.bar);
        }
        if matches!(self.shown, Shown::Lines) {
            let (done, of) = (state.done, state.of);
            let size = units::bytes(size);
            self.line(&format!("{done}/{of}  {}  {size}  {how}", digest.short()));
        }
    }

    /// Brings what is shown up to date. Called a few times a second.
    pub(crate) fn tick(&self) {
        let Shown::Bars { total, .. } = &self.shown else {
            return;
        };
        let mut state = self.state.borrow_mut();
        let mut moved = state.moved;
        for blob in state.under_way.values_mut() {
            if let Some((offset, sent)) = &blob.sending {
                blob.position = offset + sent.bytes();
            }
            blob.bar.set_position(blob.position);
            moved += blob.position;
        }
        total.set_message(format!("{}/{} blobs", state.done, state.of));
        total.set_position(moved);
    }

    /// Takes away what moves, before something else is printed.
    pub(crate) fn clear(&self) {
        if let Shown::Bars { all, .. } = &self.shown {
            // A terminal that has gone away has nothing to be taken from.
            drop(all.clear());
        }
    }
}

fn bar(length: u64, name: String) -> ProgressBar {
    const LOOK: &str = "{prefix:12} {bar:32} {decimal_bytes:>9} / {decimal_total_bytes:9} {decimal_bytes_per_sec:>11} {msg}";
    let style = ProgressStyle::with_template(LOOK)
        .expect("the template is well formed")
        .progress_chars("━╸ ");
    ProgressBar::new(length).with_style(style).with_prefix(name)
}

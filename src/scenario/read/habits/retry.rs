//! The keys of what a client sends again, and when.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::keys::codec::{
    Codec, Editor, flag, fraction, list, time, whole, with_key, words, words_or,
};
use crate::keys::define::keys;
use crate::keys::key::{Key, Keyed};
use crate::profile::{Backoff, Habits, Retry, RetryAfter, RetryScope};

const PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
const MOST_STATUSES: usize = 64;

pub(super) fn keys() -> Vec<Key<Habits>> {
    keys! { Habits {
        /// `false` sends no request a second time, whatever the client does; `true` leaves that to the client and to the
        /// keys below.
        retry = retry => is_on(), false;
        /// The most times that one request is sent, the first included.
        retry_attempts = retry.attempts => whole(1..=16), 3;
        /// Which requests are sent again: none, those without a body, or those that fetch a blob.
        retry_requests = retry.scope => words("kind of request", RetryScope::WORDS), "blob-gets";
        /// Statuses after which a request is sent again.
        retry_statuses = retry.statuses => statuses(), [429, 503];
        /// Statuses after which a request is sent again, but not twice in a row.
        retry_once = retry.once => statuses(), [500];
        /// Send a request again after a connection that broke.
        retry_broken = retry.broken => flag(), true;
        /// The pause before a request is sent again: none, one that grows by `step` each time, or one that grows by
        /// `factor`.
        retry_backoff = retry.backoff => backoff(), { first = "1s", factor = 2.0, max = "30s" };
        /// Whether the registry's `Retry-After` is followed: never, or after 429.
        retry_after = retry.retry_after => words("use of Retry-After", RetryAfter::WORDS), "throttled";
    }}
}

/// `false` for none at all.
fn is_on() -> Editor<Retry> {
    let turn = |it: &mut Retry, is_on: bool| {
        if !is_on {
            *it = Retry::NEVER;
        }
    };
    flag().part(turn, |it| Some(*it != Retry::NEVER))
}

fn statuses() -> Codec<Cow<'static, [u16]>> {
    let status = whole(100..=599).map(
        |status| u16::try_from(status).unwrap_or(599),
        |status: &u16| u32::from(*status),
    );
    list(status, "statuses", MOST_STATUSES).map(Cow::Owned, |statuses: &Cow<'static, [u16]>| {
        statuses.to_vec()
    })
}

keys! {
    struct Linear {
        /// The first pause, and what is added for each that follows.
        step: Duration => time(PAUSE), "5s", needed;
    }
}

keys! {
    struct Exponential {
        /// The first pause.
        first: Duration => time(PAUSE), "1s", needed;
        /// What each pause is multiplied by to give the next.
        factor: f64 => fraction(1.0..=100.0), 2.0, needed;
        /// The longest pause.
        max: Duration => time(PAUSE), "30s", needed;
    }
}

fn backoff() -> Codec<Backoff> {
    const FORMS: &[&str] = &[
        "{ step = \"5s\" }",
        "{ first = \"1s\", factor = 2.0, max = \"30s\" }",
    ];
    let linear = Linear::inline().case(
        |Linear { step }| Backoff::Linear { step },
        |it: &Backoff| match *it {
            Backoff::Linear { step } => Some(Linear { step }),
            _ => None,
        },
    );
    let exponential = Exponential::inline().case(
        |Exponential { first, factor, max }| Backoff::Exponential { first, factor, max },
        |it: &Backoff| match *it {
            Backoff::Exponential { first, factor, max } => Some(Exponential { first, factor, max }),
            _ => None,
        },
    );
    words_or("backoff", &[("none", Backoff::None)], FORMS).or_table(with_key(
        "step",
        linear,
        exponential,
    ))
}

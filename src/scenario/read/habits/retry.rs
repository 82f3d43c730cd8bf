//! The keys of what a client sends again, and when.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::keys::codec::{Codec, Editor, flag, list, time, whole, words};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::key::Key;
use crate::keys::plain::{Fields, Plain};
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value;
use crate::profile::{Backoff, Habits, Retry, RetryAfter, RetryScope};

const PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
const FACTOR: RangeInclusive<f64> = 1.0..=100.0;
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

fn backoff() -> Codec<Backoff> {
    let pause = || time(PAUSE).form;
    let factor = Form::Number {
        least: *FACTOR.start(),
        most: *FACTOR.end(),
    };
    let forms = vec![
        Form::Words(vec!["none"]),
        Form::Inline(vec![
            Described::own(("step", r#""5s""#), pause(), "").needed(),
        ]),
        Form::Inline(vec![
            Described::own(("first", r#""1s""#), pause(), "").needed(),
            Described::own(("factor", "2.0"), factor, "").needed(),
            Described::own(("max", r#""30s""#), pause(), "").needed(),
        ]),
    ];
    Codec::new(Form::Either(forms), read_backoff, |it| {
        Some(show_backoff(it))
    })
}

fn read_backoff(item: &Item, sink: &Sink) -> Option<Backoff> {
    if !matches!(item.value, Value::Table(_)) {
        let forms = [
            "{ step = \"5s\" }",
            "{ first = \"1s\", factor = 2.0, max = \"30s\" }",
        ];
        return value::choice_or("backoff", &[("none", Backoff::None)], &forms)(item, sink);
    }
    let mut table = Table::open(item, sink)?;
    let read = if table.entry("step").is_some() {
        let step = table.need("step", "step = \"5s\"", value::time(PAUSE));
        step.map(|step| Backoff::Linear { step })
    } else {
        let first = table.need("first", "first = \"1s\"", value::time(PAUSE));
        let factor = table.need("factor", "factor = 2.0", value::fraction(FACTOR));
        let max = table.need("max", "max = \"30s\"", value::time(PAUSE));
        first
            .zip(factor)
            .zip(max)
            .map(|((first, factor), max)| Backoff::Exponential { first, factor, max })
    };
    table.finish();
    read
}

fn show_backoff(backoff: &Backoff) -> Plain {
    let fields = Fields::default();
    match *backoff {
        Backoff::None => "none".into(),
        Backoff::Linear { step } => fields.put("step", step).into(),
        Backoff::Exponential { first, factor, max } => fields
            .put("first", first)
            .put("factor", factor)
            .put("max", max)
            .into(),
    }
}

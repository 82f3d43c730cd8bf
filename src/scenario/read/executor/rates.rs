//! Rates of iterations, read in the load's unit of time.

use std::time::Duration;

use crate::keys::codec::{Codec, Editor, time};
use crate::keys::form::Form;
use crate::keys::plain::Plain;
use crate::keys::value;
use crate::units::Rate;

/// `time_unit`, which is read first: the rate counts in it from then on.
pub(super) fn time_unit() -> Editor<Rate> {
    let (least, most) = Rate::UNITS;
    let put = |it: &mut Rate, unit| *it = Rate::new(0.0, unit).unwrap_or(Rate::ZERO);
    time(least..=most).part(put, |it| Some(it.unit()))
}

/// A rate that is not zero, in the unit that it has already.
pub(super) fn rate() -> Editor<Rate> {
    Editor::new(
        form(),
        |item, sink, it: &mut Rate| {
            let read = value::rate(it.unit())(item, sink);
            *it = read.unwrap_or(*it);
            read.is_some()
        },
        |it| Some(show(it)),
    )
}

/// A rate in this unit; it may be zero.
pub(super) fn rate_or_zero(unit: Duration) -> Codec<Rate> {
    Codec::new(form(), value::rate_or_zero(unit), |it| Some(show(it)))
}

/// What a rate may be.
pub(super) fn form() -> Form {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a million is a number of any kind"
    )]
    let most = Rate::MAX_PER_SECOND as f64;
    Form::Number { least: 0.0, most }
}

/// A rate as it would be written.
pub(super) fn show(rate: &Rate) -> Plain {
    if rate.millionths().is_multiple_of(Rate::MILLIONTHS) {
        Plain::Whole(rate.millionths() / Rate::MILLIONTHS)
    } else {
        Plain::Number(rate.per_unit())
    }
}

//! Rates of iterations, read in the load's unit of time.

use std::time::Duration;

use crate::keys::form::Form;
use crate::keys::key::Key;
use crate::keys::plain::Plain;
use crate::keys::table::Sink;
use crate::keys::tree::Item;
use crate::keys::value;
use crate::units::Rate;

/// No iteration in a second.
pub(super) fn none() -> Rate {
    in_unit(Duration::from_secs(1))
}

fn in_unit(unit: Duration) -> Rate {
    Rate::new(0.0, unit).unwrap_or(Rate::ZERO)
}

/// `time_unit`, which is read first: the rates of the load that `edit` leads to count in it.
pub(super) fn time_unit<T: 'static>(get: fn(&T) -> Rate, edit: fn(&mut T, Rate)) -> Key<T> {
    let (least, most) = Rate::UNITS;
    Key::custom(
        (
            "time_unit",
            r#""1m""#,
            "The time that the rates of this load are per.",
        ),
        Form::Time { least, most },
        move |item: &Item, sink: &Sink, it: &mut T| {
            let read = value::time(least..=most)(item, sink);
            edit(it, in_unit(read.unwrap_or(Duration::from_secs(1))));
            read.is_some()
        },
        move |it| Some(get(it).unit().into()),
    )
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
pub(super) fn show(rate: Rate) -> Plain {
    if rate.millionths().is_multiple_of(Rate::MILLIONTHS) {
        Plain::Whole(rate.millionths() / Rate::MILLIONTHS)
    } else {
        Plain::Number(rate.per_unit())
    }
}

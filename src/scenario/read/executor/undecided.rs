//! The keys of all executors, read where nobody knows which executor is meant: one mistake does not hide the others.

use std::time::Duration;

use super::super::table::{Sink, Table};
use super::super::value::{fraction, rate, rate_or_zero, time, whole};
use super::{
    CONFIRM, DAY, GROWTH, LENGTH, MOST_ITERATIONS, MOST_QUEUE, MOST_VUS, PACING, PRECISION,
    on_no_vu, spacing, stages, time_unit,
};
use crate::scenario::tree::Item;

/// Reports what is wrong with any of them. None of them is missed.
pub(super) fn read(table: &mut Table<'_>) {
    let unit = time_unit(table);
    for key in ["vus", "max_vus"] {
        let _ = table.may(key, whole(1..=MOST_VUS));
    }
    let _ = table.may("start_vus", whole(0..=MOST_VUS));
    let _ = table.may("iterations", whole(1..=MOST_ITERATIONS));
    for key in ["duration", "max_duration"] {
        let _ = table.may(key, time(LENGTH));
    }
    for key in ["warmup", "within", "settle", "graceful_ramp_down"] {
        let _ = table.may(key, time(Duration::ZERO..=DAY));
    }
    for key in ["hold", "confirm"] {
        let _ = table.may(key, time(CONFIRM));
    }
    let _ = table.may("pacing", time(PACING));
    for key in ["rate", "max_rate"] {
        let _ = table.may(key, rate(unit));
    }
    let _ = table.may("start_rate", rate_or_zero(unit));
    let _ = table.may("growth", fraction(GROWTH));
    let _ = table.may("precision", fraction(PRECISION));
    let _ = spacing(table);
    let _ = on_no_vu(table);
    let _ = table.may("max_queue", whole(1..=MOST_QUEUE));
    // Users or a rate: what is no number is neither.
    let _ = table.may("stages", |item: &Item, sink: &Sink| {
        stages(item, sink, |table| {
            table.need("target", "target = 10", rate_or_zero(unit))
        })
    });
}

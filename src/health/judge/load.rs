//! Judging what the engine knows: starts, connections, limits, the ceiling.

use super::super::{ExchangeFacts, Level, LoadFacts, ScheduleFacts, Signal, Why};
use super::bounds::{self, Bounds};
use super::findings::Findings;
use crate::measure::LatencyHistogram;
use crate::units::{self, Quantile, duration};

pub(super) fn judge(facts: &LoadFacts<'_>, findings: &mut Findings) {
    for journey in &facts.journeys {
        if let Some(schedule) = &journey.schedule {
            start_lag(journey.name, schedule, journey.service_time, findings);
            starts(journey.name, schedule, findings);
        }
    }
    connection_wait(facts.exchanges, findings);
    findings.hold(
        Signal::HarnessLimit,
        None,
        Ok(float(facts.harness_limit_failures)),
        bounds::HARNESS_LIMIT,
    );
    findings.hold(
        Signal::Ceiling,
        None,
        facts.ceiling_share.ok_or(Why::NotKnown),
        bounds::CEILING,
    );
}

fn start_lag(
    journey: &str,
    schedule: &ScheduleFacts<'_>,
    service_time: &LatencyHistogram,
    findings: &mut Findings,
) {
    let place = (Signal::StartLag, Some(journey));
    let lag = schedule.start_lag;
    let interval = schedule.mean_interval;
    if interval >= bounds::LEAST_MEAN_INTERVAL
        && let Some(p95) = lag.quantile(Quantile::P95).filter(|p95| *p95 > interval)
    {
        let bound = format!("at most one interval, {}", duration(interval));
        let observed = format!("p95 {}", duration(p95));
        findings.found(Level::Invalid, place, observed, bound);
        return;
    }
    let Some(p99) = lag.quantile(Quantile::P99) else {
        findings.not_judged(Signal::StartLag, Some(journey), Why::TooFewValues);
        return;
    };
    let of_service = service_time
        .quantile(Quantile::P50)
        .map(|median| median.as_secs_f64() * bounds::START_LAG_OF_SERVICE);
    let relative = of_service.map_or(f64::INFINITY, |it| it.max(bounds::LEAST_START_LAG));
    let limits = Bounds {
        suspect: bounds::START_LAG.suspect.min(relative),
        ..bounds::START_LAG
    };
    if let Some((level, bound)) = limits.exceeded_by(p99.as_secs_f64()) {
        let observed = format!("p99 {}", duration(p99));
        findings.found(level, place, observed, limits.show(bound));
    }
}

fn starts(journey: &str, schedule: &ScheduleFacts<'_>, findings: &mut Findings) {
    let ScheduleFacts {
        planned,
        started,
        dropped,
        ..
    } = *schedule;
    // A plan of nothing that drops something would be a defect; it is shown all the same.
    let share = |count| float(count) / float(planned.max(1));
    let of = units::count(planned);
    let observed = |count| format!("{} of {of} planned starts", units::count(count));
    // The sum decides how much they weigh; each has a line of its own, because each has a cure of its own.
    if let Some((level, bound)) = bounds::DROPPED.exceeded_by(share(dropped.not_by_target())) {
        let kinds = [
            (Signal::DroppedNoVu, dropped.no_vu),
            (Signal::DroppedQueueFull, dropped.queue_full),
            (Signal::DroppedCut, dropped.cut),
        ];
        for (signal, count) in kinds.into_iter().filter(|(_, count)| *count > 0) {
            let bound = bounds::DROPPED.show(bound);
            findings.found(level, (signal, Some(journey)), observed(count), bound);
        }
    }
    if let Some((level, bound)) = bounds::DROPPED_BY_TARGET.exceeded_by(share(dropped.by_target)) {
        let place = (Signal::DroppedByTarget, Some(journey));
        let bound = bounds::DROPPED_BY_TARGET.show(bound);
        findings.found(level, place, observed(dropped.by_target), bound);
    }
    let missing = planned.saturating_sub(started.saturating_add(dropped.all()));
    if missing > bounds::MISSING_AT_THE_EDGE
        && let Some((level, bound)) = bounds::MISSING.exceeded_by(share(missing))
    {
        let place = (Signal::MissingStarts, Some(journey));
        findings.found(level, place, observed(missing), bounds::MISSING.show(bound));
    }
}

fn connection_wait(exchanges: ExchangeFacts, findings: &mut Findings) {
    let ExchangeFacts {
        count,
        waited,
        total,
    } = exchanges;
    let share = if count == 0 || total.is_zero() {
        Err(Why::TooFewValues)
    } else if waited.as_secs_f64() <= bounds::LEAST_MEAN_WAIT.as_secs_f64() * float(count) {
        Ok(0.0)
    } else {
        Ok(waited.as_secs_f64() / total.as_secs_f64())
    };
    findings.hold(Signal::ConnectionWait, None, share, bounds::CONNECTION_WAIT);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only its size against a bound matters"
)]
fn float(number: u64) -> f64 {
    number as f64
}

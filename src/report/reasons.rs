//! Why a generator has its verdict, in words.

use crate::health::{Health, Reason};

/// More places of one signal than these, such as workers, are in the table of the generator only.
const MOST_PLACES: usize = 3;

/// Returns the reasons of a verdict on the generator, each with its advice; of several with one advice only the first has it.
pub(super) fn advised(health: &Health) -> impl Iterator<Item = (&Reason, Option<&str>)> {
    let mut given: Vec<&str> = Vec::new();
    health.reasons.iter().map(move |reason| {
        let advice = reason.advice.as_str();
        let is_new = !given.contains(&advice);
        if is_new {
            given.push(advice);
        }
        (reason, is_new.then_some(advice))
    })
}

/// `run-queue-wait of worker 0: 54.9%, of worker 1: 52% (at most 20%); use fewer workers`, a line for each signal.
pub(super) fn with_advice(health: &Health) -> Vec<String> {
    let mut given: Vec<&str> = Vec::new();
    let lines = grouped(health).into_iter().map(|group| {
        let mut line = seen(&group);
        let advice = group.first().map_or("", |it| it.advice.as_str());
        if !given.contains(&advice) {
            given.push(advice);
            line = format!("{line}; {advice}");
        }
        line
    });
    lines.collect()
}

/// Returns the same without advice.
pub(super) fn brief(health: &Health) -> Vec<String> {
    grouped(health).iter().map(|it| seen(it)).collect()
}

/// Returns the reasons of one signal and level together, in the order of the first of each.
fn grouped(health: &Health) -> Vec<Vec<&Reason>> {
    let mut groups: Vec<Vec<&Reason>> = Vec::new();
    for reason in &health.reasons {
        let is_its =
            |it: &&mut Vec<&Reason>| (it[0].signal, it[0].level) == (reason.signal, reason.level);
        match groups.iter_mut().find(is_its) {
            Some(group) => group.push(reason),
            None => groups.push(vec![reason]),
        }
    }
    groups
}

/// `run-queue-wait of worker 0: 54.9%, of worker 1: 52% (at most 20%)`
fn seen(group: &[&Reason]) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let is_one_bound = group.iter().all(|it| it.bound == first.bound);
    let place = |reason: &&Reason| {
        let of = reason.subject.as_ref();
        let of = of.map_or_else(String::new, |it| format!(" of {it}"));
        if is_one_bound {
            format!("{of}: {}", reason.observed)
        } else {
            format!("{of}: {} ({})", reason.observed, reason.bound)
        }
    };
    let places = group.iter().take(MOST_PLACES).map(place);
    let more = group.len().saturating_sub(MOST_PLACES);
    let more = (more > 0).then(|| format!(" and {more} more"));
    let places: Vec<String> = places.chain(more).collect();
    let bound = if is_one_bound {
        format!(" ({})", first.bound)
    } else {
        String::new()
    };
    format!("{}{}{bound}", first.signal, places.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Level, Signal, TargetHost};

    fn reason(place: &str, observed: &str, bound: &str) -> Reason {
        Reason {
            level: Level::Invalid,
            signal: Signal::RunQueueWait,
            subject: Some(place.into()),
            observed: observed.into(),
            bound: bound.into(),
            advice: "use fewer workers".into(),
        }
    }

    fn health(reasons: Vec<Reason>) -> Health {
        Health {
            reasons,
            not_judged: Vec::new(),
            target_host: TargetHost::Other,
        }
    }

    #[test]
    fn places_of_one_signal_share_a_line_and_an_advice() {
        let two = health(vec![
            reason("worker 0", "31.5%", "at most 20%"),
            reason("worker 1", "29.9%", "at most 20%"),
        ]);
        let line = "run-queue-wait of worker 0: 31.5%, of worker 1: 29.9% (at most 20%)";
        assert_eq!(brief(&two), [line]);
        assert_eq!(with_advice(&two), [format!("{line}; use fewer workers")]);
        let bounds = health(vec![
            reason("pull", "9 ms", "at most 1 ms"),
            reason("push", "9 ms", "at most 2 ms"),
        ]);
        let line = "run-queue-wait of pull: 9 ms (at most 1 ms), of push: 9 ms (at most 2 ms)";
        assert_eq!(brief(&bounds), [line]);
    }

    #[test]
    fn many_workers_are_one_line() {
        let workers = (0..64).map(|it| reason(&format!("worker {it}"), "30%", "at most 20%"));
        let lines = brief(&health(workers.collect()));
        let line = "run-queue-wait of worker 0: 30%, of worker 1: 30%, of worker 2: 30%, and 61 more (at most 20%)";
        assert_eq!(lines, [line]);
    }
}

//! In what two sides differ that ought not to: then a change of the numbers may be of that.

use crate::result::{Aspect, Difference, Document};
use crate::schedule::Side;

use super::reading::real;

/// Offered loads may differ by so much, as a share: a window is closed at an instant.
const LOAD: f64 = 0.01;

/// So much of what was due must have been started.
const STARTED: f64 = 0.99;

/// What the runs so far have in common, and the first of each aspect that has not.
///
/// The first run is what all others are held against, those of its own side, too.
#[derive(Debug, Clone)]
pub(super) struct Differences {
    allowed: Vec<Aspect>,
    first: Option<Facts>,
    found: Vec<Difference>,
}

/// What has to be equal of a run.
#[derive(Debug, Clone)]
struct Facts {
    plan: String,
    machine: String,
    version: String,
    open_model: bool,
    /// Iterations that were due, in all and in a second, and the share of them that was started.
    scheduled: f64,
    due: f64,
    started: f64,
}

impl Differences {
    pub(super) const fn new(allowed: Vec<Aspect>) -> Self {
        Self {
            allowed,
            first: None,
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, side: Side, run: &Document) {
        let facts = Facts::of(run);
        let Some(first) = &self.first else {
            if facts.lags() {
                // What the other side did is not known yet.
                let words = (facts.load(), String::new());
                self.found.push(self.difference(Aspect::Load, side, words));
            }
            self.first = Some(facts);
            return;
        };
        let half = |it: &&mut Difference| it.aspect == Aspect::Load && it.candidate.is_empty();
        if side == Side::Candidate
            && let Some(half) = self.found.iter_mut().find(half)
        {
            half.candidate = facts.load();
        }
        let pairs = [
            (Aspect::Plan, &first.plan, &facts.plan),
            (Aspect::Machine, &first.machine, &facts.machine),
            (Aspect::Version, &first.version, &facts.version),
        ];
        let mut odd: Vec<(Aspect, (String, String))> = pairs
            .into_iter()
            .filter(|(_, ours, theirs)| ours != theirs)
            .map(|(aspect, ours, theirs)| (aspect, (ours.clone(), theirs.clone())))
            .collect();
        if !first.offers_as(&facts) || facts.lags() {
            odd.push((Aspect::Load, (first.load(), facts.load())));
        }
        for (aspect, words) in odd {
            if self.found.iter().all(|it| it.aspect != aspect) {
                self.found.push(self.difference(aspect, side, words));
            }
        }
    }

    pub(super) fn found(&self) -> &[Difference] {
        &self.found
    }

    fn difference(&self, aspect: Aspect, side: Side, (first, odd): (String, String)) -> Difference {
        // A run that differs from the first of its own side is listed as the other side's: there is no other column.
        let odd = match side {
            Side::Base if !odd.is_empty() => format!("{odd} (in a run of the base)"),
            _ => odd,
        };
        Difference {
            aspect,
            base: first,
            candidate: odd,
            allowed: self.allowed.contains(&aspect),
        }
    }
}

impl Facts {
    fn of(run: &Document) -> Self {
        let starts = run.totals.starts;
        let seconds = run.window().as_secs_f64();
        Self {
            plan: run.plan.identity(),
            machine: machine(run),
            version: run.regstorm.clone(),
            open_model: run.open_model && run.search.is_none(),
            scheduled: real(starts.scheduled),
            due: if seconds > 0.0 {
                real(starts.scheduled) / seconds
            } else {
                0.0
            },
            started: if starts.scheduled > 0 {
                real(starts.started) / real(starts.scheduled)
            } else {
                1.0
            },
        }
    }

    /// A closed load offers what the target takes, so only open ones are compared: by their number, since a load that is a
    /// number of iterations lasts as long as the target lets it, or by their rate, where one run is longer.
    fn offers_as(&self, other: &Self) -> bool {
        let near = |a: f64, b: f64| (a - b).abs() <= LOAD * a.max(b);
        let same = near(self.scheduled, other.scheduled) || near(self.due, other.due);
        self.open_model == other.open_model && (!self.open_model || same)
    }

    fn lags(&self) -> bool {
        self.open_model && self.started < STARTED
    }

    fn load(&self) -> String {
        if self.open_model {
            let share = 100.0 * self.started;
            format!(
                "{} iterations due, {:.1} per second, {share:.1}% started",
                self.scheduled, self.due
            )
        } else {
            "a closed load".to_owned()
        }
    }
}

/// Returns what a run was made on, in words.
fn machine(run: &Document) -> String {
    let environment = &run.environment;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let memory = environment.memory_bytes.map_or_else(
        || "unknown memory".to_owned(),
        |bytes| format!("{bytes} bytes of memory"),
    );
    let workers = run.plan.resolved.get("workers");
    let workers = workers.map_or_else(|| "?".to_owned(), ToString::to_string);
    format!(
        "host {}, kernel {}, processor {}, {} cores, {workers} workers, {memory}",
        known(&environment.host),
        known(&environment.kernel),
        known(&environment.cpu_model),
        environment.cores,
    )
}

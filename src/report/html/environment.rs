//! Where and when it was measured, what was to be done, and the sums that must close.

use std::time::Duration;

use crate::measure::Sum;
use crate::report::words;
use crate::result::Document;
use crate::units;

use super::markup::{Markup, element};
use super::parts::{details, faint};
use super::table::{Cell, HtmlTable, State};

/// Returns the machine, the times, the target's headers, labels and what the CI said.
pub(super) fn section(document: &Document) -> Markup {
    let environment = &document.environment;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let memory = environment.memory_bytes.map(units::bytes);
    let target = &document.target;
    let mut list = element("dl");
    let facts = [
        ("host", known(&environment.host)),
        ("kernel", known(&environment.kernel)),
        ("processor", known(&environment.cpu_model)),
        ("cores", environment.cores.to_string()),
        ("memory", known(&memory)),
        ("regstorm", document.regstorm.clone()),
        ("schema", crate::result::Schema::NAME.to_owned()),
        ("started", environment.started.clone()),
        ("ended", environment.ended.clone()),
        ("Server", known(&target.server)),
        (
            "Docker-Distribution-Api-Version",
            known(&target.docker_distribution_api_version),
        ),
    ];
    for (name, value) in facts {
        list = list
            .with(element("dt").with(name))
            .with(element("dd").with(value));
    }
    for (kind, map) in [("label", &environment.labels), ("CI", &environment.ci)] {
        for (name, value) in map {
            list = list
                .with(element("dt").with(format!("{kind} {name}")))
                .with(element("dd").with(value));
        }
    }
    list.into()
}

/// Returns the plan with no default left open.
pub(super) fn plan(document: &Document) -> Markup {
    let plan = &document.plan;
    let mut section = Markup::from(faint(format!("{}, seed {}", plan.fingerprint, plan.seed)));
    let json = serde_json::to_string_pretty(&plan.resolved).unwrap_or_default();
    section.push(details("The resolved plan", element("pre").with(json)));
    section
}

/// Returns whether the sums close, and what happened outside the measured window.
pub(super) fn sums(document: &Document) -> Markup {
    let closure = &document.closure;
    let mut section = Markup::new();
    if closure.holds() {
        let words = format!("{} sums were checked; all close.", closure.sums.len());
        section.push(
            element("p")
                .with(State::Good.badge("sums"))
                .with(" ")
                .with(words),
        );
        section.push(details("The sums", table_of(closure.sums.iter())));
    } else {
        section.push(
            element("p")
                .class("alert")
                .with(format!("Sums {}", words::BROKEN_SUMS)),
        );
        section.push(table_of(closure.broken()));
        section.push(details("All sums", table_of(closure.sums.iter())));
    }
    section.push(periods(document));
    section
}

fn table_of<'a>(sums: impl Iterator<Item = &'a Sum>) -> Markup {
    let mut table = HtmlTable::new("", &["sum", "", "left", "right"]);
    for sum in sums {
        let state = if sum.holds() {
            Cell::state(State::Good, "holds")
        } else {
            Cell::state(State::Bad, "broken")
        };
        table.row(vec![
            Cell::words(&sum.name),
            state,
            Cell::count(sum.left),
            Cell::count(sum.right),
        ]);
    }
    table.render().into()
}

fn periods(document: &Document) -> Markup {
    let heading = [
        "period",
        "length",
        "iterations",
        "exchanges",
        "failed",
        "cancelled",
        "sent",
        "received",
    ];
    let mut table = HtmlTable::new("Outside the measured window", &heading);
    for section in &document.periods {
        let exchanges = section.totals.exchanges;
        table.row(vec![
            Cell::words(section.period.name()),
            Cell::time(Some(Duration::from_micros(section.duration_us))),
            Cell::count(section.totals.iterations.ended()),
            Cell::count(exchanges.ended()),
            Cell::trouble(exchanges.failed),
            Cell::count(exchanges.cancelled),
            Cell::bytes(section.totals.bytes.sent),
            Cell::bytes(section.totals.bytes.received),
        ]);
    }
    if table.is_empty() {
        return Markup::new();
    }
    table.render().into()
}

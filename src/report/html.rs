//! One HTML file for a person with a browser: tables, charts and the plan, in the order in which they are wanted.
//!
//! The file needs nothing but itself: its policy forbids the browser to fetch anything, and its script only sorts tables
//! and moves cursors. Every word goes through `markup`, which escapes it. Its size is bounded by the plan, not by the
//! run: curves, windows and heat maps have a fixed number of points at most.

mod audit;
mod axis;
mod beside;
mod clients;
mod clock;
mod comparison;
mod course;
mod curves;
mod environment;
mod events;
mod failures;
mod forest;
mod head;
mod health;
mod heat;
mod hooks;
mod journeys;
pub mod live;
mod live_windows;
mod load;
mod markup;
mod number;
mod offered;
mod operations;
mod overlaid;
mod parts;
mod plot;
mod ranges;
mod replay;
mod scale;
mod search;
mod server;
mod shape;
mod shards;
mod slowest;
mod spent;
mod table;

use crate::result::{Comparison, Document};

use super::runs::{self, NamedRun};
use super::upstream;
use markup::{Element, Markup, element};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");
const LIVE_SCRIPT: &str = include_str!("html/live.js");

/// Nothing is fetched, nothing is sent; style and script are those of the file.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// Returns the page of one run.
pub fn render(document: &Document) -> String {
    run(document).render()
}

fn run(document: &Document) -> HtmlPage {
    let mut page = HtmlPage::new(&document.plan.name, head::of_run(document));
    page.add(
        "thresholds",
        "Thresholds",
        head::thresholds(&document.thresholds),
    );
    page.add("integrity", "Integrity", audit::integrity(document));
    page.add("audit", "Audit", audit::section(document));
    // What failed is why a reader has come.
    let failures = &document.failures;
    let failed = !failures.exchanges.kinds.is_empty() || !failures.iterations.is_empty();
    if failed {
        page.add("failures", "Failures", failures::section(document));
    }
    page.add(
        "generator",
        "Generator",
        health::section(&document.generator, document.open_model),
    );
    page.add("shards", "Shards", shards::section(document));
    let mut journeys = journeys::section(document);
    journeys.push(clients::table(document));
    journeys.push(replay::tables(document));
    journeys.push(ranges::tables(document));
    page.add("journeys", "Journeys", journeys);
    page.add(
        "time",
        "Where the time of an iteration goes",
        spent::section(document),
    );
    if let Some(search) = &document.search {
        page.add("search", "Capacity search", search::section(search));
    }
    page.add("hooks", "Hooks", hooks::section(document));
    let upstream = document.upstream.iter().map(upstream::line);
    let upstream = upstream.map(|it| element("p").with(it)).collect::<Markup>();
    page.add("upstream", "Upstream", upstream);
    page.add("operations", "Operations", operations::section(document));
    page.add(
        "percentiles",
        "Latency by percentile",
        curves::of_run(document),
    );
    page.add("server", "The target's side", server::section(document));
    page.add("course", "Course over time", course::section(document));
    page.add("heat", "Response times over time", heat::section(document));
    if !failed {
        page.add("failures", "Failures", failures::section(document));
    }
    page.add("environment", "Environment", environment::section(document));
    page.add("plan", "Plan", environment::plan(document));
    page.add("sums", "Sums and periods", environment::sums(document));
    page
}

/// Returns the page of a comparison.
pub fn render_comparison(comparison: &Comparison) -> String {
    let title = format!("{}: candidate against base", comparison.candidate.plan.name);
    let (base, candidate) = (&comparison.base, &comparison.candidate);
    let mut page = HtmlPage::new(&title, comparison::head(comparison));
    page.add("metrics", "Metrics", comparison::metrics(comparison));
    page.add("changes", "Changes", forest::section(comparison));
    page.add("design", "Design", comparison::design(comparison));
    page.add(
        "differences",
        "Differences between the sides",
        comparison::differences(comparison),
    );
    page.add(
        "percentiles",
        "Latency by percentile",
        curves::beside(&[
            curves::Side {
                name: "base",
                dashed: true,
                document: base,
            },
            curves::Side {
                name: "candidate",
                dashed: false,
                document: candidate,
            },
        ]),
    );
    let both = |of: &dyn Fn(&Document) -> Markup| {
        let sides = [("Base", base), ("Candidate", candidate)];
        let parts = sides.map(|(name, document)| {
            element("div")
                .with(element("h3").with(name))
                .with(of(document))
        });
        parts.into_iter().collect::<Markup>()
    };
    page.add("journeys", "Journeys", both(&journeys::section));
    page.add(
        "time",
        "Where the time of an iteration goes",
        both(&spent::section),
    );
    if !(base.hooks.is_empty() && candidate.hooks.is_empty()) {
        page.add("hooks", "Hooks", both(&hooks::section));
    }
    page.add("operations", "Operations", both(&operations::section));
    if base.telemetry.is_some() || candidate.telemetry.is_some() {
        page.add("server", "The target's side", both(&server::section));
    }
    let health = |it: &Document| health::section(&it.generator, it.open_model);
    page.add("generator", "Generator", both(&health));
    page.add("failures", "Failures", both(&failures::section));
    page.add("environment", "Environment", both(&environment::section));
    page.add("plan", "Plan", both(&environment::plan));
    page.add("sums", "Sums and periods", both(&environment::sums));
    page.render()
}

/// Returns the page of several runs beside each other.
pub fn render_runs(runs: &[NamedRun<'_>]) -> String {
    let mut page = HtmlPage::new(&runs::title(runs), beside::head(runs));
    page.add("runs", "Runs", beside::table(runs));
    page.add("differences", "Differences", beside::differing(runs));
    page.add("journeys", "Journeys", beside::journeys(runs));
    page.add("operations", "Operations", beside::operations(runs));
    page.add("server", "The target's side", beside::server(runs));
    let sides = runs.iter().map(|it| curves::Side {
        name: it.name,
        dashed: false,
        document: it.document,
    });
    page.add(
        "percentiles",
        "Latency by percentile",
        curves::beside(&sides.collect::<Vec<_>>()),
    );
    page.add("course", "Course over time", overlaid::section(runs));
    page.add("failures", "Failures", beside::failures(runs));
    page.render()
}

/// A page under construction.
struct HtmlPage {
    title: String,
    head: Markup,
    sections: Vec<(&'static str, &'static str, Markup)>,
}

impl HtmlPage {
    fn new(title: &str, head: Markup) -> Self {
        Self {
            title: title.to_owned(),
            head,
            sections: Vec::new(),
        }
    }

    /// Adds a section, unless there is nothing in it.
    fn add(&mut self, id: &'static str, title: &'static str, content: Markup) {
        if !content.is_empty() {
            self.sections.push((id, title, content));
        }
    }

    /// What is in the page: its head, links to the sections, and these.
    fn content(self) -> Markup {
        let links = self
            .sections
            .iter()
            .map(|(id, title, _)| element("a").attr("href", format!("#{id}")).with(*title));
        let links = element("nav")
            .attr("aria-label", "sections")
            .with(links.collect::<Markup>());
        let sections = self.sections.into_iter().map(|(id, title, content)| {
            let heading = element("h2").with(title);
            element("section")
                .attr("id", id)
                .with(heading)
                .with(content)
        });
        let mut all = self.head;
        all.push(links);
        all.push(element("main").with(sections.collect::<Markup>()));
        all
    }

    fn render(self) -> String {
        let title = self.title.clone();
        let body = element("body")
            .with(self.content())
            .with(element("script").with(Markup::constant(SCRIPT)));
        frame(&title, POLICY, body)
    }
}

/// Returns the file around a body.
fn frame(title: &str, policy: &str, body: Element) -> String {
    let policy = element("meta")
        .attr("http-equiv", "Content-Security-Policy")
        .attr("content", policy);
    let viewport = element("meta")
        .attr("name", "viewport")
        .attr("content", "width=device-width, initial-scale=1");
    let head = element("head")
        .with(element("meta").attr("charset", "utf-8"))
        .with(policy)
        .with(viewport)
        .with(element("title").with(format!("{title} · regstorm")))
        .with(element("style").with(Markup::constant(STYLE)));
    let html = element("html").attr("lang", "en").with(head).with(body);
    format!("<!DOCTYPE html>\n{}\n", Markup::from(html).into_string())
}

#[cfg(test)]
mod tests;

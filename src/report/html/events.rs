//! What happened at a time of the run, and is marked in every chart over time: a line, or a band if it lasted.
//!
//! To mark something else, add it in [`of`]: every chart, the heat map, the cursor and the list above the charts follow.

use crate::hooks::HookRun;
use crate::report::table::cut;
use crate::result::Document;

use super::axis::{Axis, Size, Steps};
use super::clock::clock;
use super::markup::{Element, element};
use super::number::{float, whole};
use super::shape::{label, line, rectangle};

/// The most events that are marked; a chart with more is all lines.
const MOST: usize = 100;

/// How much room a letter of a label takes, at the most that a narrow screen makes it.
const LETTER: f64 = 10.0;

/// Something that happened, in seconds since the measured window opened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) from: f64,
    /// When it was over; `None` for what has no length.
    pub(super) to: Option<f64>,
    /// What it was, in a few words.
    pub(super) label: String,
}

/// Returns what happened in a run, in order of time.
pub(super) fn of(document: &Document) -> Vec<Event> {
    let sources = document.telemetry.iter().flat_map(|it| &it.sources);
    let restarts = sources.flat_map(|source| {
        let event = |at: &u64| Event {
            from: float(*at) / 1e6,
            to: None,
            label: format!("restart of {}", source.name),
        };
        source.restarts_us.iter().map(event)
    });
    let hooks = document.hooks.iter().map(|it| &it.record);
    let runs = hooks.flat_map(|hook| {
        let event = |run: &HookRun| Event {
            from: float(run.started_us) / 1e6,
            to: Some(float(run.ended_us) / 1e6),
            label: hook.name.clone(),
        };
        hook.runs.iter().map(event)
    });
    let mut events: Vec<Event> = restarts.chain(runs).collect();
    events.sort_by(|a, b| a.from.total_cmp(&b.from));
    events.truncate(MOST);
    events
}

/// Returns what is marked, in words; `None` of nothing.
pub(super) fn words(events: &[Event]) -> Option<String> {
    let each = events.iter().map(|it| {
        let end = it
            .to
            .map_or_else(String::new, |to| format!(" to {}", clock(to)));
        format!("{} at {}{end}", it.label, clock(it.from))
    });
    let each: Vec<String> = each.collect();
    (!each.is_empty()).then(|| format!("Marked in every chart: {}.", each.join(", ")))
}

/// Returns the lines and bands of events, each with its label where there is room.
pub(super) fn draw(size: Size, x: &Axis, events: &[Event]) -> Element {
    let (low, high) = (size.y(0.0), size.y(1.0));
    let at = |seconds: f64| size.x(x.scale.place(seconds));
    let mut group = element("g").class("events");
    let mut free = size.x(0.0);
    for (index, event) in events.iter().enumerate() {
        let from = at(event.from);
        let mut drawn = element("g").with(element("title").with(&event.label));
        if let Some(to) = event.to.map(at) {
            let band = rectangle(from, high, to - from, low - high);
            drawn = drawn.with(band.class("event-band"));
        }
        drawn = drawn.with(line((from, low), (from, high)).class("event"));
        let next = events.get(index + 1).map(|it| at(it.from));
        let letters = |room: f64| whole((room - 8.0) / LETTER);
        let right = letters(next.unwrap_or(size.x(1.0)) - from);
        let left = letters(from - free);
        let needed = event.label.chars().count();
        // To the left where the label of the one before leaves room and it would not fit to the right.
        let (place, anchor, room) = if right < needed && left > right {
            (from - 4.0, "end", left)
        } else {
            (from + 4.0, "start", right)
        };
        if room > 3 {
            let words = cut(&event.label, room);
            drawn = drawn.with(label((place, high + 22.0), anchor, &words));
        }
        free = if anchor == "start" {
            from + LETTER * float(room.min(needed) as u64)
        } else {
            from
        };
        group = group.with(drawn);
    }
    group
}

/// Adds what happened in it to the words of each step of the cursor.
pub(super) fn tell(steps: Steps, words: &mut [String], x: &Axis, events: &[Event]) {
    let Steps::Windows(share) = steps else {
        return;
    };
    for event in events {
        let step = |seconds: f64| whole(x.scale.place(seconds) / share);
        let (first, last) = (step(event.from), step(event.to.unwrap_or(event.from)));
        for word in words.iter_mut().take(last + 1).skip(first) {
            word.push_str(" · ");
            // The script takes the words apart there.
            word.push_str(&event.label.replace('|', "/"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::clock::Clock;
    use super::super::markup::Markup;
    use super::*;
    use crate::report::testing;

    fn event(from: f64, to: Option<f64>, label: &str) -> Event {
        Event {
            from,
            to,
            label: label.into(),
        }
    }

    #[test]
    fn restarts_of_every_source_are_marked_in_order_of_time() {
        let source = |name: &str, restarts_us: &[u64]| {
            json!({
                "name": name, "kind": "process", "from": "pid 7", "restarts": restarts_us.len(), "restarts_us": restarts_us,
                "readings": {"due": 9, "good": 9, "late": 0, "failed": 0, "missed": 0}, "series": [],
            })
        };
        let mut document = testing::document();
        assert_eq!((of(&document), words(&[])), (Vec::new(), None));
        let sources = [
            source("db", &[9_000_000]),
            source("zot", &[2_500_000, 61_000_000]),
        ];
        let telemetry = json!({
            "window_s": 1, "sources": sources, "cost": {"cpu_us": 0, "received_bytes": 0},
        });
        document.telemetry = serde_json::from_value(telemetry).unwrap();
        let events = of(&document);
        let found: Vec<(f64, &str)> = events
            .iter()
            .map(|it| (it.from, it.label.as_str()))
            .collect();
        let wanted = [
            (2.5, "restart of zot"),
            (9.0, "restart of db"),
            (61.0, "restart of zot"),
        ];
        assert_eq!(found, wanted);
        let list = "Marked in every chart: restart of zot at 0:02, restart of db at 0:09, restart of zot at 1:01.";
        assert_eq!(words(&events).unwrap(), list);
        let band = [event(60.0, Some(75.0), "gc")];
        assert_eq!(
            words(&band).unwrap(),
            "Marked in every chart: gc at 1:00 to 1:15."
        );
    }

    #[test]
    fn the_cursor_tells_of_every_step_that_an_event_is_in() {
        // Ten seconds in steps of two.
        let clock = Clock::live(1, 10);
        let (steps, mut words) = clock.steps(2);
        let events = [event(1.9, None, "a|b"), event(3.0, Some(6.5), "gc")];
        tell(steps, &mut words, &clock.axis(), &events);
        let wanted = [
            "0:00 to 0:02 · a/b",
            "0:02 to 0:04 · gc",
            "0:04 to 0:06 · gc",
            "0:06 to 0:08 · gc",
            "0:08 to 0:10",
        ];
        assert_eq!(words, wanted);
    }

    /// The frame is 1,000 wide for 100 s: ten a second, which is the room of a letter.
    #[test]
    fn labels_do_not_lie_over_each_other() {
        let size = Size {
            width: 1000.0,
            left: 0.0,
            right: 0.0,
            ..Size::WIDE
        };
        let events = [
            event(10.0, None, "restart of a"),
            event(18.0, Some(20.0), "restart of b"),
            event(97.0, None, "restart of c"),
        ];
        let drawn = draw(size, &Clock::live(1, 100).axis(), &events);
        let html = Markup::from(drawn).into_string();
        // 8 s to the next are room for seven letters, less than the nine to the left.
        assert!(
            html.contains(r#"x="96" y="30" text-anchor="end">restart…<"#),
            "{html}"
        );
        assert!(
            html.contains(r#"x="184" y="30" text-anchor="start">restart of b<"#),
            "{html}"
        );
        assert!(
            html.contains(r#"x="966" y="30" text-anchor="end">restart of c<"#),
            "{html}"
        );
        assert!(
            html.contains(r#"<rect x="180" y="8" width="20" height="188" class="event-band">"#),
            "{html}"
        );
        assert_eq!(html.matches(r#"class="event""#).count(), 3);
    }
}

//! What the plan asked for over time against what came of it.

use crate::result::Document;
use crate::units;

use super::axis::{Axis, Size};
use super::clock::Clock;
use super::events;
use super::markup::Markup;
use super::number::float;
use super::offered::{self, Offered};
use super::parts::titled;
use super::plot::{Mark, Plot, Series};
use super::scale::Scale;

/// Returns what the plan asked for against what came of it: arrivals a second, or users.
pub(super) fn chart(document: &Document, clock: Clock) -> Markup {
    let Some(offered) = Offered::of(document) else {
        return Markup::new();
    };
    let windows = achieved(document, clock, offered.users);
    let words = |it: f64| {
        if offered.users {
            format!("{it:.1}")
        } else {
            units::per_second(it, "")
        }
    };
    let middle = |it: usize| f64::midpoint(clock.at(it), clock.at(it + 1));
    let came_points = windows
        .iter()
        .enumerate()
        .map(|(it, value)| Some((middle(it), *value)));
    let (title, planned, came) = if offered.users {
        (
            "Users over time: planned, and busy with ok iterations on average",
            "planned",
            "busy",
        )
    } else {
        (
            "Iterations per second: offered against achieved",
            "offered",
            "achieved",
        )
    };
    let most = windows.iter().copied().fold(offered.most(), f64::max);
    let scale = Scale::linear(0.0, most * 1.05);
    let plot = Plot {
        label: title.to_owned(),
        size: Size::WIDE,
        x: clock.axis(),
        y: Axis {
            ticks: scale.ticks(4),
            scale,
            label: if offered.users {
                |it| format!("{it}")
            } else {
                |it| units::per_second(it, "")
            },
        },
        series: vec![
            Series {
                name: planned.to_owned(),
                look: 7,
                mark: Mark::Line {
                    points: offered.points.iter().copied().map(Some).collect(),
                    dashed: true,
                },
                readings: Vec::new(),
            },
            Series {
                name: came.to_owned(),
                look: 0,
                mark: Mark::Line {
                    points: came_points.collect(),
                    dashed: false,
                },
                readings: windows.iter().map(|it| words(*it)).collect(),
            },
        ],
        shade: clock.shade(),
        stages: offered::stages(document),
        events: events::of(document),
        steps: Some(clock.steps(1)),
    };
    titled(title, plot.render()).into()
}

/// Returns, for each window, the ok iterations per second; or the users that they kept busy on average.
fn achieved(document: &Document, clock: Clock, users: bool) -> Vec<f64> {
    let window = float(clock.window_s);
    let windows = document.time_series.windows();
    let values = windows.map(|(_, journeys)| {
        let all = journeys.iter();
        if users {
            float(all.map(|it| it.service_time_sum_us).sum()) / 1e6 / window
        } else {
            float(all.map(|it| it.iterations.ok).sum()) / window
        }
    });
    values.collect()
}

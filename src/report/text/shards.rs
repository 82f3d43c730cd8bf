//! The shards of a merged run: how many, and those that a reader has to look at.

use std::time::Duration;

use crate::result::{Document, ShardSection};
use crate::units::{self, Quantile};

use super::super::shards::{self, FIRST, Standing};
use super::super::table::{Cell, Paint, TextTable};
use super::layout::Layout;
use super::tables::{time, trouble};

/// Returns a line on all of them, and a row for each of the worst; nothing of a run that is not merged.
pub(super) fn lines(document: &Document, layout: Layout) -> String {
    let Some(line) = shards::line(document) else {
        return String::new();
    };
    let mut table = TextTable::new(
        3,
        &[
            "shard", "host", "health", "started", "ok", "failed", "p50", "p99", "max", "clock",
        ],
    );
    let all = shards::worst_first(document);
    for shard in all.iter().take(FIRST) {
        table.row(row(shard));
    }
    let mut text = layout.line("shards", &line, Paint::Plain);
    text.push_str(&table.render(layout.colour, layout.width));
    if let more @ 1.. = all.len().saturating_sub(FIRST) {
        let words = format!("and {} more, none of them worse", units::count(more as u64));
        text.push_str(&layout.dim(&words));
    }
    text.push('\n');
    text
}

fn row(shard: &ShardSection) -> Vec<Cell> {
    let standing = Standing::of(shard);
    let paint = match standing {
        Standing::Valid => Paint::Plain,
        Standing::Suspect | Standing::Invalid | Standing::Lost => Paint::Bad,
    };
    let times = &shard.response_time;
    let clock = shard.clock.map(|it| Duration::from_micros(it.error_us));
    let clock = clock.map(|it| format!("±{}", units::duration(it)));
    let mut row = vec![
        shard.index.to_string().into(),
        shards::host(shard).into(),
        Cell::new(standing.word(), paint),
        units::count(shard.started).into(),
        units::count(shard.ok).into(),
        trouble(shard.failed),
        time(times.quantile(Quantile::P50)),
        time(times.quantile(Quantile::P99)),
        time(times.max()),
        clock.map_or_else(|| "-".into(), Cell::from),
    ];
    let reason = shards::reason(shard);
    if !reason.is_empty() {
        // A remark, which has no column.
        row.push(reason.into());
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shards::tests::merged;
    use crate::report::testing;

    const LAYOUT: Layout = Layout {
        width: None,
        colour: false,
    };

    #[test]
    fn the_worst_are_shown_and_the_rest_is_counted() {
        let text = lines(&merged(12), LAYOUT);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 1 + 1 + FIRST + 2, "{text}");
        let lost: Vec<&str> = rows[2].split_whitespace().collect();
        assert_eq!(
            lost,
            ["1", "node-1", "LOST", "0", "0", "0", "-", "-", "-", "-"]
        );
        assert!(rows[3].ends_with("worker-cpu 99.8%"), "{text}");
        let failed: Vec<&str> = rows[4].split_whitespace().collect();
        assert_eq!(failed[..6], ["2", "node-2", "valid", "250", "240", "10"]);
        assert!(text.contains("and 4 more, none of them worse"), "{text}");
        assert_eq!(lines(&testing::document(), LAYOUT), "");
    }
}

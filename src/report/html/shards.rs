//! The shards of a merged run: the worst in sight, the rest folded.

use std::time::Duration;

use crate::report::shards::{self, FIRST, Standing};
use crate::result::{Document, ShardSection};
use crate::units;

use super::journeys::few;
use super::markup::Markup;
use super::parts::{details, faint};
use super::table::{Cell, HtmlTable, State};

/// Returns a line on all of them and a table; nothing of a run that is not merged.
pub(super) fn section(document: &Document) -> Markup {
    let Some(line) = shards::line(document) else {
        return Markup::new();
    };
    let all = shards::worst_first(document);
    let (first, rest) = all.split_at(all.len().min(FIRST));
    let mut section = Markup::from(faint(line));
    section.push(table("The worst first; times are response times", first));
    if !rest.is_empty() {
        let summary = format!("{} more shards", units::count(rest.len() as u64));
        section.push(details(summary, table("", rest)));
    }
    section
}

fn table(caption: &str, shards: &[&ShardSection]) -> Markup {
    let heading = [
        "shard",
        "host",
        "health",
        "started",
        "ok",
        "failed",
        "p50",
        "p90",
        "p99",
        "max",
        "clock error",
        "what was wrong",
    ];
    let mut table = HtmlTable::new(caption, &heading);
    for shard in shards {
        let standing = Standing::of(shard);
        let state = match standing {
            Standing::Valid => State::Good,
            Standing::Suspect => State::Open,
            Standing::Invalid | Standing::Lost => State::Bad,
        };
        let mut row = vec![
            Cell::words(shard.index.to_string()),
            Cell::words(shards::host(shard)).short(),
            Cell::state(state, standing.word()),
            Cell::count(shard.started),
            Cell::count(shard.ok),
            Cell::trouble(shard.failed),
        ];
        row.extend(few(&shard.response_time));
        let clock = shard.clock.map(|it| Duration::from_micros(it.error_us));
        row.push(Cell::time(clock));
        row.push(Cell::words(shards::reason(shard)));
        table.row(row);
    }
    table.render().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shards::tests::merged;
    use crate::report::testing;

    #[test]
    fn the_rest_is_folded_behind_the_worst() {
        let html = section(&merged(12)).into_string();
        let (seen, folded) = html.split_once("<details>").unwrap();
        assert_eq!(seen.matches("<tr>").count(), 1 + FIRST, "{html}");
        assert_eq!(folded.matches("<tr>").count(), 1 + 4, "{html}");
        assert!(folded.contains("4 more shards"), "{html}");
        let lost = seen.find("✗ LOST").unwrap();
        assert!(lost < seen.find("✗ INVALID").unwrap(), "{html}");
        assert!(seen.contains("worker-cpu 99.8%"), "{html}");
        // Of few nothing is folded, and a run that is not merged has no such section.
        assert!(!section(&merged(3)).into_string().contains("<details>"));
        assert!(section(&testing::document()).is_empty());
    }
}

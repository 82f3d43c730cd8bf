//! The shards of a merged run in Markdown, the worst first.

use std::time::Duration;

use crate::report::shards::{self, Standing};
use crate::result::Document;
use crate::units::{self, Quantile};

use super::page::{MarkdownTable, ROWS, escape, shown};

/// Returns a row for each shard, as many as fit; nothing of a run that is not merged.
pub(super) fn table(document: &Document) -> String {
    let Some(line) = shards::line(document) else {
        return String::new();
    };
    let columns = [
        "shard",
        "host",
        "health",
        "started",
        "ok",
        "failed",
        "p50",
        "p99",
        "max",
        "clock error",
        "what was wrong",
    ];
    let mut table = MarkdownTable::new(&columns, ROWS);
    for shard in shards::worst_first(document) {
        let times = &shard.response_time;
        let clock = shard.clock.map(|it| Duration::from_micros(it.error_us));
        table.row(&[
            shard.index.to_string(),
            escape(&shards::host(shard)),
            Standing::of(shard).word().to_owned(),
            units::count(shard.started),
            units::count(shard.ok),
            units::count(shard.failed),
            shown(times.quantile(Quantile::P50)),
            shown(times.quantile(Quantile::P99)),
            shown(times.max()),
            shown(clock),
            escape(&shards::reason(shard)),
        ]);
    }
    table.render(&format!("Shards: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shards::tests::merged;
    use crate::report::testing;

    #[test]
    fn the_worst_is_first_and_many_are_bounded() {
        let text = table(&merged(5));
        let rows: Vec<&str> = text.lines().filter(|it| it.starts_with("| ")).collect();
        assert_eq!(rows.len(), 1 + 5, "{text}");
        assert!(
            rows[1].starts_with("| 1 | node-1 | LOST | 0 | 0 | 0 |"),
            "{text}"
        );
        assert!(
            rows[2].contains("INVALID") && rows[2].contains("99.8%"),
            "{text}"
        );
        assert!(table(&merged(200)).lines().count() < ROWS + 10);
        assert_eq!(table(&testing::document()), "");
    }
}

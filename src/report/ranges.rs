//! Requests for ranges of blobs, as the tables of all formats show them.

use crate::measure::RangeRow;
use crate::result::Document;
use crate::units;

/// The requests for ranges of one journey.
pub(super) struct RangeTable<'a> {
    pub(super) journey: &'a str,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// The responses, in the order of [`RangeRow::responses`].
const RESPONSES: [&str; 7] = [
    "206",
    "206 multipart",
    "200 whole",
    "416",
    "redirect",
    "other",
    "none",
];

/// Returns a table for each journey that asked for ranges. Responses that none of them got are left out.
pub(super) fn tables(document: &Document) -> Vec<RangeTable<'_>> {
    let journeys = document.journeys.iter();
    let asking = journeys.filter(|it| !it.ranges.is_empty());
    asking.map(|it| table(&it.name, &it.ranges)).collect()
}

fn table<'a>(journey: &'a str, rows: &[RangeRow]) -> RangeTable<'a> {
    let came = |place: usize| rows.iter().any(|it| it.responses()[place] > 0);
    let shown: Vec<usize> = (0..RESPONSES.len()).filter(|place| came(*place)).collect();
    let mut columns = vec!["ranges for", "of each", "requests"];
    columns.extend(shown.iter().map(|place| RESPONSES[*place]));
    columns.extend(["asked for", "received"]);
    let cells = |row: &RangeRow| {
        let of_each = if row.several { "several" } else { "one" };
        let mut cells = vec![
            row.purpose.name().to_owned(),
            of_each.to_owned(),
            units::count(row.requests),
        ];
        cells.extend(
            shown
                .iter()
                .map(|place| units::count(row.responses()[*place])),
        );
        cells.extend([row.asked_bytes, row.received_bytes].map(units::bytes));
        cells
    };
    RangeTable {
        journey,
        columns,
        rows: rows.iter().map(cells).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::RangePurpose;

    fn row(several: bool, range: u64, whole: u64) -> RangeRow {
        RangeRow {
            purpose: RangePurpose::Content,
            several,
            requests: range + whole,
            range,
            multipart: 0,
            whole,
            unsatisfiable: 0,
            redirected: 0,
            other: 0,
            none: 0,
            asked_bytes: 2048,
            received_bytes: 4096,
        }
    }

    #[test]
    fn only_responses_that_came_have_a_column() {
        let table = table("lazy", &[row(false, 3, 0), row(true, 0, 1500)]);
        let columns = [
            "ranges for",
            "of each",
            "requests",
            "206",
            "200 whole",
            "asked for",
            "received",
        ];
        assert_eq!(table.columns, columns);
        assert_eq!(
            table.rows,
            [
                ["content", "one", "3", "3", "0", "2.05 kB", "4.10 kB"],
                [
                    "content", "several", "1,500", "0", "1,500", "2.05 kB", "4.10 kB"
                ],
            ]
        );
    }
}

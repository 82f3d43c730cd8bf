//! Tables whose cells show three digits and tell the exact number on hover.

use std::time::Duration;

use crate::measure::LatencyHistogram;
use crate::report::figures::QUANTILES;
use crate::units;

use super::markup::{Element, Markup, element};
use super::number::{float, micros};

/// A cell: what it shows, the exact value, and what the column is sorted by.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    shown: Markup,
    class: &'static str,
    exact: Option<String>,
    key: Option<String>,
}

/// How much a state is to be noticed. It only supports what the words say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Good,
    Open,
    Bad,
    Plain,
}

impl State {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Open => "open",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓ ",
            Self::Open => "? ",
            Self::Bad => "✗ ",
            Self::Plain => "",
        }
    }

    /// Returns a word with its mark, as a label.
    pub(super) fn badge(self, word: &str) -> Element {
        let class = format!("badge {}", self.class());
        element("span")
            .class(&class)
            .with(format!("{}{word}", self.mark()))
    }
}

impl Cell {
    /// Words.
    pub(super) fn words(words: impl Into<Markup>) -> Self {
        Self {
            shown: words.into(),
            class: "",
            exact: None,
            key: None,
        }
    }

    /// Returns a number: as it is shown, exactly, and as the column is sorted.
    pub(super) fn number(shown: String, exact: String, key: f64) -> Self {
        Self {
            shown: shown.into(),
            class: "number",
            exact: Some(exact),
            key: Some(key.to_string()),
        }
    }

    /// Returns what is not known. It is no number, least of all zero.
    pub(super) fn unknown() -> Self {
        Self {
            shown: "-".into(),
            class: "number",
            exact: None,
            key: None,
        }
    }

    pub(super) fn count(count: u64) -> Self {
        Self {
            exact: None,
            ..Self::number(units::count(count), String::new(), float(count))
        }
    }

    /// Returns a count that is wished to be zero.
    pub(super) fn trouble(count: u64) -> Self {
        let class = if count > 0 {
            "number trouble"
        } else {
            "number"
        };
        Self {
            class,
            ..Self::count(count)
        }
    }

    pub(super) fn time(time: Option<Duration>) -> Self {
        time.map_or_else(Self::unknown, |it| {
            Self::number(units::duration(it), exact_time(it), float(micros(it)))
        })
    }

    pub(super) fn rate(per_second: f64) -> Self {
        let shown = units::per_second(per_second, "");
        Self::number(shown, format!("{per_second}/s"), per_second)
    }

    pub(super) fn share(share: f64) -> Self {
        Self::number(units::share(share), share.to_string(), share)
    }

    pub(super) fn bytes(bytes: u64) -> Self {
        let exact = format!("{} B", units::count(bytes));
        Self::number(units::bytes(bytes), exact, float(bytes))
    }

    pub(super) fn bytes_per_second(bytes: f64) -> Self {
        let shown = units::per_second(bytes, "B");
        Self::number(shown, format!("{bytes} B/s"), bytes)
    }

    pub(super) fn state(state: State, word: &str) -> Self {
        Self::words(state.badge(word))
    }

    /// Returns the same in a column of numbers.
    pub(super) fn numeric(self) -> Self {
        Self {
            class: "number",
            ..self
        }
    }

    /// Returns the same words, never in two lines.
    pub(super) fn short(self) -> Self {
        Self {
            class: "short",
            ..self
        }
    }

    /// Returns the same with its difference to another number behind it, and room for one where there is none.
    pub(super) fn beside(mut self, difference: &str) -> Self {
        self.shown.push(" ");
        self.shown
            .push(element("span").class("difference").with(difference));
        self.class = "number beside";
        self
    }

    /// Returns the same with a remark on hover.
    pub(super) fn remark(self, words: String) -> Self {
        Self {
            exact: Some(words),
            ..self
        }
    }

    fn render(self, name: &'static str) -> Element {
        element(name)
            .class(self.class)
            .attr_if("title", self.exact)
            .attr_if("data-key", self.key)
            .with(self.shown)
    }
}

/// `1,044,000 µs`
pub(super) fn exact_time(time: Duration) -> String {
    format!("{} µs", units::count(micros(time)))
}

/// Rows under a heading; the first cell of a row is its heading.
#[derive(Debug)]
pub(super) struct HtmlTable {
    caption: Markup,
    heading: Vec<Markup>,
    rows: Vec<Vec<Cell>>,
}

impl HtmlTable {
    /// Returns a table without rows. A heading is aligned as the cells below it are.
    pub(super) fn new(caption: &str, heading: &[&str]) -> Self {
        Self {
            caption: caption.into(),
            heading: heading.iter().map(|it| Markup::from(*it)).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// In a frame of its own that scrolls where the page is narrow.
    pub(super) fn render(self) -> Element {
        let first = self.rows.first();
        let classes: Vec<&str> = first.into_iter().flatten().map(|it| it.class).collect();
        let heading = self.heading.into_iter().enumerate().map(|(column, title)| {
            let class = classes.get(column).filter(|it| it.starts_with("number"));
            let title = element("th").attr("scope", "col").with(title);
            title.class(class.map_or("", |it| match *it {
                "number beside" => it,
                _ => "number",
            }))
        });
        let heading = element("tr").with(heading.collect::<Markup>());
        let rows = self.rows.into_iter().map(|row| {
            let mut cells = row.into_iter();
            let first = cells.next().map(|it| it.render("th").attr("scope", "row"));
            let mut line = element("tr");
            if let Some(first) = first {
                line = line.with(first);
            }
            line.with(cells.map(|it| it.render("td")).collect::<Markup>())
        });
        let mut table = element("table");
        if !self.caption.is_empty() {
            table = table.with(element("caption").with(self.caption));
        }
        let table = table
            .with(element("thead").with(heading))
            .with(element("tbody").with(rows.collect::<Markup>()));
        element("div").class("wide").with(table)
    }
}

/// Returns the percentiles that tables show, and the largest value.
pub(super) fn quantiles(histogram: &LatencyHistogram) -> impl Iterator<Item = Cell> {
    let known = QUANTILES.map(|it| Cell::time(histogram.quantile(it)));
    known.into_iter().chain([Cell::time(histogram.max())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(cell: Cell) -> String {
        Markup::from(cell.render("td")).into_string()
    }

    #[test]
    fn unknown_is_not_zero() {
        assert_eq!(html(Cell::time(None)), r#"<td class="number">-</td>"#);
        let zero = html(Cell::time(Some(Duration::ZERO)));
        assert_eq!(
            zero,
            r#"<td class="number" title="0 µs" data-key="0">0 µs</td>"#
        );
    }

    #[test]
    fn numbers_are_short_and_exact() {
        let time = html(Cell::time(Some(Duration::from_micros(1_044_321))));
        assert!(
            time.contains(r#"title="1,044,321 µs" data-key="1044321">1.04 s<"#),
            "{time}"
        );
        let bytes = html(Cell::bytes(1_414_213_562));
        assert!(
            bytes.contains(r#"title="1,414,213,562 B""#) && bytes.contains(">1.41 GB<"),
            "{bytes}"
        );
        let rate = html(Cell::rate(49.95));
        assert!(
            rate.contains(r#"title="49.95/s""#) && rate.contains(">50.0/s<"),
            "{rate}"
        );
    }

    #[test]
    fn headings_say_what_they_head() {
        let mut table = HtmlTable::new("", &["name", "p50"]);
        assert!(table.is_empty());
        table.row(vec![Cell::words("a<b"), Cell::count(1234)]);
        let html = Markup::from(table.render()).into_string();
        assert!(
            html.contains(r#"<th scope="col">name</th><th scope="col" class="number">p50</th>"#),
            "{html}"
        );
        let row =
            r#"<tr><th scope="row">a&lt;b</th><td class="number" data-key="1234">1,234</td></tr>"#;
        assert!(html.contains(row), "{html}");
    }
}

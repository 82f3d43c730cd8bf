//! Texts of metrics: written as clients of Prometheus write them, and then damaged.

use std::fmt::Write as _;

use rand::{Rng, RngExt as _};
use regstorm::telemetry::text::{Dialect, Line, Parser, TextLimits};

use super::mutate::mutate;

/// The most of a text.
const MOST: usize = 64 << 10;

/// A text of metrics.
pub(super) struct Written {
    pub(super) dialect: Dialect,
    pub(super) bytes: Vec<u8>,
    /// What it says, as [`read`] tells it, if nothing of it was changed.
    pub(super) samples: Option<Vec<String>>,
}

/// Writes some families, and damages most of the texts.
pub(super) fn write(draw: &mut impl Rng) -> Written {
    let is_open = draw.random_range(0..2) == 0;
    let mut text = String::new();
    let mut samples = Vec::new();
    for family in 0..draw.random_range(0..6) {
        write_family(&mut text, &mut samples, (family, is_open), draw);
    }
    if is_open {
        text.push_str("# EOF\n");
    }
    let whole = text.clone().into_bytes();
    let mut bytes = text.into_bytes();
    mutate(&mut bytes, draw, MOST);
    Written {
        dialect: if is_open {
            Dialect::OpenMetrics
        } else {
            Dialect::Prometheus
        },
        samples: (bytes == whole).then_some(samples),
        bytes,
    }
}

fn write_family(
    text: &mut String,
    samples: &mut Vec<String>,
    (family, is_open): (u32, bool),
    draw: &mut impl Rng,
) {
    let kinds = ["counter", "gauge", "histogram", "summary", "unknown"];
    let kind = kinds[draw.random_range(0..4 + usize::from(is_open))];
    let name = format!(
        "{}_{family}",
        ["registry_http", "go:gc", "_x", "A9"][draw.random_range(0..4)]
    );
    if draw.random_range(0..2) == 0 {
        let _ = writeln!(text, "# HELP {name} Says \\\\ what it is.");
    }
    if draw.random_range(0..3) > 0 {
        let _ = writeln!(text, "# TYPE {name} {kind}");
    }
    let suffix = match kind {
        "counter" if is_open => "_total",
        "histogram" => "_bucket",
        _ => "",
    };
    for number in 0..draw.random_range(0..8) {
        let mut labels = Vec::new();
        if kind == "histogram" {
            labels.push(("le".to_owned(), format!("{number}.5")));
        }
        for label in 0..draw.random_range(0..3) {
            let values = ["", "blob", "C:\\DIR\n\"x\"", "ünïcödé }", "{a=\"b\"} 1 # "];
            labels.push((
                format!("l{label}"),
                values[draw.random_range(0..5)].to_owned(),
            ));
        }
        labels.push(("number".to_owned(), number.to_string()));
        let value = value(draw);
        samples.push(told(&format!("{name}{suffix}"), &labels, value.1));
        let escaped = labels.iter().map(|(name, value)| {
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            format!("{name}=\"{value}\"")
        });
        let escaped: Vec<String> = escaped.collect();
        let _ = write!(text, "{name}{suffix}{{{}}} {}", escaped.join(","), value.0);
        if draw.random_range(0..4) == 0 {
            *text += if is_open {
                " 1520879607.789"
            } else {
                " 1520879607789"
            };
            if is_open && kind == "counter" {
                *text += " # {trace_id=\"KOO5S4vxi0o\"} 0.67 1520879607.7";
            }
        }
        text.push('\n');
    }
}

/// A value as it is written, and what it is.
fn value(draw: &mut impl Rng) -> (String, f64) {
    match draw.random_range(0..6) {
        0 => ("NaN".to_owned(), f64::NAN),
        1 => ("+Inf".to_owned(), f64::INFINITY),
        2 => ("-Inf".to_owned(), f64::NEG_INFINITY),
        3 => {
            let number = draw.random_range(0..1_u32 << 30);
            (number.to_string(), f64::from(number))
        }
        4 => {
            let number: f64 = draw.random();
            (format!("{number:e}"), number)
        }
        _ => {
            let number = -draw.random::<f64>() * 1e9;
            (number.to_string(), number)
        }
    }
}

fn told(name: &str, labels: &[(String, String)], value: f64) -> String {
    let labels = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"));
    let labels: Vec<String> = labels.collect();
    format!(
        "{name} {} {:016x}",
        labels.join(" "),
        if value.is_nan() { 0 } else { value.to_bits() }
    )
}

/// Reads a text in parts of that many bytes.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(bytes: &[u8], dialect: Dialect, part: usize) -> Result<Vec<String>, String> {
    let mut samples = Vec::new();
    let mut see = |line: Line<'_>| {
        if let Line::Sample(it) = line {
            let labels = it.labels.iter();
            let labels: Vec<_> = labels
                .map(|(name, value)| ((*name).to_owned(), value.to_string()))
                .collect();
            samples.push(told(it.name, &labels, it.value));
        }
    };
    let mut parser = Parser::new(dialect, TextLimits::default());
    for part in bytes.chunks(part.max(1)) {
        parser.feed(part, &mut see).map_err(|it| it.to_string())?;
    }
    parser.end(&mut see).map_err(|it| it.to_string())?;
    Ok(samples)
}

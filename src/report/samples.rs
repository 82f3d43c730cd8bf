//! The text that Prometheus and OpenMetrics share: families of samples with labels.

use std::fmt::Write as _;

use super::table::harmless;

/// Families, one after the other.
#[derive(Debug, Default)]
pub(super) struct Samples(String);

impl Samples {
    /// Begins a family; its samples follow at once.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One sample: a value as Prometheus reads it, `NaN` for what is not known.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        let mut open = '{';
        for (label, text) in labels {
            let _ = write!(self.0, "{open}{label}=\"{}\"", escape(text));
            open = ',';
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A sample for each of the states, 1 for the one that it is.
    pub(super) fn states(&mut self, name: &str, label: &str, states: &[&str], is: &str) {
        for state in states {
            let value = if *state == is { "1" } else { "0" };
            self.sample(name, &[(label, state)], value);
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Returns a label's value in quotes.
fn escape(text: &str) -> String {
    let text = harmless(text);
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// Whole microseconds in seconds, exactly: `1.5`, `0.000041`.
pub(super) fn seconds(micros: u128) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_quoted_and_seconds_exact() {
        let mut samples = Samples::default();
        samples.sample("a", &[("x", "a\"b\\c\nd"), ("y", "")], "1");
        samples.sample("b", &[], "NaN");
        assert_eq!(samples.finish(), "a{x=\"a\\\"b\\\\c d\",y=\"\"} 1\nb NaN\n");
        let shown = [0, 41, 1_500_000, 10_000_000, 60_000_001].map(seconds);
        assert_eq!(shown, ["0", "0.000041", "1.5", "10", "60.000001"]);
    }
}

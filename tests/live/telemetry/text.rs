//! Texts of metrics, read by promtool and by Prometheus's own client for Python.

use std::fmt::Write as _;
use std::path::Path;

use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use regstorm::telemetry::text::{Dialect, Line, Parser, TextLimits};

use crate::support::Program;

#[path = "../../../benches/fuzz/metrics.rs"]
mod metrics;
#[path = "../../../benches/fuzz/mutate.rs"]
mod mutate;

/// Reads texts in hexadecimal digits, `p` or `o` before each, and prints a line for each: `no`, or its samples, as hexadecimal digits of JSON.
const READER: &str = r#"
import json, struct, sys
from prometheus_client.parser import text_string_to_metric_families as prometheus
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
for line in sys.stdin:
    read = prometheus if line[0] == "p" else openmetrics
    try:
        text = bytes.fromhex(line[1:].strip()).decode("utf-8")
        samples = [
            [s.name, sorted(s.labels.items()), "nan" if s.value != s.value else struct.pack(">d", s.value).hex()]
            for family in read(text) for s in family.samples
        ]
        print(json.dumps(samples).encode().hex())
    except Exception:
        print("no")
"#;

/// The samples of a text, in an order that does not depend on the reader; `None` if it is refused.
type Read = Option<Vec<String>>;

/// Clients for Python call `a` of a counter `a_total`.
fn told(name: &str, mut labels: Vec<(String, String)>, value: &str) -> String {
    labels.sort();
    let name = name.strip_suffix("_total").unwrap_or(name);
    format!("{name} {labels:?} {value}")
}

fn ours(text: &[u8], dialect: Dialect) -> Read {
    let mut samples = Vec::new();
    let mut see = |line: Line<'_>| {
        if let Line::Sample(it) = line {
            let labels = it.labels.iter();
            let labels = labels.map(|(name, value)| ((*name).to_owned(), value.to_string()));
            let value = if it.value.is_nan() {
                "nan".to_owned()
            } else {
                format!("{:016x}", it.value.to_bits())
            };
            samples.push(told(it.name, labels.collect(), &value));
        }
    };
    let mut parser = Parser::new(dialect, TextLimits::default());
    parser.feed(text, &mut see).ok()?;
    parser.end(&mut see).ok()?;
    samples.sort();
    Some(samples)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn of_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |it: &[u8]| u8::from_str_radix(std::str::from_utf8(it).expect("digits"), 16);
    digits.map(|it| byte(it).expect("a byte")).collect()
}

/// A sample as the script tells it: name, labels, value.
type Told = (String, Vec<(String, String)>, String);

/// What Prometheus's client for Python reads of all texts.
fn python(texts: &[(Vec<u8>, Dialect)]) -> Vec<Read> {
    let lines = texts.iter().map(|(text, dialect)| {
        let word = match dialect {
            Dialect::Prometheus => "p",
            Dialect::OpenMetrics => "o",
        };
        format!("{word}{}\n", hex(text))
    });
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    let input: Vec<String> = lines.collect();
    let dir = crate::support::scratch();
    let file = dir.path().join("texts");
    std::fs::write(&file, input.concat()).expect("a file");
    let read = Program::new("sh")
        .args(["-c", "exec \"$0\" -c \"$1\" < \"$2\""])
        .args([program.as_os_str(), READER.as_ref(), file.as_os_str()])
        .run()
        .ok();
    let samples = read.stdout.lines().map(|line| {
        if line == "no" {
            return None;
        }
        let samples = serde_json::from_slice(&of_hex(line)).expect("what it printed");
        let samples: Vec<Told> = samples;
        let mut samples: Vec<String> = samples
            .into_iter()
            .map(|(name, labels, value)| told(&name, labels, &value))
            .collect();
        samples.sort();
        Some(samples)
    });
    samples.collect()
}

/// Whether promtool reads a text; what it thinks of names and helps is another matter.
fn promtool(text: &[u8]) -> bool {
    let checked = Program::new("promtool")
        .args(["check", "metrics"])
        .input(text)
        .run();
    !checked.said().contains("error while")
}

/// Lines that readers are known to trip over.
const HOSTILE: [&str; 24] = [
    "a 1\n",
    "a 1",
    "a\t1\n",
    " a 1\n",
    "a  1  2\n",
    "a{} 1\n",
    "a{b=\"c\",} 1\n",
    "a{b=\"c\"}1\n",
    "a{ b = \"c\" } 1\n",
    "a{b=\"\\\\\\\"\\n\"} 1\n",
    "a{b=\"c\" d=\"e\"} 1\n",
    "a{b='c'} 1\n",
    "a{b=\"c} 1\n",
    "a 1 x\n",
    "a 0x1p-2\n",
    "a 1e\n",
    "a --1\n",
    "a NaN\na{b=\"1\"} +Inf\n",
    "# TYPE a thing\na 1\n",
    "# HELP a\n# TYPE a gauge\na 1\n",
    "#a 1\n# EOF\n",
    "<html><body>404</body></html>\n",
    "a 1\r\n",
    "{a=\"b\"} 1\n",
];

/// Where both others read a text, or both refuse it, we do, too; and whoever reads it reads the same.
#[test]
fn texts_are_read_as_promtool_and_pythons_client_read_them() {
    let generated = (0..600).map(|number| {
        let draw = &mut Xoshiro256PlusPlus::seed_from_u64(number);
        let written = metrics::write(draw);
        if let Some(samples) = written.samples {
            let read = metrics::read(&written.bytes, written.dialect, 7);
            assert_eq!(read, Ok(samples), "it is whole");
        }
        (written.bytes, written.dialect)
    });
    let hostile = HOSTILE
        .iter()
        .map(|it| (it.as_bytes().to_vec(), Dialect::Prometheus));
    let texts: Vec<(Vec<u8>, Dialect)> = hostile.chain(generated).collect();
    let theirs = python(&texts);
    assert_eq!(theirs.len(), texts.len());
    let (mut both, mut refused) = (0, 0);
    for ((text, dialect), theirs) in texts.iter().zip(theirs) {
        let shown = String::from_utf8_lossy(text);
        let ours = ours(text, *dialect);
        let is_plain = *dialect == Dialect::Prometheus;
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                both += 1;
                assert_eq!(ours, theirs, "{dialect:?}: {shown}");
            }
            (None, None) => refused += 1,
            (None, Some(_)) => {
                assert!(
                    is_plain && !promtool(text),
                    "we alone refuse {dialect:?}: {shown}"
                );
            }
            // OpenMetrics has rules between lines, which matter to nobody who takes single numbers.
            (Some(_), None) => {
                assert!(!is_plain || promtool(text), "we alone read {shown}");
            }
        }
    }
    assert!(
        both > 100 && refused > 100,
        "{both} read, {refused} refused"
    );
}

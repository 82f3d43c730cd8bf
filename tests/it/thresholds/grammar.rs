//! `[[threshold]]`: every form that is read, and every mistake with what its caret stands under.

use std::time::Duration;

use regstorm::plan::{Abort, Limit, Operator, Statistic, Threshold};
use regstorm::units::{ByteSize, Quantile};

use crate::scenario::{GOOD, load, load_with, set};

/// Two loads: `pull` in stages `load-0`, and `push` in `hold`. One more journey has the name of an operation.
fn scenario(thresholds: &str) -> String {
    let more = "[[load]]\nname = \"hold\"\nmix = { push = 1, blob-get = 1 }\nexecutor = \"constant-vus\"\nvus = 1\nduration = \"1s\"\n";
    let twin = "[journey.blob-get]\naction = \"pull\"\nimages = \"web\"\n\n[journey.idle]\naction = \"pull\"\nimages = \"web\"\n\n[[load]]\n";
    format!("{}{more}{thresholds}", GOOD.replace("[[load]]\n", twin))
}

fn table(lines: &[&str]) -> String {
    format!("[[threshold]]\n{}\n", lines.join("\n"))
}

fn read(lines: &[&str]) -> Threshold {
    let text = scenario(&table(lines));
    let scenario = load(&text).unwrap_or_else(|problems| panic!("{lines:?}: {problems}"));
    scenario.thresholds[0].clone()
}

fn of(metric: &str, expect: &str) -> Threshold {
    read(&[
        &format!("metric = \"{metric}\""),
        &format!("expect = \"{expect}\""),
    ])
}

/// The message, what the first caret stands under, and what stands beside it.
fn shown(rendered: &str) -> (String, String, String) {
    let lines: Vec<&str> = rendered.lines().collect();
    let message = lines[0].strip_prefix("error: ").unwrap_or_default();
    let at = lines.iter().position(|line| line.contains('^'));
    let at = at.expect("a line with a caret");
    let carets = lines[at];
    let start = carets.find('^').expect("a caret");
    let end = carets.rfind('^').expect("a caret") + 1;
    // A line of the source has its number in front.
    let numbered = |line: &&&str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let source = lines[..at].iter().rev().find(numbered);
    let source = source.expect("a line above it");
    let under: String = source.chars().skip(start).take(end - start).collect();
    (message.into(), under, carets[end..].trim().into())
}

/// The cells of a table: a line for each row.
fn rows<const N: usize>(table: &str) -> Vec<[&str; N]> {
    let rows: Vec<[&str; N]> = table
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            cells.try_into().unwrap_or_else(|_| panic!("{line}"))
        })
        .collect();
    assert!(!rows.is_empty());
    rows
}

fn refused(lines: &[&str]) -> (String, String, String) {
    let text = scenario(&table(lines));
    let problems = load(&text).expect_err(&lines.join(" "));
    assert_eq!(problems.len(), 1, "{problems}");
    shown(&problems.to_string())
}

#[test]
fn every_metric_is_read_and_printed_as_it_is_written() {
    let exchanges = [
        "total",
        "wait",
        "dns",
        "connect",
        "tls",
        "send",
        "first-byte",
        "body",
        "requests",
        "errors",
        "bytes_sent",
        "bytes_received",
    ];
    let iterations = [
        "response_time",
        "service_time",
        "start_lag",
        "iterations",
        "errors",
        "dropped",
        "bytes_sent",
        "bytes_received",
    ];
    let prefixes = [
        "",
        "pull.",
        "manifest-get.",
        "push.upload-put.",
        "blob-get.blob-get.",
    ];
    for (prefix, words) in prefixes.iter().zip([
        [&exchanges[..], &iterations].concat(),
        [&exchanges[..], &iterations].concat(),
        exchanges.to_vec(),
        exchanges.to_vec(),
        exchanges.to_vec(),
    ]) {
        for word in words {
            let metric = format!("{prefix}{word}");
            let counted = ["requests", "iterations", "errors", "dropped"].contains(&word);
            let expect = match word {
                _ if counted => "count < 5",
                "bytes_sent" | "bytes_received" => "count < 5MiB",
                _ => "p(50) < 5ms",
            };
            assert_eq!(of(&metric, expect).metric.to_string(), metric);
        }
    }
}

#[test]
fn words_of_both_are_of_a_journeys_iterations_and_else_of_exchanges() {
    use regstorm::measure::Subject;
    let is_of_iterations = |metric: &str| {
        let subject = of(metric, "count == 0")
            .metric
            .load()
            .expect("of the load")
            .subject();
        matches!(subject, Subject::Iterations(_))
    };
    let found = [
        "pull.errors",
        "errors",
        "pull.blob-get.errors",
        "pull.requests",
        "dropped",
    ];
    assert_eq!(
        found.map(is_of_iterations),
        [true, false, false, false, true]
    );
    // What only iterations have can only be the journey's.
    let twin = of("blob-get.iterations", "count > 0");
    assert_eq!(
        twin.metric.load().expect("of the load").journey(),
        Some("blob-get")
    );
}

/// Printed, it is read as the same.
fn is_read_as(metric: &str, expect: &str, operator: Operator, limit: Limit) {
    let expectation = of(metric, expect).expectation;
    assert_eq!(expectation.operator(), operator, "{expect}");
    assert_eq!(expectation.limit(), limit, "{expect}");
    let again = of(metric, &expectation.to_string()).expectation;
    assert_eq!(again, expectation, "{expect}");
}

#[test]
fn every_form_of_a_latency_is_read() {
    use Operator as Is;
    let p = |percentile| Statistic::Quantile(Quantile::from_percentile(percentile).unwrap());
    let ms = Duration::from_millis;
    for (expect, operator, statistic, limit) in [
        ("p(99) < 250ms", Is::Less, p(99.0), ms(250)),
        ("p(99.999)<=2s", Is::LessOrEqual, p(99.999), ms(2000)),
        (" p( 50 )  >  1m30s ", Is::Greater, p(50.0), ms(90_000)),
        ("med >= 1m 30s", Is::GreaterOrEqual, p(50.0), ms(90_000)),
        ("avg == 2ms", Is::Equal, Statistic::Mean, ms(2)),
        ("min === 0s", Is::Equal, Statistic::Min, ms(0)),
        ("max != 59m", Is::NotEqual, Statistic::Max, ms(3_540_000)),
    ] {
        is_read_as("total", expect, operator, Limit::Latency(statistic, limit));
    }
    let shown = |expect| of("total", expect).expectation.to_string();
    assert_eq!(shown(" p( 50 )<1m  30s"), "p(50) < 1m 30s");
    assert_eq!(shown("min===1s"), "min == 1s");
}

#[test]
fn every_form_of_a_count_and_a_rate_is_read() {
    use Operator as Is;
    let mib = ByteSize::from_mib;
    let bytes = ByteSize::from_bytes;
    for (metric, expect, operator, limit) in [
        (
            "iterations",
            "count>=100",
            Is::GreaterOrEqual,
            Limit::Count(100),
        ),
        (
            "iterations",
            "rate > 50/s",
            Is::Greater,
            Limit::PerSecond(50.0),
        ),
        (
            "requests",
            "rate > 50.5 /s",
            Is::Greater,
            Limit::PerSecond(50.5),
        ),
        ("requests", "rate>50", Is::Greater, Limit::PerSecond(50.0)),
        // The nearest numbers to seven thousandths and so on, which a division by 100 would miss.
        ("errors", "rate < 0.7%", Is::Less, Limit::Share(0.007)),
        ("errors", "rate < 0.1%", Is::Less, Limit::Share(0.001)),
        (
            "errors",
            "rate <= 0.001",
            Is::LessOrEqual,
            Limit::Share(0.001),
        ),
        ("dropped", "rate < 100 %", Is::Less, Limit::Share(1.0)),
        ("dropped", "count == 0", Is::Equal, Limit::Count(0)),
        (
            "bytes_received",
            "count > 1GiB",
            Is::Greater,
            Limit::Bytes(mib(1024)),
        ),
        (
            "bytes_sent",
            "rate > 500MiB/s",
            Is::Greater,
            Limit::BytesPerSecond(mib(500)),
        ),
        (
            "bytes_sent",
            "rate>1.5kB /s",
            Is::Greater,
            Limit::BytesPerSecond(bytes(1500)),
        ),
    ] {
        is_read_as(metric, expect, operator, limit);
    }
}

/// Metric, expectation, what the caret stands under, message, label.
const MISFITS: &str = "total |  p(99) 250ms  | p(99) 250ms | nothing is compared here | write AGGREGATION OPERATOR VALUE, such as `p(99) < 250ms`
total | p(99) => 250ms | => | unknown operator | did you mean `>=`?
total | p(99) = 250ms | = | unknown operator | did you mean `==`?
total | p(99) << 250ms | << | unknown operator | known: < <= > >= == !=
total |  < 250ms | < | there is no aggregation | write what is compared in front: avg, min, max, med, p(N), count or rate
total | p(99) <  | < | there is no value | write a value behind
total | p99 < 250ms | p99 | unknown aggregation | did you mean `p(99)`?
total | P(99.9 < 250ms | P(99.9 | unknown aggregation | did you mean `p(99.9)`?
total | mean < 250ms | mean | unknown aggregation | did you mean `avg`?
total | maxx < 250ms | maxx | unknown aggregation | did you mean `max`?
total | latency < 250ms | latency | unknown aggregation | known: avg, min, max, med, p(N), count, rate
total | p(100) < 250ms | 100 | this is not a percentile | less than 100; write `max` for the most of all
total | p( 0 ) < 250ms | 0 | this is not a percentile | more than 0; write `min` for the least of all
total | p(-1) < 250ms | -1 | this is not a percentile | a number between 0 and 100
total | p(1e1) < 250ms | 1e1 | this is not a percentile | a number between 0 and 100
total | p(99) < 250 | 250 | a latency needs a unit | write 250ms
total | p(99) < 0.1% | 0.1% | this is not a length of time | such as 250ms, 2s or 1m30s
total | p(99) < 1s < 2s | 1s < 2s | this is not a length of time | such as 250ms, 2s or 1m30s
total | p(99) < 1h | 1h | this value is out of range | less than 1h: latencies beyond are not told apart
total | p(99) < 1500ns | 1500ns | this value is too fine | whole microseconds: latencies are not known better
pull.response_time | rate < 1% | rate | `response_time` has no such aggregation | it has avg, min, max, med and p(N)
pull.response_time | count > 5 | count | `response_time` has no such aggregation | it has avg, min, max, med and p(N)
errors | p(99) < 1% | p(99) | `errors` has no such aggregation | it has count and rate
pull.iterations | avg > 1 | avg | `iterations` has no such aggregation | it has count and rate
errors | rate < 500MiB/s | 500MiB/s | this is not a share | such as 0.1% or 0.001
errors | rate < 250ms | 250ms | this is not a share | such as 0.1% or 0.001
errors | rate < 5 | 5 | this is more than all of them | write 5%, or a number from 0 to 1
errors | rate < 101% | 101% | this is more than all of them | at most 100%
errors | rate < -1% | -1% | this is not a share | such as 0.1% or 0.001
errors | count < 0.1% | 0.1% | a count is a whole number | such as 0 or 1000
requests | count < 1.5 | 1.5 | a count is a whole number | such as 0 or 1000
requests | count < 5/s | 5/s | a count is a whole number | such as 0 or 1000
requests | rate > 500MiB/s | 500MiB/s | this is not a rate per second | such as 50/s
requests | rate > 5% | 5% | this is not a rate per second | such as 50/s
bytes_sent | rate > 500MiB | 500MiB | `rate` is per second | write 500MiB/s
bytes_sent | rate > 500/s | 500/s | this is not a number of bytes | write a number and a unit, such as 500MiB/s for a rate or 1GiB for a count
bytes_sent | count > 500MiB/s | 500MiB/s | `count` is not per second | use `rate`, or write 500MiB
bytes_sent | count > 500 | 500 | this is not a number of bytes | write a number and a unit, such as 500MiB/s for a rate or 1GiB for a count";

#[test]
fn the_caret_stands_under_what_does_not_fit() {
    for [metric, expect, under, message, label] in rows(MISFITS) {
        let found = refused(&[
            &format!("metric = \"{metric}\""),
            &format!("expect = \"  {expect} \""),
        ]);
        assert_eq!(
            found,
            (message.into(), under.into(), label.into()),
            "{metric} {expect}"
        );
    }
    let (message, under, _) = refused(&["metric = \"total\"", "expect = \"\""]);
    assert_eq!(
        (message.as_str(), under.as_str()),
        ("nothing is compared here", "\"\"")
    );
}

/// Metric, what the caret stands under, message, label. In `pull.pul.total` it is not the same letters in front.
const STRANGERS: &str = r#"rollout.respons_time | rollout | unknown journey or operation `rollout` | 
pul.response_time | pul | unknown journey or operation `pul` | did you mean `pull`?
blob-gett.total | blob-gett | unknown journey or operation `blob-gett` | did you mean `blob-get`?
pul.blob-get.total | pul | unknown journey `pul` | did you mean `pull`?
pull.pul.total | pul | unknown operation `pul` | 
pull.blob_get.total | blob_get | unknown operation `blob_get` | did you mean `blob-get`?
first_byte | first_byte | unknown metric `first_byte` | did you mean `first-byte`?
pull.blob-get.totals | totals | unknown metric `totals` | did you mean `total`?
push.upload-put.response_time | response_time | an operation has no `response_time` | this is of iterations
blob-get.errors | blob-get | a journey and an operation are named `blob-get` | rename the journey, or name both: JOURNEY.OPERATION.WORD
a.b.c.d | "a.b.c.d" | this is not a metric | write a word, such as response_time; in front of it may stand a journey, an operation or both
pull..total | "pull..total" | this is not a metric | write a word, such as response_time; in front of it may stand a journey, an operation or both
idle.errors | "idle.errors" | no load runs this journey | add it to a [[load]], or remove the threshold"#;

#[test]
fn words_that_are_not_known_have_a_neighbour() {
    for [metric, under, message, label] in rows(STRANGERS) {
        let found = refused(&[&format!("metric = \"{metric}\""), "expect = \"count == 0\""]);
        assert_eq!(
            found,
            (message.into(), under.into(), label.into()),
            "{metric}"
        );
    }
}

/// Lines of the table, what the caret stands under, message, label.
const RULES: &str = r#"M; E; stage = "hould" | "hould" | unknown stage `hould` | did you mean `hold`?
M; E; stage = "hold" | "hold" | no load runs the journey in this stage | the stage is of another load
M; E; from = "2m"; until = "2m" | "2m" | `until` must be later than `from` | both count from the opening of the measured window
M; E; min_samples = 99 | 99 | of so few samples it is not known | at least 100: below, a percentile is another name for the maximum
M; E; min_samples = 0 | 0 | this value is out of range | from 1 to 9,007,199,254,740,992
M; E; delay_abort_eval = "1s" | delay_abort_eval | `delay_abort_eval` needs abort_on_fail = true | use abort_on_fail = true, or remove it
metric = "iterations"; expect = "count > 5"; abort_on_fail = true | abort_on_fail | a count can be reached until the end | remove it: only the end of the run can break this limit
metric = "bytes_sent"; expect = "count >= 5B"; abort_on_fail = true | abort_on_fail | a count can be reached until the end | remove it: only the end of the run can break this limit
metric = "iterations"; expect = "rate > 50/s"; abort_on_fail = true | abort_on_fail | a rate per second begins at nothing | say from when on it counts: add delay_abort_eval = "10s"
M; E; window = "1s" | window | unknown key `window` | no such key here
M | [[threshold]] | missing key `expect` | add `expect = "p(99) < 250ms"`"#;

#[test]
fn the_other_keys_have_their_rules() {
    for [lines, under, message, label] in rows(RULES) {
        let lines: Vec<&str> = lines
            .split("; ")
            .map(|line| match line {
                "M" => "metric = \"pull.response_time\"",
                "E" => "expect = \"p(99) < 1s\"",
                line => line,
            })
            .collect();
        let found = refused(&lines);
        assert_eq!(
            found,
            (message.into(), under.into(), label.into()),
            "{lines:?}"
        );
    }
}

#[test]
fn defaults_and_all_keys() {
    let plain = of("pull.response_time", "p(99.9) < 1s");
    assert_eq!(
        (plain.from, plain.until, plain.stage),
        (Duration::ZERO, None, None)
    );
    assert_eq!((plain.abort, plain.min_samples), (Abort::Never, 1000));
    let least = [("med", 2), ("avg", 1), ("p(99.999)", 100_000)];
    for (aggregation, samples) in least {
        let threshold = of("total", &format!("{aggregation} < 1s"));
        assert_eq!(threshold.min_samples, samples, "{aggregation}");
    }
    let full = read(&[
        "metric = \"push.iterations\"",
        "expect = \"rate > 5/s\"",
        "stage = \"hold\"",
        "from = \"30s\"",
        "until = \"2m\"",
        "abort_on_fail = true",
        "delay_abort_eval = \"10s\"",
        "min_samples = 7",
    ]);
    let seconds = Duration::from_secs;
    assert_eq!((full.from, full.until), (seconds(30), Some(seconds(120))));
    assert_eq!((full.stage.as_deref(), full.min_samples), (Some("hold"), 7));
    assert_eq!(full.abort, Abort::OnFail { after: seconds(10) });
    let exact = read(&[
        "metric = \"total\"",
        "expect = \"avg < 1s\"",
        "abort_on_fail = true",
    ]);
    assert_eq!(
        exact.abort,
        Abort::OnFail {
            after: Duration::ZERO
        }
    );
}

#[test]
fn a_mistake_is_shown_at_its_place() {
    let wanted = r#"error: a latency needs a unit
  --> test.toml:41:19
   |
41 | expect = "p(99) < 250"
   |                   ^^^ write 250ms"#;
    let text = scenario(&table(&["metric = \"total\"", "expect = \"p(99) < 250\""]));
    assert_eq!(text.lines().nth(40), Some("expect = \"p(99) < 250\""));
    assert_eq!(load(&text).unwrap_err().to_string(), wanted);
    // Both mistakes of a threshold at once: the operator is wrong whatever it is of.
    let text = scenario(&table(&["metric = \"totl\"", "expect = \"p(99) = 1s\""]));
    assert_eq!(load(&text).unwrap_err().len(), 2);
}

#[test]
fn places_are_right_however_the_string_is_written() {
    let under = |expect: &str| refused(&["metric = \"total\"", expect]).1;
    assert_eq!(under("expect = 'p(99) < 250'"), "250");
    assert_eq!(under("expect = \"\"\"p(99) < 250\"\"\""), "250");
    assert_eq!(under("expect    =    'med < é'"), "é");
    // An escape makes the bytes of the file others than those of the text.
    let escaped = r#""p(99)\u0020< 250""#;
    assert_eq!(under(&format!("expect = {escaped}")), escaped);
    let text = scenario(&table(&["metric = \"total\"", "expect = \"p(99) < 1s\""]));
    for (change, wanted) in [
        ("threshold.expect=p(99) < 250", "250"),
        ("threshold.0.expect=\"p(99) < 250\"", "250"),
        ("threshold.metric=pull.totl", "totl"),
    ] {
        let problems = load_with(&text, &set(&[change])).unwrap_err().to_string();
        assert_eq!(shown(&problems).1, wanted, "{problems}");
    }
}

/// `${SECRET}` is `hunter2`, and `${PIN}` is `4711`.
#[test]
fn what_comes_from_the_environment_is_not_shown() {
    let metric = "metric = \"total\"";
    let expect = "expect = \"p(99) < 1s\"";
    let cases: [[&str; 3]; 9] = [
        [metric, "expect = \"${SECRET}\"", ""],
        [metric, "expect = \"${SECRET} < 1s\"", ""],
        [metric, "expect = \"p(${SECRET}) < 1s\"", ""],
        [metric, "expect = \"p(99) < ${SECRET}\"", ""],
        ["metric = \"errors\"", "expect = \"rate < ${SECRET}\"", ""],
        ["metric = \"${SECRET}\"", expect, ""],
        ["metric = \"${SECRET}.total\"", expect, ""],
        ["metric = \"${SECRET}.blob-get.total\"", expect, ""],
        [metric, expect, "stage = \"${SECRET}\""],
    ];
    for lines in cases {
        let problems = load(&scenario(&table(&lines))).unwrap_err().to_string();
        assert!(!problems.contains("hunter2"), "{problems}");
        assert!(problems.contains("${SECRET}"), "{problems}");
    }
    // Neither in what one could write instead.
    for expect in ["p(99) < ${PIN}", "p${PIN} < 1s"] {
        let expect = format!("expect = \"{expect}\"");
        let problems = load(&scenario(&table(&[metric, &expect]))).unwrap_err();
        assert!(!problems.to_string().contains("4711"), "{problems}");
    }
    // Where a variable stands, no caret points into the string.
    let (message, under, _) = refused(&[metric, "expect = \"p(99) < ${HOST}\""]);
    assert_eq!(message, "this is not a length of time");
    assert_eq!(under, "\"p(99) < ${HOST}\"");
    // And a good one is read.
    let good = read(&[metric, "expect = \"p(99) < ${LIMIT:-250ms}\""]);
    assert_eq!(good.expectation.to_string(), "p(99) < 250ms");
}

#[test]
fn there_is_an_end_to_thresholds() {
    let one = table(&["metric = \"total\"", "expect = \"avg < 1s\""]);
    assert_eq!(
        load(&scenario(&one.repeat(256))).unwrap().thresholds.len(),
        256
    );
    let problems = load(&scenario(&one.repeat(257))).unwrap_err();
    assert!(
        problems
            .to_string()
            .starts_with("error: there are too many thresholds")
    );
}

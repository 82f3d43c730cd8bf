use super::*;

/// The samples of a text that comes in parts of that many bytes, as name, labels and value.
fn read(text: &str, dialect: Dialect, step: usize) -> Result<Vec<String>, TextError> {
    let mut samples = Vec::new();
    let mut see = |line: Line<'_>| match line {
        Line::Type { name, kind } => samples.push(format!("{name} is {kind:?}")),
        Line::Sample(it) => samples.push(format!("{}{:?} {}", it.name, it.labels, it.value)),
    };
    let mut parser = Parser::new(dialect, TextLimits::default());
    for part in text.as_bytes().chunks(step) {
        parser.feed(part, &mut see)?;
    }
    parser.end(&mut see)?;
    Ok(samples)
}

fn prometheus(text: &str) -> Result<Vec<String>, TextError> {
    let whole = read(text, Dialect::Prometheus, text.len().max(1));
    assert_eq!(read(text, Dialect::Prometheus, 1), whole, "byte by byte");
    assert_eq!(read(text, Dialect::Prometheus, 7), whole, "in parts");
    whole
}

#[test]
fn the_example_of_the_format() {
    // docs/instrumenting/exposition_formats.md of Prometheus.
    let text = r#"# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045
"#;
    let samples = prometheus(text).unwrap();
    assert_eq!(
        samples,
        [
            "http_requests_total is Counter",
            r#"http_requests_total[("method", "post"), ("code", "200")] 1027"#,
            r#"http_requests_total[("method", "post"), ("code", "400")] 3"#,
            r#"msdos_file_access_time_seconds[("path", "C:\\DIR\\FILE.TXT"), ("error", "Cannot find file:\n\"FILE.TXT\"")] 1458255915"#,
            "metric_without_timestamp_and_labels[] 12.47",
            r#"something_weird[("problem", "division by zero")] inf"#,
        ]
    );
}

#[test]
fn blanks_commas_and_the_ends_of_numbers() {
    let samples = prometheus("  a { b = \"c\" , }\t1e3\nx{} NaN\ny -Inf\nz{k=\"}\"} .5\n").unwrap();
    assert_eq!(
        samples,
        [
            r#"a[("b", "c")] 1000"#,
            "x[] NaN",
            "y[] -inf",
            r#"z[("k", "}")] 0.5"#
        ]
    );
}

#[test]
fn openmetrics_has_an_end_and_exemplars() {
    let open = |text: &str| read(text, Dialect::OpenMetrics, 5);
    let text =
        "# TYPE a counter\na_total{x=\"1\"} 17.0 1.5 # {trace=\"q\"} 0.5 1520879607.789\n# EOF\n";
    assert_eq!(
        open(text).unwrap(),
        ["a is Counter", r#"a_total[("x", "1")] 17"#]
    );
    assert_eq!(open("a 1\n# EOF"), Ok(vec!["a[] 1".to_owned()]));
    assert_eq!(open("a 1\n"), Err(TextError::NoEnd));
    assert_eq!(open(""), Err(TextError::NoEnd));
    assert_eq!(open("a 1\n# EO"), Err(TextError::NoEnd));
    let line = |text, number, problem| {
        assert_eq!(
            open(text),
            Err(TextError::Line { number, problem }),
            "{text:?}"
        );
    };
    line("\na 1\n# EOF\n", 1, LineProblem::Empty);
    line("# EOF\na 1\n", 2, LineProblem::AfterEnd);
    line("a 1 # nothing\n# EOF\n", 1, LineProblem::Rest);
    line("a 1 x\n# EOF\n", 1, LineProblem::Timestamp);
}

#[test]
fn what_is_no_metric_is_named_and_not_repeated() {
    for (text, problem) in [
        ("<html>\n", LineProblem::Name),
        ("9a 1\n", LineProblem::Name),
        ("a\n", LineProblem::Value),
        ("a one\n", LineProblem::Value),
        ("a{b=\"c\"}\n", LineProblem::Value),
        ("a +nan\n", LineProblem::Value),
        ("a 1 2.5\n", LineProblem::Timestamp),
        ("a 1 2 3\n", LineProblem::Rest),
        ("a{b} 1\n", LineProblem::Labels),
        ("a{b=\"c} 1\n", LineProblem::Labels),
        ("a{b=\"\\t\"} 1\n", LineProblem::Labels),
        ("a{b=\"c\" d=\"e\"} 1\n", LineProblem::Labels),
        ("a{,} 1\n", LineProblem::Labels),
        ("a{b:c=\"d\"} 1\n", LineProblem::Labels),
        ("a{b=\"c\",b=\"d\"} 1\n", LineProblem::SameLabel),
        ("# TYPE a thing\n", LineProblem::Type),
        ("# TYPE\t\n", LineProblem::Type),
    ] {
        let error = prometheus(text).unwrap_err();
        assert_eq!(error, TextError::Line { number: 1, problem }, "{text:?}");
        assert!(!error.to_string().contains("html"));
    }
    let mut parser = Parser::new(Dialect::Prometheus, TextLimits::default());
    let error = parser.feed(b"a{b=\"\xff\"} 1\n", &mut |_| {}).unwrap_err();
    assert_eq!(
        error,
        TextError::Line {
            number: 1,
            problem: LineProblem::NotText
        }
    );
}

#[test]
fn half_a_line_is_none_and_a_last_one_needs_no_line_feed() {
    let cut = TextError::Line {
        number: 2,
        problem: LineProblem::Value,
    };
    assert_eq!(prometheus("a 1\nb"), Err(cut));
    assert_eq!(prometheus("a 1\nb 2").unwrap(), ["a[] 1", "b[] 2"]);
    assert_eq!(prometheus(""), Ok(vec![]));
}

#[test]
fn everything_has_a_bound() {
    let limits = TextLimits {
        bytes: 1 << 20,
        samples: 3,
        lines: 100,
    };
    let feed = |text: &str| {
        let mut parser = Parser::new(Dialect::Prometheus, limits);
        let mut parts = text.as_bytes().chunks(1000);
        parts.find_map(|it| parser.feed(it, &mut |_| {}).err())
    };
    assert_eq!(feed("a 1\na 2\na 3\n"), None);
    assert_eq!(feed("a 1\na 2\na 3\na 4\n"), Some(TextError::TooMany(3)));
    assert_eq!(feed(&"x".repeat(70_000)), Some(TextError::LongLine(1)));
    assert_eq!(feed(&"#\n".repeat(101)), Some(TextError::ManyLines(100)));
    let many = format!("#{}\n", "x".repeat(50_000)).repeat(22);
    assert_eq!(feed(&many), Some(TextError::TooLong(1 << 20)));
    let labels: Vec<String> = (0..300).map(|it| format!("l{it}=\"\",")).collect();
    let labels = labels.concat();
    assert_eq!(
        feed(&format!("a{{{labels}}} 1\n")),
        Some(TextError::Line {
            number: 1,
            problem: LineProblem::ManyLabels
        })
    );
}

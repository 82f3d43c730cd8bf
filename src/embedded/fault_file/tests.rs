//! Every kind as it is written, and every mistake at its place.

use super::super::lengths::Lengths;
use super::*;

#[test]
fn every_kind_can_be_written() {
    let faults = load_faults(
        r#"
        seed = 7
        [[fault]]
        operation = "*"
        delay = "1s"
        [[fault]]
        operation = "blob-get"
        stall = "forever"
        at = "10B"
        probability = 0.25
        [[fault]]
        operation = "upload-put"
        close = "head"
        every = 2
        after = 1
        for = 3
        [[fault]]
        operation = "manifest-get"
        corrupt = "3B"
        [[fault]]
        operation = "blob-get"
        delay = { min = "5ms", max = "50ms" }
        [[fault]]
        operation = "blob-get"
        stall = { mean = "20ms", max = "1s" }
        at = "10B"
        [[fault]]
        operation = "blob-head"
        delay = { median = "20ms", sigma = 0.8, max = "1s" }
        [[fault]]
        operation = "*"
        freeze = "2s"
        after = 200
        for = 1
        "#,
        "faults.toml",
    )
    .unwrap();
    let at = Point::AfterBody(ByteSize::from_bytes(10));
    let (ms, second) = (Duration::from_millis, Duration::from_secs(1));
    let uniform = Lengths::uniform(ms(5), ms(50)).unwrap();
    let exponential = Lengths::exponential(ms(20), second).unwrap();
    let log_normal = Lengths::log_normal(ms(20), 0.8, second).unwrap();
    assert_eq!(
        faults,
        [
            Fault::everywhere(FaultKind::Delay(Duration::from_secs(1))),
            Fault::on(Operation::BlobGet, FaultKind::Stall(at, Stall::Forever))
                .when(When::Probability(Ratio::try_new(0.25).unwrap(), 8)),
            Fault::on(Operation::UploadPut, FaultKind::Close(Point::BeforeHead))
                .when(When::Every(2))
                .window(1, Some(3)),
            Fault::on(Operation::ManifestGet, FaultKind::Corrupt(3)),
            Fault::on(
                Operation::BlobGet,
                FaultKind::DrawnDelay(uniform.seeded(11))
            ),
            Fault::on(
                Operation::BlobGet,
                FaultKind::Stall(at, Stall::Drawn(exponential.seeded(12)))
            ),
            Fault::on(
                Operation::BlobHead,
                FaultKind::DrawnDelay(log_normal.seeded(13))
            ),
            Fault::everywhere(FaultKind::Freeze(Duration::from_secs(2))).window(200, Some(1)),
        ]
    );
}

#[test]
fn a_mistake_is_shown_with_its_line() {
    for (text, says) in [
        (
            "[[fault]]\noperation = \"blob-got\"\ndelay = \"1s\"",
            "blob-got",
        ),
        ("[[fault]]\noperation = \"*\"", "exactly one of"),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\nrate = \"1MiB\"",
            "exactly one of",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"soon\"",
            "length of time",
        ),
        (
            "[[fault]]\noperation = \"*\"\nstatus = 42",
            "from 200 to 599",
        ),
        ("[[fault]]\noperation = \"*\"\nreset = \"4\"", "head"),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\ncode = \"X\"",
            "`status`",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\nprobability = 2.0",
            "from 0 to 1",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\nevery = 0",
            "from 1 to",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelai = \"1s\"",
            "unknown key `delai`",
        ),
        ("[[fault]]\ndelay = \"1s\"", "missing key `operation`"),
        ("[[fautl]]", "unknown key `fautl`"),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { min = \"2s\", max = \"1s\" }",
            "less than `min`",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { mean = \"1s\" }",
            "missing key `max`",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { median = \"1s\", max = \"1s\" }",
            "{ median, sigma, max }",
        ),
        (
            "[[fault]]\noperation = \"*\"\nstall = { median = \"1s\", sigma = 9.0, max = \"2s\" }",
            "from 0 to 5",
        ),
        (
            "[[fault]]\noperation = \"*\"\nstall = { mean = \"1s\", cap = \"2s\" }",
            "unknown key `cap`",
        ),
        (
            "[[fault]]\noperation = \"*\"\nstall = 5",
            "or a table such as",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"forever\"",
            "length of time",
        ),
        (
            "[[fault]]\noperation = \"*\"\nfreeze = \"1s\"\ndelay = \"1s\"",
            "exactly one of",
        ),
    ] {
        let shown = load_faults(text, "faults.toml").unwrap_err().to_string();
        assert!(shown.contains(says), "{text}: {shown}");
        assert!(shown.contains("faults.toml:"), "{text}: {shown}");
    }
}

#[test]
fn all_mistakes_come_at_once_each_with_its_place_and_what_to_do() {
    let text = "sede = 1\n[[fault]]\noperation = \"blob-got\"\ndelay = \"soon\"\nevery = 2\nprobability = 0.5\n\
                [[fault]]\noperation = \"*\"\n";
    let problems = load_faults(text, "faults.toml").unwrap_err();
    let shown = problems.to_string();
    assert_eq!(problems.len(), 5, "{shown}");
    for says in [
        "did you mean `seed`?",
        "did you mean `blob-get`?",
        "faults.toml:3:",
        "faults.toml:4:",
        "delay = \"soon\"",
        "use `every` or `probability`, not both",
        "faults.toml:6:",
        "add one, such as `delay = \"200ms\"`",
        "faults.toml:7:",
    ] {
        assert!(shown.contains(says), "{says}: {shown}");
    }
}

#[test]
fn every_key_is_described_and_its_example_is_of_its_form() {
    reference::check(&sections(), &faults_schema()["$defs"]);
}

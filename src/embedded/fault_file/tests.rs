//! Every kind as it is written, and every mistake at its place.

use super::*;

#[test]
fn every_kind_can_be_written() {
    let faults = parse_faults(
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
        ("[[fault]]\noperation = \"*\"\nstatus = 42", "200 to 599"),
        ("[[fault]]\noperation = \"*\"\nreset = \"4\"", "head"),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\ncode = \"X\"",
            "`status`",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\nprobability = 2.0",
            "not a share",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = \"1s\"\nevery = 0",
            "from 1",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelai = \"1s\"",
            "unknown field `delai`",
        ),
        ("[[fault]]\ndelay = \"1s\"", "missing field `operation`"),
        ("[[fautl]]", "unknown field `fautl`"),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { min = \"2s\", max = \"1s\" }",
            "less than `min`",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { mean = \"1s\" }",
            "missing field `max`",
        ),
        (
            "[[fault]]\noperation = \"*\"\ndelay = { median = \"1s\", max = \"1s\" }",
            "{ median, sigma, max }",
        ),
        (
            "[[fault]]\noperation = \"*\"\nstall = { median = \"1s\", sigma = 9.0, max = \"2s\" }",
            "0 to 5",
        ),
        (
            "[[fault]]\noperation = \"*\"\nstall = { mean = \"1s\", cap = \"2s\" }",
            "unknown field `cap`",
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
        let shown = parse_faults(text).unwrap_err().to_string();
        assert!(shown.contains(says), "{text}: {shown}");
        assert!(shown.contains("line "), "{text}: {shown}");
    }
}

//! The same log as archives, editors and shippers leave it.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use regstorm::oci::Operation;
use regstorm::trace::Reader;
use tempfile::TempDir;

use super::{a_log, assert_is_a_log, imported, line, regstorm, shown, text};

const OUT: &str = "--out=a.trace";

/// Each line of the log in a form; the empty one stays.
fn around(form: impl Fn(&str) -> String) -> Vec<u8> {
    let log = a_log();
    let lines = log.lines().map(|it| match it {
        "" => "\n".to_owned(),
        it => form(it) + "\n",
    });
    lines.collect::<String>().into_bytes()
}

/// The log in two halves, each packed alone, behind each other.
fn halves(pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let log = a_log();
    let (first, second) = log.as_bytes().split_at(log.len() / 2);
    [pack(first), pack(second)].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

#[test]
fn a_log_is_the_same_however_it_was_kept() {
    let dir = TempDir::new().unwrap();
    let time = "2026-11-30T19:25:41.1Z";
    let cases: [(&str, Vec<u8>); 9] = [
        (
            "a mark, and the ends of lines of Windows",
            format!("\u{feff}{}", a_log().replace('\n', "\r\n")).into(),
        ),
        ("members of gzip", halves(gzip)),
        (
            "frames of zstd",
            halves(|it| zstd::encode_all(it, 1).unwrap()),
        ),
        (
            "zeros of a log that was cut",
            [vec![0; 1 << 20], a_log().into_bytes()].concat(),
        ),
        (
            "compose logs --timestamps",
            around(|it| format!("registry-1  | {time} {it}")),
        ),
        (
            "kubectl logs --prefix --timestamps",
            around(|it| format!("[pod/registry-0/registry] {time} {it}")),
        ),
        (
            "Filebeat, of docker's own lines",
            around(|it| {
                let inner = serde_json::json!({"log": it, "stream": "stdout", "time": time});
                serde_json::json!({"@timestamp": time, "message": inner.to_string()}).to_string()
            }),
        ),
        (
            "RFC 5424",
            around(|it| format!("<134>1 {time} host registry 1 - [a@1 b=\"c\"] {it}")),
        ),
        (
            "journalctl -o short-precise",
            around(|it| format!("Nov 30 19:25:41.123456 host registry[1]: {it}")),
        ),
    ];
    for (what, bytes) in cases {
        fs::write(dir.path().join("a.log"), bytes).unwrap();
        let overview = imported(dir.path(), &["a.log"]);
        assert_is_a_log(&overview, 1);
        let first = &overview["summary"]["first"];
        assert_eq!(first, "2026-11-30T19:25:01.000000000Z", "{what}");
    }
}

#[test]
fn utf_16_is_refused_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let units = "\u{feff}"
        .encode_utf16()
        .chain(a_log().encode_utf16().collect::<Vec<_>>());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    fs::write(dir.path().join("a.log"), bytes).unwrap();
    let output = regstorm(dir.path(), &["trace", "import", "a.log", OUT]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(message.contains("it is UTF-16"), "{message}");
    assert!(message.contains("iconv -f UTF-16 -t UTF-8"), "{message}");
}

/// Harbor's lines have no time, and those of syslog no year: on a pipe they are of the last twelve months.
#[test]
fn times_without_a_year_have_one_on_standard_input() {
    let dir = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .current_dir(dir.path())
        .args(["trace", "import", "-", OUT, "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let log = "Feb  3 10:00:00 172.18.0.1 proxy[7]: 2001:db8::1 - \"GET /v2/a/manifests/1 HTTP/1.1\" 200 502 \"-\" \"docker/24\" 2.250 2.249 .\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(log.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    let overview = shown(dir.path(), "a.trace");
    assert_eq!(overview["summary"]["source"]["formats"][0], "harbor");
    let first = overview["summary"]["first"].as_str().unwrap();
    // The time of the end, less the whole seconds of the duration.
    assert!(first.ends_with("-02-03T09:59:58.000000000Z"), "{first}");
}

#[test]
fn what_had_no_response_has_no_status() {
    let dir = TempDir::new().unwrap();
    let blob = "/v2/a/blobs/sha256:ab";
    let log = [
        line(1, "10.0.0.1", &format!("GET {blob}"), 499, 0),
        line(1, "10.0.0.1", &format!("GET {blob}"), 444, 0),
        line(2, "10.0.0.1", &format!("GET {blob}"), 200, 7),
        line(3, "10.0.0.1", &format!("GET {blob}"), 0, 0),
    ];
    fs::write(dir.path().join("a.log"), log.concat()).unwrap();
    let overview = imported(dir.path(), &["a.log"]);
    let row = &overview["operations"][0];
    assert_eq!(row["operation"], "blob-get");
    assert_eq!(row["statuses"], serde_json::json!({"0": 3, "200": 1}));
    assert_eq!(overview["summary"]["missing"]["status"], 3);
}

/// A push as Quay's proxy logs it: to the second, in the order of the ends.
#[test]
fn what_ends_within_a_second_stays_in_the_order_of_its_ends() {
    let dir = TempDir::new().unwrap();
    let upload = "/v2/a/blobs/uploads/";
    let lines = [
        (
            5,
            format!("HEAD /v2/a/blobs/sha256:{}", "a".repeat(64)),
            404,
            "0.010",
        ),
        (5, format!("POST {upload}"), 202, "0.020"),
        (5, format!("PATCH {upload}1"), 202, "0.700"),
        (
            5,
            format!("PUT {upload}1?digest=sha256:{}", "a".repeat(64)),
            201,
            "0.050",
        ),
        (5, format!("POST {upload}"), 202, "0.003"),
        // Four seconds and a half: it began within the second before.
        (9, format!("PATCH {upload}2"), 202, "4.500"),
        (9, "PUT /v2/a/manifests/1".to_owned(), 201, "0.900"),
    ];
    let lines = lines.iter().map(|(second, request, status, took)| {
        format!(
            "10.0.0.1 (-) - - [30/Nov/2026:19:25:{second:02} +0000] \"{request} HTTP/1.1\" {status} 0 \"-\" \"docker/24\" ({took} 400 {took})\n"
        )
    });
    fs::write(dir.path().join("a.log"), lines.collect::<String>()).unwrap();
    let overview = imported(dir.path(), &["a.log"]);
    assert_eq!(overview["summary"]["source"]["formats"][0], "quay");
    let reader = Reader::open(&dir.path().join("a.trace")).unwrap();
    let found = reader.map(|it| it.unwrap().operation.unwrap());
    assert_eq!(
        found.collect::<Vec<_>>(),
        [
            Operation::BlobHead,
            Operation::UploadStart,
            Operation::UploadPatch,
            Operation::UploadPut,
            Operation::UploadStart,
            Operation::UploadPatch,
            Operation::ManifestPut,
        ]
    );
}

/// What makes a record of a second and a status.
type Form<'a> = Box<dyn Fn(u64, u64) -> serde_json::Value + 'a>;

/// Distribution's lines, as those have them who have read them as JSON: within another record, and with names taken apart.
#[test]
fn a_record_within_a_record_is_a_line() {
    let dir = TempDir::new().unwrap();
    let told = |second: u64, status: u64| {
        serde_json::json!({
            "http.request.method": "GET",
            "http.request.uri": format!("/v2/a/blobs/sha256:{second}"),
            "http.request.remoteaddr": "[2001:db8::1]:40312",
            "http.response.status": status,
            "http.response.written": 7,
            "http.response.duration": "1.5ms",
            "level": "info",
            "msg": "response completed",
        })
    };
    let time = |second: u64| format!("2026-11-30T19:25:{second:02}Z");
    let apart = |second: u64, status: u64| {
        serde_json::json!({
            "@timestamp": time(second),
            "message": "response completed",
            "http": {
                "request": {"method": "GET", "uri": "/v2/a/blobs/sha256:1", "remoteaddr": "[2001:db8::1]:40312"},
                "response": {"status": status, "written": 7, "duration": "1.5ms"},
            },
        })
    };
    let micros = |second: u64| (1_796_066_700 + second) * 1_000_000;
    let forms: [Form<'_>; 4] = [
        Box::new(
            |second, status| serde_json::json!({"timestamp": time(second), "jsonPayload": told(second, status)}),
        ),
        Box::new(
            |second, status| serde_json::json!({"stream": "stderr", "time": micros(second), "log": told(second, status)}),
        ),
        Box::new(
            |second, status| serde_json::json!({"_id": "x", "_source": apart(second, status)}),
        ),
        Box::new(apart),
    ];
    for (number, form) in forms.iter().enumerate() {
        let lines = [(1, 200), (2, 404), (3, 200)].map(|(second, status)| form(second, status));
        let log: Vec<String> = lines.iter().map(ToString::to_string).collect();
        fs::write(dir.path().join("a.log"), log.join("\n")).unwrap();
        let overview = imported(dir.path(), &["a.log"]);
        let summary = &overview["summary"];
        assert_eq!(
            summary["source"]["formats"][0], "distribution-json",
            "{number}"
        );
        assert_eq!(summary["lines"]["requests"], 3, "{number}");
        assert_eq!(
            summary["first"], "2026-11-30T19:25:01.000000000Z",
            "{number}"
        );
        assert_eq!(overview["operations"][0]["statuses"]["404"], 1, "{number}");
    }
}

/// docker-registry has a line for each blob that a manifest lacks, in which all but the blob is the same.
#[test]
fn a_request_with_several_errors_is_one() {
    let dir = TempDir::new().unwrap();
    let text = |id: &str, detail: &str| {
        format!(
            "time=\"2026-11-30T19:25:41.1Z\" level=error msg=\"response completed with error\" err.code=\"manifest blob unknown\" err.detail={detail} http.request.id={id} http.request.method=PUT http.request.remoteaddr=\"10.0.0.1:4\" http.request.uri=/v2/a/manifests/1 http.response.duration=9ms http.response.status=400 http.response.written=625\n"
        )
    };
    let json = |id: &str, detail: &str| {
        let line = serde_json::json!({
            "time": "2026-11-30T19:25:41.1Z", "level": "error", "msg": "response completed with error", "err.detail": detail,
            "http.request.id": id, "http.request.method": "PUT", "http.request.remoteaddr": "10.0.0.1:4",
            "http.request.uri": "/v2/a/manifests/1", "http.response.status": 400, "http.response.written": 625,
        });
        format!("{line}\n")
    };
    for (format, line) in [
        ("distribution-text", &text as &dyn Fn(&str, &str) -> String),
        ("distribution-json", &json),
    ] {
        let log = [
            line("a", "x"),
            line("b", "x"),
            line("a", "y"),
            line("b", "y"),
            line("a", "z"),
            line("c", "x"),
        ];
        fs::write(dir.path().join("a.log"), log.concat()).unwrap();
        let overview = imported(dir.path(), &["a.log"]);
        let summary = &overview["summary"];
        assert_eq!(summary["source"]["formats"][0], format);
        assert_eq!(
            (&summary["lines"]["requests"], &summary["lines"]["other"]),
            (&3.into(), &3.into()),
            "{format}"
        );
    }
}

/// A client that does not look for a blob before it uploads it has a log in which nothing has failed.
#[test]
fn nothing_is_put_back_into_a_log_that_has_what_failed() {
    let dir = TempDir::new().unwrap();
    let requests = [
        ("POST /v2/a/blobs/uploads/", 202),
        ("PUT /v2/a/blobs/uploads/1?digest=sha256:ab", 201),
        ("PUT /v2/a/manifests/1", 201),
    ];
    let log = requests.map(|(request, status)| line(1, "10.0.0.1", request, status, 0));
    fs::write(dir.path().join("a.log"), log.concat()).unwrap();
    let overview = imported(dir.path(), &["a.log"]);
    let summary = &overview["summary"];
    assert_eq!(
        (&summary["requests"], &summary["added"]),
        (&3.into(), &0.into())
    );
}

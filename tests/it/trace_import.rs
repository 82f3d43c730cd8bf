use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Logs and traces that are none, or whose trace cannot be written.
mod refused;
/// The same log as archives, editors and shippers leave it.
mod variants;

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .current_dir(dir)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("regstorm starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Imports logs with more arguments, and returns what `show --json` says of the trace.
fn imported(dir: &Path, arguments: &[&str]) -> Value {
    let all = [&["trace", "import", "--out", "a.trace"], arguments].concat();
    let output = regstorm(dir, &all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    shown(dir, "a.trace")
}

fn shown(dir: &Path, trace: &str) -> Value {
    let output = regstorm(dir, &["trace", "show", trace, "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Requests by operation.
fn operations(overview: &Value) -> Vec<(String, u64)> {
    let rows = overview["operations"].as_array().expect("rows");
    let row = |it: &Value| {
        let name = it["operation"].as_str().expect("a name").to_owned();
        (name, it["requests"].as_u64().expect("a number"))
    };
    rows.iter().map(row).collect()
}

fn lines_of(overview: &Value) -> [u64; 5] {
    ["requests", "outside", "other", "unreadable", "empty"]
        .map(|it| overview["summary"]["lines"][it].as_u64().expect("a number"))
}

/// One line of an access log.
fn line(second: u32, client: &str, request: &str, status: u16, size: u64) -> String {
    format!(
        "{client} - - [30/Nov/2026:19:25:{second:02} +0000] \"{request} HTTP/1.1\" {status} {size} \"-\" \"docker/24.0.7 secret-host\"\n"
    )
}

/// A pull of two layers after a push of one, a health check, a blank line, and a line that is none.
fn a_log() -> String {
    let digest = |it: char| format!("sha256:{}", it.to_string().repeat(64));
    let blob = |it: char| format!("GET /v2/team/secret-app/blobs/{}", digest(it));
    let upload = "/v2/team/secret-app/blobs/uploads/";
    [
        line(1, "10.0.0.1", "GET /v2/", 401, 87),
        line(
            1,
            "10.0.0.1",
            "GET /service/token?service=r&account=secret-user",
            200,
            900,
        ),
        line(
            2,
            "10.0.0.1",
            &format!("HEAD {}", &blob('a')[4..]),
            404,
            157,
        ),
        line(2, "10.0.0.1", &format!("POST {upload}"), 202, 0),
        line(
            3,
            "10.0.0.1",
            &format!("PATCH {upload}1234-secret?_state=secret-state"),
            202,
            0,
        ),
        line(
            4,
            "10.0.0.1",
            &format!("PUT {upload}1234-secret?digest={}", digest('a')),
            201,
            0,
        ),
        line(
            5,
            "10.0.0.1",
            "PUT /v2/team/secret-app/manifests/secret-tag",
            201,
            0,
        ),
        line(5, "10.0.0.9", "GET /healthz", 200, 2),
        "\n".to_owned(),
        "panic: secret-password\n".to_owned(),
        line(
            9,
            "10.0.0.2",
            "GET /v2/team/secret-app/manifests/secret-tag",
            200,
            502,
        ),
        line(9, "10.0.0.2", &blob('a'), 200, 20_000_000),
        line(9, "10.0.0.2", &blob('b'), 307, 0),
        line(10, "10.0.0.2", &blob('b'), 200, 500),
    ]
    .concat()
}

/// The same, counted by hand.
fn assert_is_a_log(overview: &Value, times: u64) {
    let wanted = [
        ("ping", 1),
        ("token", 1),
        ("manifest-get", 1),
        ("manifest-put", 1),
        ("blob-head", 1),
        ("blob-get", 3),
        ("upload-start", 1),
        ("upload-patch", 1),
        ("upload-put", 1),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count * times))
        .collect();
    assert_eq!(operations(overview), wanted);
    assert_eq!(lines_of(overview), [11, 1, 0, 1, 1].map(|it| it * times));
}

#[test]
fn a_log_is_counted_line_by_line() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.log"), a_log()).unwrap();
    let overview = imported(dir.path(), &["a.log"]);
    assert_is_a_log(&overview, 1);
    let summary = &overview["summary"];
    assert_eq!(summary["source"]["formats"][0], "combined");
    assert_eq!(summary["source"]["bytes"], a_log().len());
    assert_eq!(summary["first"], "2026-11-30T19:25:01.000000000Z");
    assert_eq!(summary["last"], "2026-11-30T19:25:10.000000000Z");
    assert_eq!(
        (&summary["added"], &summary["sessions"]),
        (&0.into(), &2.into())
    );
    // A HEAD has no body, whatever the log says of it.
    assert_eq!(overview["operations"][4]["received_bytes"], 0);
    assert_eq!(overview["operations"][5]["received_bytes"], 20_000_500);
    assert_eq!(overview["operations"][5]["statuses"]["307"], 1);
    let sessions = &overview["sessions"];
    assert_eq!(
        (&sessions["pushes"], &sessions["pulls"]),
        (&1.into(), &1.into())
    );
    let sizes: Vec<_> = overview["blob_sizes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["requests"])
        .collect();
    assert_eq!(sizes, [1, 0, 0, 1, 0, 0, 0]);
    let unreadable = &summary["unreadable"][0];
    assert_eq!(
        (&unreadable["file"], &unreadable["line"]),
        (&"a.log".into(), &10.into())
    );
    assert_eq!(unreadable["shape"], "a: a-a");
    let second = regstorm(dir.path(), &["trace", "show", "a.trace"]);
    let words = text(&second.stdout);
    assert!(
        words.contains(
            "14 = 11 requests + 0 other messages + 1 outside the API + 1 unreadable + 1 empty"
        ),
        "{words}"
    );
}

#[test]
fn packed_logs_in_any_order_and_in_envelopes_are_one_trace() {
    let dir = TempDir::new().unwrap();
    let log = a_log();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(log.as_bytes()).unwrap();
    write("1.gz", &gzip.finish().unwrap());
    write("2.zst", &zstd::encode_all(log.as_bytes(), 1).unwrap());
    let mut reversed: Vec<&str> = log.lines().rev().collect();
    reversed.push("");
    write("3", reversed.join("\r\n").as_bytes());
    let around = |form: &dyn Fn(&str) -> String| -> String {
        log.lines()
            .map(|it| {
                if it.is_empty() {
                    "\n".to_owned()
                } else {
                    form(it) + "\n"
                }
            })
            .collect()
    };
    let docker = |it: &str| {
        serde_json::json!({"log": format!("{it}\n"), "stream": "stdout", "time": "2026-11-30T19:25:41.1Z"}).to_string()
    };
    write("4", around(&docker).as_bytes());
    write(
        "5",
        around(&|it| format!("2026-11-30T19:25:41.1Z stdout F {it}")).as_bytes(),
    );
    write(
        "6",
        around(&|it| format!("Nov 30 19:25:41 172.18.0.1 proxy[7]: {it}")).as_bytes(),
    );
    write("7", around(&|it| format!("registry-1  | {it}")).as_bytes());
    for name in ["1.gz", "2.zst", "3", "4", "5", "6", "7"] {
        assert_is_a_log(&imported(dir.path(), &[name]), 1);
    }
    let overview = imported(dir.path(), &["1.gz", "2.zst", "3", "4", "5", "6", "7"]);
    assert_is_a_log(&overview, 7);
    assert_eq!(overview["summary"]["source"]["files"], 7);
    // The same two clients: requests of one moment are of one session, whichever file they are in.
    assert_eq!(overview["summary"]["sessions"], 2);
}

#[test]
fn no_name_is_in_a_trace_unless_it_is_kept() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.log"), a_log()).unwrap();
    fs::write(dir.path().join("key"), "0123456789abcdef\n").unwrap();
    let of_random = imported(dir.path(), &["a.log"]);
    let of_key = imported(dir.path(), &["a.log", "--key-file", "key"]);
    let again = imported(dir.path(), &["a.log", "--key-file", "key"]);
    assert_eq!(of_key, again);
    let most = |it: &Value| it["repositories"]["most"][0]["name"].clone();
    assert_ne!(most(&of_random), most(&of_key));
    let printed = regstorm(
        dir.path(),
        &["trace", "import", "a.log", "--out", "a.trace"],
    );
    let shown = regstorm(dir.path(), &["trace", "show", "a.trace"]);
    let json = shown_text(dir.path());
    for words in [
        text(&printed.stdout),
        text(&printed.stderr),
        text(&shown.stdout),
        json,
    ] {
        assert!(
            !words.contains("secret") && !words.contains("10.0.0"),
            "{words}"
        );
    }
    assert!(!unpacked(&dir.path().join("a.trace")).contains("secret"));
    let kept = imported(dir.path(), &["a.log", "--keep-names"]);
    assert_eq!(most(&kept), "team/secret-app");
    assert_eq!(kept["clients"]["most"][0]["name"], "10.0.0.1 docker");
    // Query strings and programs' own words are no names.
    let raw = unpacked(&dir.path().join("a.trace"));
    assert!(
        raw.contains("secret-tag") && !raw.contains("secret-state") && !raw.contains("secret-host")
    );
    assert!(!raw.contains("secret-user") && !raw.contains("secret-password"));
}

fn shown_text(dir: &Path) -> String {
    text(&regstorm(dir, &["trace", "show", "a.trace", "--json"]).stdout)
}

/// The content of the blocks of a trace: after each head of 25 bytes, a frame of zstd.
fn unpacked(path: &Path) -> String {
    let bytes = fs::read(path).expect("a trace");
    let first = bytes.iter().position(|it| *it == b'\n');
    let mut at = first.expect("a first line") + 1;
    let mut all = String::new();
    while at + 25 < bytes.len() {
        let length = bytes[at + 1..at + 5].try_into().map(u32::from_le_bytes);
        let length = length.expect("four bytes") as usize;
        let block = zstd::decode_all(&bytes[at + 25..at + 25 + length]).expect("zstd");
        all.push_str(&String::from_utf8_lossy(&block));
        at += 25 + length;
    }
    assert_eq!(
        at + 16,
        bytes.len(),
        "the blocks end where the trailer begins"
    );
    all
}

#[test]
fn what_a_log_without_failures_lacks_is_put_back_and_said() {
    let dir = TempDir::new().unwrap();
    let record = |second: u32, method: &str, uri: &str, status: u16| {
        format!(
            r#"{{"host": "h", "http.request.duration": 0.5, "http.request.method": "{method}", "http.request.remoteaddr": "c1", "http.request.uri": "v2/u/r/{uri}", "http.request.useragent": "docker/17.03", "http.response.status": {status}, "http.response.written": 7, "id": "1", "timestamp": "2017-06-20T02:41:{second:02}.399Z"}}"#
        )
    };
    let records = [
        record(1, "POST", "blobs/uploads/", 202),
        record(2, "PATCH", "blobs/uploads/x", 202),
        record(3, "PUT", "blobs/uploads/x", 201),
        record(4, "POST", "blobs/uploads/?mount=d1&from=u/s", 201),
        record(5, "PUT", "manifests/latest", 201),
        record(59, "GET", "manifests/latest", 200),
    ];
    fs::write(
        dir.path().join("a.json"),
        format!("[{}]\n", records.join(",\n ")),
    )
    .unwrap();
    let overview = imported(dir.path(), &["a.json"]);
    assert_eq!(overview["summary"]["source"]["formats"][0], "fast18");
    assert_eq!(overview["summary"]["added"], 2);
    assert_eq!(overview["summary"]["requests"], 8);
    let head = &overview["operations"].as_array().unwrap()[2];
    assert_eq!(
        (&head["operation"], &head["statuses"]["404"]),
        (&"blob-head".into(), &2.into())
    );
    assert_eq!(overview["sessions"]["mounted_blobs"], 1);
    // A record that does not end is one that could not be read, and so is what follows it.
    fs::write(
        dir.path().join("b.json"),
        format!("[{}, {{\"host\": \"", records.join(",")),
    )
    .unwrap();
    let cut = imported(dir.path(), &["b.json"]);
    assert_eq!(lines_of(&cut), [6, 0, 0, 1, 0]);
}

#[test]
fn standard_input_is_a_log() {
    let dir = TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .current_dir(dir.path())
        .args(["trace", "import", "-", "--out", "a.trace", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    to.write_all(a_log().as_bytes()).unwrap();
    drop(to);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    assert_is_a_log(&shown(dir.path(), "a.trace"), 1);
}

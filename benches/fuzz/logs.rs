//! Logs of every format: lines as its program writes them, in what else writes around them, packed or not.

use std::io::Write as _;

use rand::{Rng, RngExt as _};

use super::mutate::mutate;

/// The most bytes of a log before it is packed.
const MOST: usize = 1 << 20;

/// What a query has and no trace may have.
pub(super) const SECRET: &str = "s3cr3t";

/// A request that a line is written of.
struct Sent {
    second: u32,
    millis: u32,
    client: u8,
    method: &'static str,
    uri: String,
    status: u16,
    size: u64,
    took_ms: u32,
}

/// The formats, by the names that `--format` has, with a line of each: `<method>` and the like are of the request.
const FORMS: [(&str, &str); 14] = [
    (
        "distribution-json",
        r#"{"go.version":"go1.25","http.request.method":"<method>","http.request.remoteaddr":"10.0.0.<client>:54796","http.request.uri":"<uri>","http.request.useragent":"docker/24","http.response.duration":"<took>.5ms","http.response.status":<status>,"http.response.written":<size>,"level":"info","msg":"response completed","time":"<time>"}"#,
    ),
    (
        "distribution-text",
        r#"time="<time>" level=info msg="response completed" err.message="a \"b\" c" http.request.method=<method> http.request.remoteaddr="10.0.0.<client>:1" http.request.uri="<uri>" http.request.useragent="docker/24 x" http.response.duration=<took>µs http.response.status=<status> http.response.written=<size>"#,
    ),
    (
        "zot",
        r#"{"time":"<time>","level":"info","message":"HTTP API","clientIP":"127.0.0.<client>:45614","method":"<method>","path":"<uri>","statusCode":<status>,"latency":"0s","bodySize":<size>,"headers":{"Content-Length":["502"],"User-Agent":["skopeo/1.9"]}}"#,
    ),
    (
        "gitlab",
        r#"{"duration_ms":<took>,"level":"info","method":"<method>","msg":"access","remote_ip":"10.0.0.<client>","status":<status>,"time":"<time>","uri":"<uri>","user_agent":"docker/24","written_bytes":<size>}"#,
    ),
    (
        "artifactory",
        "<time>|5a1b|10.0.0.<client>|anna|<method>|<uri>|<status>|-1|<size>|<took>|docker/24",
    ),
    (
        "alb",
        r#"https <time> app/lb/50 192.168.0.<client>:2817 10.0.0.1:80 0.001 <took>.010 0.001 <status> 200 350 <size> "<method> <uri> HTTP/1.1" "docker/24" ECDHE TLSv1.2 arn "Root=1" "r" "arn" 1 <time> "forward" "-""#,
    ),
    (
        "s3",
        r#"79a59df9 bucket [<clock>] 192.0.2.<client> - 3E REST.GET.OBJECT docker/registry/v2/blobs/sha256/ab/abcd/data "GET /docker/registry/v2/blobs/sha256/ab/abcd/data?X-Amz-Signature=<secret> HTTP/1.1" <status> - <size> 3462992 <took> 10 "-" "docker/24" - id"#,
    ),
    (
        "cloudtrail",
        r#"{"userIdentity":{"arn":"arn:aws:sts::1:user/M"},"eventTime":"<time>","eventSource":"ecr.amazonaws.com","eventName":"<call>","sourceIPAddress":"203.0.113.12","userAgent":"docker/24","requestParameters":{"imageIds":[{"imageTag":"latest"}],"imageTag":"1","layerDigest":"sha256:ab","layerDigests":["sha256:ab"],"uploadId":"u","repositoryName":"team/app"}}"#,
    ),
    (
        "fast18",
        r#"{"host": "h", "http.request.duration": <took>.25, "http.request.method": "<method>", "http.request.remoteaddr": "c<client>", "http.request.uri": "<relative>", "http.request.useragent": "docker/17", "http.response.status": <status>, "http.response.written": <size>, "id": "1", "timestamp": "<time>"}"#,
    ),
    (
        "nexus",
        r#"10.0.0.<client> - anna [<clock>] "<method> <uri> HTTP/1.1" <status> 502 <size> <took> "docker/24" [qtp1-45]"#,
    ),
    (
        "quay",
        r#"10.0.0.<client> (-) anna [<clock>] "<method> <uri> HTTP/1.1" <status> <size> "-" "docker/24" (<took>.500 70321 1.499)"#,
    ),
    (
        "ingress-nginx",
        r#"10.0.0.<client> - anna [<clock>] "<method> <uri> HTTP/1.1" <status> <size> "-" "docker/24" 300 <took>.012 [registry] [] 10.1.0.1:5000 2"#,
    ),
    (
        "harbor",
        r#"10.0.0.<client> - "<method> <uri> HTTP/1.1" <status> <size> "-" "docker/24" <took>.012 0.011 ."#,
    ),
    (
        "combined",
        r#"10.0.0.<client> - anna [<clock>] "<method> <uri> HTTP/1.1" <status> <size> "-" "docker/24 \"x\"""#,
    ),
];

/// The calls in a log of CloudTrail, one for each client.
const CALLS: [&str; 7] = [
    "BatchGetImage",
    "GetAuthorizationToken",
    "PutImage",
    "UploadLayerPart",
    "CompleteLayerUpload",
    "InitiateLayerUpload",
    "BatchCheckLayerAvailability",
];

/// Format strings, of which one is changed and given instead of a name.
const TEMPLATES: [&str; 3] = [
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent",
    "$http_x_forwarded_for|${msec}|$request_method $uri?$args|$status|$request_time|$unknown|$content_length",
    "$time_iso8601 \"$request\" $status $request_length $http_user_agent ",
];

/// A log, and how it is to be read.
pub(super) struct Written {
    /// Its bytes, packed where that was drawn.
    pub(super) bytes: Vec<u8>,
    /// Its lines, where it is cut into lines and comes whole to who reads it.
    pub(super) lines: Option<u64>,
    /// The argument of `--format`; empty: it is recognised.
    pub(super) format: String,
}

/// Writes a log.
pub(super) fn write(draw: &mut impl Rng) -> Written {
    let (name, form) = FORMS[draw.random_range(0..FORMS.len())];
    let format = match draw.random_range(0..10) {
        0..6 => String::new(),
        6 | 7 => name.to_owned(),
        8 => FORMS[draw.random_range(0..FORMS.len())].0.to_owned(),
        _ => {
            let mut template = TEMPLATES[draw.random_range(0..TEMPLATES.len())].into();
            mutate(&mut template, draw, 1_000);
            String::from_utf8_lossy(&template).into_owned()
        }
    };
    let around = draw.random_range(0..12);
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for second in 0..draw.random_range(1..40) {
        // Now and then a line of another format.
        let form = match draw.random_range(0..12) {
            0 => FORMS[draw.random_range(0..FORMS.len())].1,
            _ => form,
        };
        let mut line = enveloped(&line(form, &sent(second, draw)), around).into_bytes();
        if draw.random_range(0..3) == 0 {
            mutate(&mut line, draw, MOST);
        }
        if draw.random_range(0..400) == 0 {
            let long = vec![b'x'; draw.random_range(0..700_000)];
            let at = draw.random_range(0..=line.len());
            line.splice(at..at, long);
        }
        pieces.push(line);
    }
    let is_array = matches!(name, "fast18" | "cloudtrail") && draw.random_range(0..4) > 0;
    let mut bytes = if is_array {
        let start: &[u8] = if name == "cloudtrail" {
            b"{\"Records\":["
        } else {
            b"["
        };
        let end: &[u8] = if name == "cloudtrail" { b"]}" } else { b"]\n" };
        [start, &pieces.join(&b",\n"[..]), end].concat()
    } else {
        let mut lines = pieces.join(&b"\n"[..]);
        lines.extend((draw.random_range(0..2) == 0).then_some(b'\n'));
        lines
    };
    if draw.random_range(0..3) == 0 {
        mutate(&mut bytes, draw, MOST);
    }
    let (packed, is_whole) = pack(&bytes, draw);
    Written {
        lines: lines(&bytes).filter(|_| is_whole),
        bytes: packed,
        format,
    }
}

/// The lines of a log that is no array.
fn lines(bytes: &[u8]) -> Option<u64> {
    let start = bytes.iter().filter(|it| !it.is_ascii_whitespace());
    let start: Vec<u8> = start.take(9).copied().collect();
    if start.starts_with(b"[") || start.starts_with(b"{\"Records") || has_magic(bytes) {
        return None;
    }
    let ends = memchr::memchr_iter(b'\n', bytes).count();
    // Zeros are what is left of a log that was cut short, and no line.
    let last = bytes.rsplit(|it| *it == b'\n').next().unwrap_or_default();
    let is_open = last.iter().any(|it| *it != 0);
    u64::try_from(ends + usize::from(is_open)).ok()
}

/// Whether it may look packed by chance.
fn has_magic(bytes: &[u8]) -> bool {
    !bytes
        .first()
        .is_some_and(|it| it.is_ascii_graphic() && !b"BP(".contains(it))
}

/// Packs a log, and sometimes damages what comes of it. Returns whether it comes out as it went in.
fn pack(bytes: &[u8], draw: &mut impl Rng) -> (Vec<u8>, bool) {
    let mut packed = match draw.random_range(0..8) {
        0 => {
            let level = flate2::Compression::fast();
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
            gzip.write_all(bytes).expect("memory takes all");
            gzip.finish().expect("memory takes all")
        }
        1 => zstd::encode_all(bytes, 1).expect("memory takes all"),
        _ => return (bytes.to_vec(), true),
    };
    if draw.random_range(0..2) == 0 {
        return (packed, true);
    }
    mutate(&mut packed, draw, MOST);
    (packed, false)
}

fn sent(second: u32, draw: &mut impl Rng) -> Sent {
    let method = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"][draw.random_range(0..6)];
    let name = ["team/app", "a", "t/u/v/w", "Ünïcode", "a%2Fb"][draw.random_range(0..5)];
    let digest = format!("sha256:{:064x}", draw.random_range(0..20_u32));
    let uri = match draw.random_range(0..12) {
        0 => "/v2/".to_owned(),
        1 => format!("/service/token?service=r&account={SECRET}"),
        2 => format!("/v2/{name}/blobs/uploads/?mount={digest}&from=b"),
        3 => format!(
            "/v2/{name}/blobs/uploads/{}?_state={SECRET}",
            draw.random_range(0..9)
        ),
        4 => format!("/v2/{name}/blobs/uploads/"),
        5 => format!("/v2/{name}/manifests/latest"),
        6 => format!("/v2/{name}/manifests/{digest}"),
        7 => format!("/v2/{name}/tags/list?n=5"),
        8 => "/healthz".to_owned(),
        9 => format!("https://h:443/artifactory/api/docker/local/v2/{name}/blobs/{digest}"),
        10 => format!("/v2/{name}/blobs/uploads/1?digest={digest}"),
        _ => format!("/v2/{name}/blobs/{digest}"),
    };
    Sent {
        second: second % 60,
        millis: draw.random_range(0..1_000),
        client: draw.random_range(0..6),
        method,
        uri,
        status: [200, 201, 202, 206, 307, 401, 404, 416, 500][draw.random_range(0..9)],
        size: 1 << draw.random_range(0..63),
        took_ms: draw.random_range(0..100_000),
    }
}

/// The line of a request.
fn line(form: &str, it: &Sent) -> String {
    let second = it.second;
    let values = [
        (
            "<time>",
            format!("2026-11-30T19:25:{second:02}.{:03}Z", it.millis),
        ),
        ("<clock>", format!("30/Nov/2026:19:25:{second:02} +0000")),
        ("<client>", it.client.to_string()),
        ("<call>", CALLS[usize::from(it.client)].to_owned()),
        ("<method>", it.method.to_owned()),
        ("<relative>", it.uri.trim_start_matches('/').to_owned()),
        ("<uri>", it.uri.clone()),
        ("<status>", it.status.to_string()),
        ("<size>", it.size.to_string()),
        ("<took>", it.took_ms.to_string()),
        ("<secret>", SECRET.to_owned()),
    ];
    values.iter().fold(form.to_owned(), |line, (name, value)| {
        line.replace(name, value)
    })
}

/// A line in what stands around the lines of a container.
fn enveloped(line: &str, around: u32) -> String {
    match around {
        0 => {
            let log = serde_json::json!({"log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-30T19:25:41.1Z"});
            log.to_string()
        }
        1 => format!("2026-11-30T19:25:41.1Z stdout F {line}"),
        2 => format!("Nov 30 19:25:41 172.18.0.1 proxy[7]: {line}"),
        3 => format!("<134>2026-11-30T19:25:41+00:00 host proxy[1]: {line}"),
        4 => format!("registry-1  | {line}"),
        _ => line.to_owned(),
    }
}

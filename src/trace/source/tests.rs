use std::time::Duration;

use proptest::prelude::*;

use super::super::entry::Entry;
use super::super::moment;
use super::*;

/// What the formats of a name say of a line: the first that reads it.
fn read<'a>(name: &str, line: &'a str) -> Entry<'a> {
    let formats = Format::of_name(name);
    assert!(!formats.is_empty(), "{name}");
    let lines = formats.iter().map(|it| it.read(line));
    let found = lines.into_iter().find(|it| matches!(it, Line::Request(_)));
    match found {
        Some(Line::Request(entry)) => entry,
        _ => panic!("{name} does not read {line}: {:?}", formats[0].read(line)),
    }
}

/// Holds what every line of the tests says: an anonymous GET or HEAD of one path, at one time.
fn check(entry: &Entry<'_>, method: &str, uri: &str, status: u16, received: Option<u64>) {
    assert_eq!(
        (&*entry.method, &*entry.uri, entry.status, entry.received),
        (method, uri, Some(status), received)
    );
}

#[test]
fn distribution_writes_json() {
    let line = r#"{"go.version":"go1.19.8","http.request.host":"r:5000","http.request.id":"1","http.request.method":"HEAD","http.request.remoteaddr":"127.0.0.1:54814","http.request.uri":"/v2/a/blobs/uploads/?mount=sha256%3Aab\u0026from=b","http.request.useragent":"docker/24","http.response.contenttype":"application/json","http.response.duration":"718.819µs","http.response.status":404,"http.response.written":157,"level":"error","msg":"response completed with error","time":"2026-11-30T19:25:41.697803215Z","vars.name":"a"}"#;
    let entry = read("distribution-json", line);
    check(
        &entry,
        "HEAD",
        "/v2/a/blobs/uploads/?mount=sha256%3Aab&from=b",
        404,
        Some(157),
    );
    assert_eq!(entry.duration, Some(Duration::from_nanos(718_819)));
    assert_eq!((&*entry.address, entry.is_end), ("127.0.0.1:54814", true));
    assert_eq!(
        entry.time,
        moment::rfc3339("2026-11-30T19:25:41.697803215Z")
    );
    let format = &Format::of_name("distribution-json")[0];
    let other =
        r#"{"level":"info","msg":"listening on 127.0.0.1:5901","time":"2026-11-30T19:25:38Z"}"#;
    assert_eq!(format.read(other), Line::Other);
    let said = r#"{"level":"info","msg":"x","err.detail":"response completed","time":"2026-11-30T19:25:38Z"}"#;
    assert_eq!(format.read(said), Line::Other);
    let refused = line
        .replace("response completed with error", "error authorizing context: basic authentication challenge")
        .replace(r#""http.response.duration":"718.819µs","http.response.status":404,"http.response.written":157,"#, "");
    let entry = read("distribution-json", &refused);
    check(
        &entry,
        "HEAD",
        "/v2/a/blobs/uploads/?mount=sha256%3Aab&from=b",
        401,
        None,
    );
    // The access log in the same file has each request once more.
    let access = r#"127.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "x""#;
    assert_eq!(format.read(access), Line::Other);
    for bad in ["{", "nonsense", r#"{"msg":"response completed"}"#] {
        assert!(matches!(format.read(bad), Line::Unreadable(_)), "{bad}");
    }
}

#[test]
fn distribution_writes_text() {
    let line = r#"time="2026-11-30T19:25:47.288710935Z" level=error msg="response completed with error" err.code="blob unknown" err.message="a \"b\" c" go.version=go1.19.8 http.request.host="127.0.0.1:5902" http.request.method=GET http.request.remoteaddr="127.0.0.1:41328" http.request.uri="/v2/a/tags/list?n=1&last=b" http.request.useragent=docker/24 http.response.duration=1.2ms http.response.status=404 http.response.written=157 vars.name=a"#;
    let entry = read("distribution-text", line);
    check(&entry, "GET", "/v2/a/tags/list?n=1&last=b", 404, Some(157));
    assert_eq!(entry.duration, Some(Duration::from_micros(1_200)));
    assert_eq!(&*entry.agent, "docker/24");
    let format = &Format::of_name("distribution-text")[0];
    assert_eq!(
        format.read(r#"time="2026-11-30T19:25:38Z" level=info msg="listening""#),
        Line::Other
    );
    let refused = line
        .replace(
            "response completed with error",
            "error authorizing context: basic authentication challenge for realm \\\"lab\\\"",
        )
        .replace("http.response.status=404 http.response.written=157 ", "");
    check(
        &read("distribution-text", &refused),
        "GET",
        "/v2/a/tags/list?n=1&last=b",
        401,
        None,
    );
    let open = r#"time="2026-11-30T19:25:38Z" msg="response completed" http.request.uri="/v2/"#;
    assert!(matches!(format.read(open), Line::Unreadable(_)));
}

#[test]
fn zot_and_gitlab_write_json() {
    let line = r#"{"time":"2026-09-27T14:54:55.736062174Z","level":"info","message":"HTTP API","module":"http","username":"anna","component":"session","clientIP":"127.0.0.1:45614","method":"PUT","path":"/v2/a/manifests/1","statusCode":201,"latency":"0s","bodySize":0,"headers":{"Accept-Encoding":["gzip"],"Authorization":["******"],"Content-Length":["502"],"User-Agent":["skopeo/1.9"]},"goroutine":70}"#;
    let entry = read("zot", line);
    check(&entry, "PUT", "/v2/a/manifests/1", 201, Some(0));
    assert_eq!((entry.sent, entry.duration), (Some(502), None));
    assert_eq!((&*entry.user, &*entry.agent), ("anna", "skopeo/1.9"));
    // Before 1.4.3: in another order, and with a latency that is exact.
    let line = r#"{"level":"info","module":"http","clientIP":"[::1]:45614","method":"GET","path":"/v2/a/blobs/sha256:ab","statusCode":206,"latency":"1.25ms","bodySize":64,"headers":{"Range":["bytes=0-63"],"User-Agent":["containerd/1.7"]},"goroutine":70,"caller":"/go/pkg/api/session.go:137","time":"2023-09-27T14:54:55.736062174+02:00","message":"HTTP API"}"#;
    let entry = read("zot", line);
    check(&entry, "GET", "/v2/a/blobs/sha256:ab", 206, Some(64));
    assert_eq!(entry.duration, Some(Duration::from_micros(1_250)));
    let long = line.replace("1.25ms", "1m17s");
    assert_eq!(read("zot", &long).duration, None);
    let line = r#"{"content_type":"application/json","correlation_id":"01","duration_ms":12,"host":"r","level":"info","method":"GET","msg":"access","proto":"HTTP/1.1","referrer":"","remote_addr":"10.0.0.9:46012","remote_ip":"10.0.0.9","status":401,"system":"http","time":"2026-11-30T19:25:41.250Z","ttfb_ms":1,"uri":"/v2/","user_agent":"docker/24","written_bytes":157}"#;
    let entry = read("gitlab", line);
    check(&entry, "GET", "/v2/", 401, Some(157));
    assert_eq!(entry.duration, Some(Duration::from_millis(12)));
    assert_eq!(&*entry.address, "10.0.0.9");
}

#[test]
fn proxies_write_format_strings() {
    let time = moment::rfc3339("2026-11-30T19:25:41Z");
    let line = r#"10.0.0.1 - anna [30/Nov/2026:20:25:41 +0100] "GET /v2/ HTTP/1.1" 200 2 "-" "docker/24 \"x\"""#;
    let entry = read("combined", line);
    check(&entry, "GET", "/v2/", 200, Some(2));
    assert_eq!((entry.time, &*entry.user), (time, "anna"));
    assert_eq!(&*entry.agent, r#"docker/24 \"x\""#);
    let of_host = format!("reg.example.com:443 {line}");
    let entry = read("combined", &of_host);
    assert_eq!((entry.time, &*entry.address), (time, "10.0.0.1"));
    let entry = read(
        "common",
        r#"10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/ HTTP/1.1" 200 2"#,
    );
    check(&entry, "GET", "/v2/", 200, Some(2));
    let line = r#"10.0.0.1 - "GET /v2/ HTTP/1.1" 401 2 "-" "docker/24" 0.012 0.011 ."#;
    let entry = read("harbor", line);
    assert_eq!(
        (entry.time, entry.duration),
        (None, Some(Duration::from_millis(12)))
    );
    let line = r#"10.0.0.1 (-) - - [30/Nov/2026:19:25:41 +0000] "PATCH /v2/a/blobs/uploads/1 HTTP/1.1" 202 0 "-" "docker/24" (1.500 70321 1.499)"#;
    let entry = read("quay", line);
    check(&entry, "PATCH", "/v2/a/blobs/uploads/1", 202, Some(0));
    assert_eq!(
        (entry.sent, entry.duration),
        (Some(70_321), Some(Duration::from_millis(1_500)))
    );
    assert_eq!(&*entry.address, "10.0.0.1");
    let line = r#"10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/ HTTP/1.1" 200 2 "-" "docker/24" 300 0.012 [registry-5000] [] 10.1.0.1:5000 2 0.012 200 abc"#;
    assert_eq!(
        read("ingress-nginx", line).duration,
        Some(Duration::from_millis(12))
    );
    let combined = &Format::of_name("combined")[1];
    let noise = r#"10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "\x16\x03\x01" 400 150 "-" "-""#;
    assert_eq!(combined.read(noise), Line::Outside);
    for bad in [
        "",
        "10.0.0.1 - - [30/Nov/2026:19:25:41 +0000]",
        r#"10.0.0.1 - - [31/Nov/2026:19:25:41 +0000] "GET /v2/ HTTP/1.1" 200 2 "-" "-""#,
        r#"10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/ HTTP/1.1" abc 2 "-" "-""#,
    ] {
        assert!(matches!(combined.read(bad), Line::Unreadable(_)), "{bad}");
    }
}

/// What other versions, other programs and shippers make of the same formats.
#[test]
fn lines_differ_from_version_to_version() {
    let time = moment::rfc3339("2026-11-30T19:25:41Z");
    for (line, uri, received) in [
        // Apache has a minus for no bytes, and a fraction where it is told to.
        (
            r#"10.0.0.1 - - [30/Nov/2026:19:25:41.000000 +0000] "HEAD /v2/a/blobs/sha256:ab HTTP/1.1" 200 - "-" "-""#,
            "/v2/a/blobs/sha256:ab",
            Some(0),
        ),
        (
            r#"2001:db8::1 - - [01/Dec/2026:00:55:41 +0530] "GET /v2/team/sub/app/tags/list?n=1&last=b HTTP/2.0" 200 7 "-" "docker/27.3.1 (\x5C(linux\x5C))""#,
            "/v2/team/sub/app/tags/list?n=1&last=b",
            Some(7),
        ),
        // A client that believes that it speaks to a proxy; Traefik has more fields.
        (
            r#"::1 - - [30/Nov/2026:19:25:41 +0000] "GET http://r.example/v2/ HTTP/1.1" 200 2 "-" "-" 7 "r@docker" "http://10.0.0.2:5000" 3ms"#,
            "http://r.example/v2/",
            Some(2),
        ),
        (
            r#"10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/" 000 0 "-" "-""#,
            "/v2/",
            Some(0),
        ),
    ] {
        let entry = read("combined", line);
        assert_eq!((&*entry.uri, entry.received), (uri, received), "{line}");
        assert_eq!(entry.time, time, "{line}");
        assert_eq!(entry.status, Some(200).filter(|_| !line.contains(" 000 ")));
    }
    let line = r#"10.9.9.9 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/ HTTP/1.1" 200 2 "-" "docker/24" "203.0.113.7, 10.0.0.1""#;
    assert_eq!(&*read("combined", line).address, "203.0.113.7");
    let direct = line.replace("203.0.113.7, 10.0.0.1", "-");
    assert_eq!(&*read("combined", &direct).address, "10.9.9.9");
    let line = r#"2001:db8::7 - "PATCH /v2/a/blobs/uploads/1?_state=x HTTP/1.1" 499 0 "-" "docker/24" 0.000 - .Proj: "0""#;
    assert_eq!(read("harbor", line).status, Some(499));
    // A shipper adds its own time and text, leaves fields out, and writes numbers as texts.
    let line = r#"{"@timestamp":"2026-12-01T00:00:00Z","message":"response completed","msg":"response completed","time":"2026-11-30T19:25:41Z","http.request.method":"GET","http.request.uri":"/v2/","http.request.remoteaddr":"[2001:db8::1]:5000","http.request.useragent":null,"http.response.status":"200","http.response.written":"2","http.response.duration":"1ms","labels":{"a":[1]}}"#;
    let entry = read("distribution-json", line);
    check(&entry, "GET", "/v2/", 200, Some(2));
    assert_eq!((entry.time, &*entry.agent), (time, ""));
    let logstash = line.replace(
        r#","msg":"response completed","time":"2026-11-30T19:25:41Z""#,
        "",
    );
    let entry = read("distribution-json", &logstash);
    assert_eq!(entry.time, moment::rfc3339("2026-12-01T00:00:00Z"));
    let record = r#"{"timestamp":"2017-06-20T02:41:18.399Z","http.request.method":"GET","http.request.uri":"v2/a/b/manifests/1","http.response.status":"200","http.response.written":"15","http.request.duration":null}"#;
    let entry = read("fast18", record);
    check(&entry, "GET", "v2/a/b/manifests/1", 200, Some(15));
    assert_eq!(entry.duration, None);
    let line = r#"{"time":"2026-11-30T19:25:41.25Z","message":"HTTP API","clientIP":"[::1]:4000","method":"GET","path":"/v2/","statusCode":200,"bodySize":-1,"username":null,"headers":{}}"#;
    check(&read("zot", line), "GET", "/v2/", 200, None);
}

#[test]
fn a_user_gives_a_format_string() {
    let format = Format::of_nginx("$http_x_forwarded_for|${msec}|$request_method $uri?$args|$status|$request_time|$unknown|$content_length").unwrap();
    let line = "203.0.113.7, 10.0.0.1|1790000000.250|POST /v2/a/blobs/uploads/?mount=sha256:ab|201|0.004|x|0";
    let Line::Request(entry) = format.read(line) else {
        panic!("{:?}", format.read(line));
    };
    check(
        &entry,
        "POST",
        "/v2/a/blobs/uploads/?mount=sha256:ab",
        201,
        None,
    );
    assert_eq!(&*entry.address, "203.0.113.7");
    assert_eq!(entry.sent, Some(0));
    assert_eq!(entry.time, moment::rfc3339("2026-09-21T14:13:20.250Z"));
    // As JSON: what is not there is empty.
    let format = Format::of_nginx(r#"{"t":"$msec","r":"$request","s":$status,"in":$request_length,"body":"$http_content_length","took":$request_time,"a":"$http_user_agent"}"#).unwrap();
    for (body, wanted) in [("", Some(911)), ("500", Some(500))] {
        let line = format!(
            r#"{{"t":"1790000000.250","r":"PUT /v2/a/manifests/1 HTTP/1.1","s":201,"in":911,"body":"{body}","took":,"a":"x \"y\""}}"#
        );
        let Line::Request(entry) = format.read(&line) else {
            panic!("{:?}", format.read(&line));
        };
        assert_eq!((entry.sent, entry.duration), (wanted, None));
        assert_eq!(&*entry.agent, r#"x \"y\""#);
    }
    for (text, wanted) in [
        ("$remote_addr $status", "no request"),
        ("$request", "no `$status`"),
        (
            "$remote_addr$request $status",
            "nothing between `$remote_addr` and `$request`",
        ),
    ] {
        let error = Format::of_nginx(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn nexus_and_artifactory_have_both_sizes() {
    let line = r#"10.0.0.1 - admin [30/Nov/2026:19:25:41 +0000] "PUT /repository/docker/v2/a/manifests/1 HTTP/1.1" 201 502 0 12 "docker/24" [qtp1-45]"#;
    let entry = read("nexus", line);
    check(
        &entry,
        "PUT",
        "/repository/docker/v2/a/manifests/1",
        201,
        Some(0),
    );
    assert_eq!(
        (entry.sent, entry.duration),
        (Some(502), Some(Duration::from_millis(12)))
    );
    let line = r#"10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] "GET /v2/a/manifests/1 HTTP/1.1" 200 502 12 "docker/24""#;
    let entry = read("nexus", line);
    check(&entry, "GET", "/v2/a/manifests/1", 200, Some(502));
    assert_eq!(entry.duration, Some(Duration::from_millis(12)));
    let line = "2026-11-30T19:25:41.250Z|5a1b|10.0.0.1|anna|GET|/api/docker/local/v2/a/manifests/1|200|-1|502|12|docker/24";
    let entry = read("artifactory", line);
    check(
        &entry,
        "GET",
        "/api/docker/local/v2/a/manifests/1",
        200,
        Some(502),
    );
    assert_eq!(
        (entry.sent, entry.duration),
        (None, Some(Duration::from_millis(12)))
    );
}

/// The examples of Amazon's documentation, with paths of a registry.
#[test]
fn clouds_write_logs_of_their_own() {
    let line = r#"https 2026-11-30T19:25:41.364000Z app/lb/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.001 0.010 0.001 200 200 350 366 "GET https://r.example:443/v2/a/manifests/1 HTTP/1.1" "docker/24" ECDHE TLSv1.2 arn:aws:x "Root=1-58337281" "r.example" "arn:aws:acm" 1 2026-11-30T19:25:41.352000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#;
    let entry = read("alb", line);
    check(
        &entry,
        "GET",
        "https://r.example:443/v2/a/manifests/1",
        200,
        Some(366),
    );
    assert_eq!(entry.duration, Some(Duration::from_millis(12)));
    assert_eq!(
        (entry.time, entry.is_end),
        (moment::rfc3339("2026-11-30T19:25:41.352Z"), false)
    );
    let line = r#"79a59df9 bucket [30/Nov/2026:19:25:41 +0000] 192.0.2.3 - 3E57427F REST.GET.OBJECT docker/registry/v2/blobs/sha256/ab/abcd/data "GET /docker/registry/v2/blobs/sha256/ab/abcd/data?X-Amz-Signature=s3cr3t HTTP/1.1" 200 - 2662992 3462992 70 10 "-" "docker/24" - id SigV4 ECDHE - bucket.s3.amazonaws.com TLSv1.2"#;
    let entry = read("s3", line);
    check(
        &entry,
        "GET",
        "/docker/registry/v2/blobs/sha256/ab/abcd/data",
        200,
        Some(2_662_992),
    );
    assert_eq!(entry.duration, Some(Duration::from_millis(70)));
    let record = r#"{"eventVersion":"1.04","userIdentity":{"type":"IAMUser","arn":"arn:aws:sts::1:user/M"},"eventTime":"2026-11-30T19:25:41Z","eventSource":"ecr.amazonaws.com","eventName":"BatchGetImage","sourceIPAddress":"203.0.113.12","userAgent":"docker/24","requestParameters":{"imageIds":[{"imageTag":"latest"}],"repositoryName":"team/app","registryId":"1"},"responseElements":null}"#;
    let entry = read("cloudtrail", record);
    check(&entry, "GET", "/v2/team/app/manifests/latest", 200, None);
    let throttled = record.replace(
        "\"responseElements\":null",
        "\"errorCode\":\"ThrottlingException\"",
    );
    assert_eq!(read("cloudtrail", &throttled).status, Some(429));
    let format = &Format::of_name("cloudtrail")[0];
    let elsewhere = record.replace("ecr.amazonaws.com", "s3.amazonaws.com");
    assert_eq!(format.read(&elsewhere), Line::Outside);
}

#[test]
fn published_traces_have_seconds_and_no_slash() {
    let record = r#"{"host": "dc118836", "http.request.duration": 0.879271282, "http.request.method": "GET", "http.request.remoteaddr": "fbb0b1ba", "http.request.uri": "v2/88ec/0f53/blobs/8d01", "http.request.useragent": "docker/17.03.1-ce", "http.response.status": 200, "http.response.written": 1518, "id": "9f63984e", "timestamp": "2017-06-20T02:41:18.399Z"}"#;
    let entry = read("fast18", record);
    check(&entry, "GET", "v2/88ec/0f53/blobs/8d01", 200, Some(1_518));
    assert_eq!(entry.duration, Some(Duration::from_nanos(879_271_282)));
    assert!(!entry.is_end);
    let upload = record.replace("GET", "PATCH").replace("1518", "-1");
    let entry = read("fast18", &upload);
    assert_eq!((entry.sent, entry.received), (None, None));
}

#[test]
fn names_are_known_and_each_once_but_for_versions() {
    let names = Format::names();
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!((names.len(), different.len()), (15, 15));
    assert_eq!(Format::of_name("nexus").len(), 2);
    assert!(Format::of_name("apache").is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Parts of every format in any order, and what none has.
    #[test]
    fn any_line_is_read_or_refused(parts in prop::collection::vec(
        prop_oneof![
            prop::sample::select(vec![
                "{", "}", "[", "]", "\"", "\\", " ", "|", "time=", "msg=\"response completed\"",
                "\"msg\":\"response completed\",", "10.0.0.1 - - [30/Nov/2026:19:25:41 +0000] ",
                "\"GET /v2/ HTTP/1.1\" ", "200 2 ", "2026-11-30T19:25:41.1Z", "(", ")", "é",
                "\"eventSource\":\"ecr.amazonaws.com\",", "https ", "-", "1e308", "\u{0}",
            ])
            .prop_map(str::to_owned),
            ".{0,6}",
        ],
        0..30,
    )) {
        let line = parts.concat();
        for format in Format::all() {
            let _ = format.read(&line);
        }
        let _ = Format::of_nginx(&line.replace(' ', "$request")).map(|it| it.read(&line) == Line::Other);
    }
}

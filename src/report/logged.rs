//! Where an exchange is found in the logs of its peer.

/// `2026-01-02T03:04:52.310000Z registry:5000 /v2/app/manifests/1 request 3f2a`
pub(super) fn place(
    time: &str,
    (host, path): (Option<&str>, Option<&str>),
    (request_id, trace_id): (Option<&str>, Option<&str>),
) -> String {
    let mut parts = vec![time.to_owned()];
    parts.extend(host.map(str::to_owned));
    parts.extend(path.map(str::to_owned));
    parts.extend(request_id.map(|it| format!("request {it}")));
    parts.extend(trace_id.map(|it| format!("trace {it}")));
    parts.join(" ")
}

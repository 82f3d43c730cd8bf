//! What reaches the other side, to the byte.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, mpsc};

use regstorm::embedded::Settings;

use super::bench::{Peer, Recording, all, head};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// The response to a request for that path, over a connection that then ends.
fn get(recording: &Recording, method: &str, path: &str) -> String {
    let host = recording.host();
    recording.send(&format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    ))
}

#[test]
fn a_request_arrives_with_its_fields_in_their_order_and_case() {
    let peer = Peer::saying(OK);
    let recording = Recording::start(&peer.url, &[]);
    let request = format!(
        "GET /v2/a/tags/list?n=2&last=x%2Fy HTTP/1.1\r\nHost: {}\r\nUser-Agent: docker/24 (x)\r\nX-oDD: 1\r\nAccept: a/b\r\nAccept: c/d\r\n\
         authorization: Bearer s3cr3t\r\nKeep-Alive: 5\r\nRange: bytes=1-\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
        recording.host()
    );
    recording.send(&request);
    let wanted = format!(
        "GET /v2/a/tags/list?n=2&last=x%2Fy HTTP/1.1\r\nHost: {}\r\nUser-Agent: docker/24 (x)\r\nX-oDD: 1\r\nAccept: a/b\r\nAccept: c/d\r\n\
         authorization: Bearer s3cr3t\r\nRange: bytes=1-\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
        peer.host()
    );
    assert_eq!(peer.heads(), [wanted]);
    let recorded = recording.end().says(&[]);
    assert!(!recorded.said.contains("s3cr3t"));
    assert!(!recorded.bytes.windows(6).any(|it| it == b"s3cr3t"));
}

#[test]
fn a_response_arrives_as_it_was_sent() {
    for (method, response) in [
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Type: x/Y\r\nDocker-Content-Digest: sha256:ab\r\nETag: \"e\"\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        ),
        (
            "GET",
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-3/9\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
        ),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\nConnection: close\r\n\r\n",
        ),
        (
            "DELETE",
            "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "PUT",
            "HTTP/1.1 204 No Content\r\nX-a: 1\r\nConnection: close\r\n\r\n",
        ),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nDate: Mon, 30 Nov 2026 10:00:00 GMT\r\nContent-Length: 5000000000\r\nConnection: close\r\n\r\n",
        ),
        (
            "HEAD",
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
        ),
        (
            "GET",
            "HTTP/1.1 299 My Own\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
        ),
    ] {
        let peer = Peer::saying(response);
        let recording = Recording::start(&peer.url, &[]);
        assert_eq!(
            get(&recording, method, "/v2/a/manifests/1"),
            response,
            "{method}"
        );
        let recorded = recording.end().says(&["1 whole"]);
        let body = response.split_once("\r\n\r\n").unwrap().1.len();
        assert_eq!(recorded.rows[0].received, body as u64, "{response}");
    }
}

#[test]
fn chunks_pass_as_chunks_in_both_directions() {
    let peer = Peer::start(|mut stream, _| {
        let mut body = Vec::new();
        while !body.ends_with(b"0\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            body.push(byte[0]);
        }
        assert_eq!(String::from_utf8(body).unwrap(), "5\r\nhello\r\n0\r\n\r\n");
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").unwrap();
    });
    let recording = Recording::start(&peer.url, &[]);
    let host = recording.host();
    let got = recording.send(&format!(
        "PATCH /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    ));
    let (head, body) = got.split_once("\r\n\r\n").unwrap();
    assert!(
        head.to_ascii_lowercase()
            .contains("transfer-encoding: chunked"),
        "{head}"
    );
    assert_eq!(body, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert!(
        peer.heads()[0]
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
    );
    assert_eq!(recording.end().says(&[]).lines(), ["upload-patch 200 5 5"]);
}

/// Sends a request whose body waits for leave. Returns the first head that comes back.
fn expecting(recording: &Recording) -> (TcpStream, String) {
    let mut client = recording.connect();
    let host = recording.host();
    write!(
        client,
        "PUT /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    let first = head(&client);
    (client, first)
}

#[test]
fn a_body_that_waits_for_leave_gets_it_from_the_target() {
    let peer = Peer::start(move |mut stream, _| {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = [0; 5];
        stream.read_exact(&mut body).unwrap();
        assert_eq!(&body, b"hello");
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let recording = Recording::start(&peer.url, &[]);
    let (mut client, first) = expecting(&recording);
    assert!(peer.heads()[0].contains("Expect: 100-continue"));
    assert_eq!(first, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").unwrap();
    assert!(head(&client).starts_with("HTTP/1.1 200 "));
    drop(client);
    assert_eq!(
        recording.end().says(&["1 whole"]).lines(),
        ["upload-put 200 5 0"]
    );
}

#[test]
fn a_body_that_the_target_does_not_want_is_not_asked_for() {
    let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let peer = Peer::saying(refused);
    let recording = Recording::start(&peer.url, &[]);
    // A target that is silent for a second has given leave. A machine that stands still for one says nothing of this.
    let mut tries = 0;
    loop {
        let (client, first) = expecting(&recording);
        tries += 1;
        if first.starts_with("HTTP/1.1 401 ") {
            assert_eq!(all(&client), "");
            break;
        }
        assert!(first.starts_with("HTTP/1.1 100 ") && tries < 20, "{first}");
    }
    let recorded = recording.end();
    assert_eq!(recorded.rows.len(), tries);
    assert!(
        recorded.lines().contains(&"upload-put 401 0 0".to_owned()),
        "{:?}",
        recorded.rows
    );
}

#[test]
fn urls_of_the_target_lead_back_by_the_name_that_the_client_uses() {
    let peer = Peer::start(|mut stream, head| {
        let own = head
            .lines()
            .find_map(|it| it.strip_prefix("Host: "))
            .unwrap();
        let fields = [
            format!("Location: http://{own}/v2/a/blobs/uploads/1?_state=a%2Fb%3D"),
            "Link: </v2/_catalog?last=x>; rel=\"next\"".to_owned(),
            format!(
                "WWW-Authenticate: Bearer realm=\"http://{own}/token\",service=\"http://{own}\""
            ),
        ];
        write!(
            stream,
            "HTTP/1.1 401 No\r\n{}\r\nContent-Length: 0\r\n\r\n",
            fields.join("\r\n")
        )
        .unwrap();
    });
    let recording = Recording::start(&peer.url, &[]);
    let port = recording.host().rsplit(':').next().unwrap();
    let name = format!("localhost:{port}");
    let got = recording.send(&format!(
        "GET /v2/ HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    ));
    let own = peer.host();
    for line in [
        format!("Location: http://{name}/v2/a/blobs/uploads/1?_state=a%2Fb%3D\r\n"),
        "Link: </v2/_catalog?last=x>; rel=\"next\"\r\n".to_owned(),
        format!(
            "WWW-Authenticate: Bearer realm=\"http://{name}/token\",service=\"http://{own}\"\r\n"
        ),
    ] {
        assert!(got.contains(&line), "no {line} in {got}");
    }
    let recorded = recording.end().says(&["1 401"]);
    assert!(!recorded.said.contains("elsewhere"), "{}", recorded.said);
}

#[test]
fn a_connection_that_the_target_has_closed_is_replaced() {
    let (closed, is_closed) = mpsc::channel();
    let closed = Mutex::new(closed);
    // Closes each connection behind its response, without saying so in the head.
    let peer = Peer::start(move |mut stream, _| {
        stream.write_all(OK.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
        closed.lock().unwrap().send(()).unwrap();
    });
    let recording = Recording::start(&peer.url, &[]);
    let mut client = recording.connect();
    for _ in 0..3 {
        write!(client, "GET /v2/ HTTP/1.1\r\nHost: r\r\n\r\n").unwrap();
        assert!(head(&client).starts_with("HTTP/1.1 200 "));
        is_closed.recv().unwrap();
    }
    drop(client);
    assert_eq!(
        recording.end().says(&["3 whole"]).lines(),
        ["ping 200 0 0"; 3]
    );
}

#[test]
fn connections_to_the_target_are_as_many_as_those_of_clients() {
    let registry = crate::support::registry(Settings {
        record_requests: Some(100),
        ..Settings::default()
    });
    let recording = Recording::start(&registry.url(), &[]);
    for _ in 0..2 {
        let mut client = recording.connect();
        for _ in 0..3 {
            write!(client, "GET /v2/ HTTP/1.1\r\nHost: r\r\n\r\n").unwrap();
            let response = head(&client);
            assert!(response.starts_with("HTTP/1.1 200 "));
            client.read_exact(&mut [0; 2]).unwrap();
        }
    }
    let connections: Vec<u64> = registry.requests().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [0, 0, 0, 1, 1, 1]);
    recording.end().says(&["6 whole", "1 session"]);
}

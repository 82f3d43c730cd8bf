//! Clients that leave, and targets that break off: each is a row of its own kind.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc;

use super::bench::{Peer, Recording, all, head};
use crate::support::wait_for;

const BLOB: &str = "GET /v2/a/blobs/sha256:ab HTTP/1.1\r\nHost: r\r\nUser-Agent: docker/1\r\n\r\n";

#[test]
fn a_client_that_leaves_in_the_middle_is_a_row_with_fewer_bytes() {
    let (gone, is_gone) = mpsc::channel();
    let gone = std::sync::Mutex::new(gone);
    let peer = Peer::start(move |mut stream, _| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789")
            .unwrap();
        // The recorder ends the exchange behind the client.
        let mut rest = [0; 1];
        let read = stream.read(&mut rest);
        assert!(!read.is_ok_and(|it| it > 0));
        gone.lock().unwrap().send(()).unwrap();
    });
    let recording = Recording::start(&peer.url, &[]);
    let mut client = recording.connect();
    client.write_all(BLOB.as_bytes()).unwrap();
    head(&client);
    client.read_exact(&mut [0; 10]).unwrap();
    drop(client);
    is_gone.recv().unwrap();
    let recorded = recording.end().says(&["1 cut by clients"]);
    assert_eq!(recorded.lines(), ["blob-get 200 0 10"]);
}

#[test]
fn a_client_that_leaves_before_the_response_is_a_row_without_a_status() {
    let (gone, is_gone) = mpsc::channel();
    let gone = std::sync::Mutex::new(gone);
    let peer = Peer::start(move |mut stream, _| {
        let mut body = Vec::new();
        // Ends when the recorder ends the exchange behind the client.
        let _ = stream.read_to_end(&mut body);
        gone.lock().unwrap().send(body).unwrap();
    });
    let recording = Recording::start(&peer.url, &[]);
    let mut client = recording.connect();
    write!(
        client,
        "PATCH /v2/a/blobs/uploads/1 HTTP/1.1\r\nHost: r\r\nContent-Length: 99\r\n\r\nabcde"
    )
    .unwrap();
    wait_for(|| (!peer.heads().is_empty()).then_some(()));
    client.shutdown(Shutdown::Both).unwrap();
    let body = is_gone.recv().unwrap();
    assert!(body.len() <= 5);
    let recorded = recording
        .end()
        .says(&["1 without a response", "1 cut by clients"]);
    assert_eq!(recorded.lines(), ["upload-patch 0 5 0"]);
}

#[test]
fn a_target_that_breaks_off_in_the_middle_is_a_row_with_fewer_bytes() {
    let peer = Peer::saying("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789");
    let recording = Recording::start(&peer.url, &[]);
    let got = recording.send(BLOB);
    assert!(
        got.contains("content-length: 1000") || got.contains("Content-Length: 1000"),
        "{got}"
    );
    assert!(got.ends_with("\r\n\r\n0123456789"), "{got}");
    let recorded = recording.end().says(&["1 broken off by the registry"]);
    assert_eq!(recorded.lines(), ["blob-get 200 0 10"]);
}

#[test]
fn a_target_that_breaks_off_before_a_response_ends_the_connection_of_its_client() {
    let peer = Peer::saying("");
    let recording = Recording::start(&peer.url, &[]);
    assert_eq!(recording.send(BLOB), "");
    let recorded = recording
        .end()
        .says(&["1 without a response", "1 broken off"]);
    assert_eq!(recorded.lines(), ["blob-get 0 0 0"]);
}

#[test]
fn a_target_that_is_down_is_502_with_the_reason() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let recording = Recording::start(&url, &[]);
    let request = BLOB.replace("Host: r", "Host: r\r\nConnection: close");
    let got = recording.send(&request);
    assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    assert!(
        got.contains("regstorm record: cannot connect to 127.0.0.1:"),
        "{got}"
    );
    let body = got.split_once("\r\n\r\n").unwrap().1;
    let error: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(error["errors"][0]["code"], "UNKNOWN");
    let recorded = recording.end().says(&[
        "1 502",
        "without a connection to the registry",
        "cannot connect to",
    ]);
    assert_eq!(recorded.lines(), [format!("blob-get 502 0 {}", body.len())]);
}

#[test]
fn a_target_that_is_no_http_is_502_with_the_reason() {
    let peer = Peer::saying("SSH-2.0-OpenSSH\r\n\r\n");
    let recording = Recording::start(&peer.url, &[]);
    let got = recording.send(&BLOB.replace("Host: r", "Host: r\r\nConnection: close"));
    assert!(
        got.starts_with("HTTP/1.1 502 ") && got.contains("not HTTP"),
        "{got}"
    );
    recording.end().says(&["1 502"]);
}

#[test]
fn requests_under_way_are_finished_and_a_second_interrupt_cuts_them() {
    for cut in [false, true] {
        let (go, wait) = mpsc::channel();
        let wait = std::sync::Mutex::new(wait);
        let peer = Peer::start(move |mut stream, _| {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
                .unwrap();
            if wait.lock().unwrap().recv().is_ok() {
                stream.write_all(b"56789").unwrap();
            }
        });
        let recording = Recording::start(&peer.url, &[]);
        let mut client = recording.connect();
        client.write_all(BLOB.as_bytes()).unwrap();
        head(&client);
        client.read_exact(&mut [0; 5]).unwrap();
        recording.interrupt();
        // It takes no more connections once it has heard.
        wait_for(|| {
            std::net::TcpStream::connect(recording.host())
                .is_err()
                .then_some(())
        });
        if cut {
            recording.interrupt();
            assert_eq!(all(&client), "");
            let recorded = recording
                .ended()
                .says(&["1 cut at the end of the recording"]);
            assert_eq!(recorded.lines(), ["blob-get 200 0 5"]);
        } else {
            go.send(()).unwrap();
            assert_eq!(all(&client), "56789");
            let recorded = recording
                .ended()
                .says(&["1 whole", "under way are finished"]);
            assert_eq!(recorded.lines(), ["blob-get 200 0 10"]);
        }
    }
}

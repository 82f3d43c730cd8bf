//! Shards that meet within TLS: what they say cannot be read, and a meeting point that is not the right one is refused.

use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use regstorm::transport::{Identity, SecureClient, SecureServer};
use regstorm::units::Secret;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::{Place, Shard, free_port, is_measured, strangers};

/// The options of all shards: the first one presents the certificate, the others trust the CA.
const OPTIONS: [&str; 6] = [
    "--meet-cert",
    "cert.pem",
    "--meet-key",
    "key.pem",
    "--meet-ca",
    "ca.pem",
];

/// A CA of that name.
fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("a certificate").pem();
    (pem, Issuer::new(params, key))
}

/// Writes certificates beside the scenario: one that is right, one for another name, one that has expired, and another CA.
fn certify(place: &Place) {
    let write = |name: &str, text: &str| {
        std::fs::write(place.dir.path().join(name), text).expect("a file");
    };
    let (ca, issuer) = authority("ours");
    write("ca.pem", &ca);
    write("other-ca.pem", &authority("another").0);
    let key = KeyPair::generate().expect("a key");
    write("key.pem", &key.serialize_pem());
    let other = KeyPair::generate().expect("a key");
    write("other-key.pem", &other.serialize_pem());
    write("nonsense", "nonsense");
    for (file, host, last) in [
        ("cert.pem", "127.0.0.1", 2100),
        ("other-name.pem", "registry.example", 2100),
        ("expired.pem", "127.0.0.1", 2020),
    ] {
        let mut params = CertificateParams::new([host.to_owned()]).expect("a name");
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(last, 1, 1);
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        write(file, &certificate.pem());
    }
}

/// A way to the meeting point on which everything can be read, in both directions.
fn open_way(to: &str) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (to, seen) = (to.to_owned(), Arc::<Mutex<Vec<u8>>>::default());
    let of_threads = Arc::clone(&seen);
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.expect("a connection");
            // The host may not be there yet: the guest tries again.
            let Ok(far) = std::net::TcpStream::connect(&to) else {
                continue;
            };
            for (from, to) in [(&near, &far), (&far, &near)] {
                let (mut from, mut to) = (
                    from.try_clone().expect("a socket"),
                    to.try_clone().expect("a socket"),
                );
                let seen = Arc::clone(&of_threads);
                std::thread::spawn(move || {
                    let mut buffer = [0; 16_384];
                    while let Ok(read @ 1..) = from.read(&mut buffer) {
                        seen.lock().expect("a lock").extend(&buffer[..read]);
                        if std::io::Write::write_all(&mut to, &buffer[..read]).is_err() {
                            return;
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (address, seen)
}

#[test]
fn what_shards_say_within_tls_cannot_be_read() {
    for (options, readable) in [(&OPTIONS[..], false), (&[], true)] {
        let place = Place::new("2s");
        certify(&place);
        let (way, seen) = open_way(&place.address);
        let host = place.shard("s.toml", "0/2", options);
        let guest = place.spawn(&way, "s.toml", "1/2", options);
        let (code, said) = host.ended();
        assert!(is_measured(code), "{said}");
        let (code, said) = guest.ended();
        assert_eq!(code, Some(0), "{said}");
        let all = place.report("0-2").expect("a report");
        assert!(all.closure.holds(), "{:?}", all.closure);
        assert_eq!(all.totals.starts.scheduled, 80);
        place.assert_clean();
        let seen = seen.lock().expect("a lock");
        // A report of some journeys went over it.
        assert!(seen.len() > 5_000, "{}", seen.len());
        for words in ["fingerprint", "nonce", "journeys"] {
            let found = seen.windows(words.len()).any(|it| it == words.as_bytes());
            assert_eq!(found, readable, "{words}");
        }
    }
}

impl Shard {
    /// Waits until it says that, and then ends it.
    fn says(mut self, words: &str) {
        let lines = BufReader::new(self.child.stderr.take().expect("a pipe")).lines();
        let mut said = Vec::new();
        for line in lines {
            let line = line.expect("text");
            if line.contains(words) {
                return;
            }
            said.push(line);
        }
        panic!("no `{words}` in {said:?}");
    }
}

#[test]
fn sides_that_do_not_agree_on_tls_say_so_and_no_load_begins() {
    let place = Place::new("2s");
    certify(&place);
    let with = |cert: &'static str| vec!["--meet-cert", cert, "--meet-key", "key.pem"];
    let trust = |ca: &'static str| vec!["--meet-ca", ca];
    let untrusted = "it does not trust the certificate of this shard";
    let cases = [
        (
            vec![],
            trust("ca.pem"),
            "refused a shard from 127.0.0.1: it speaks TLS, and this shard has no certificate",
            "it does not speak TLS; give it a certificate",
        ),
        (
            with("cert.pem"),
            vec![],
            "refused a shard from 127.0.0.1: the first shard has a certificate",
            "the first shard has a certificate; name its CA",
        ),
        (
            with("cert.pem"),
            trust("other-ca.pem"),
            untrusted,
            "signed by no CA that is trusted here",
        ),
        (
            with("other-name.pem"),
            trust("ca.pem"),
            untrusted,
            "its certificate is for another name (registry.example)",
        ),
        (
            with("expired.pem"),
            trust("ca.pem"),
            untrusted,
            "the certificate has expired or is not valid yet",
        ),
    ];
    for (of_host, of_guest, at_host, at_guest) in cases {
        let address = format!("127.0.0.1:{}", free_port());
        let host = place.spawn(&address, "s.toml", "0/2", &of_host);
        let guest = place.spawn(&address, "s.toml", "1/2", &of_guest);
        let (code, said) = guest.ended();
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains(at_guest), "{said}");
        host.says(at_host);
    }
    assert_eq!(place.registry.counts().requests, 0);
}

/// A meeting point in the middle that has even the certificate and its key, and passes everything on.
#[test]
fn a_proof_is_worth_nothing_on_another_connection() {
    let place = Place::new("2s");
    certify(&place);
    let read = |name: &str| std::fs::read_to_string(place.dir.path().join(name)).expect("text");
    let server = SecureServer::new(&Identity {
        certificates: read("cert.pem").into_bytes(),
        key: Secret::new(read("key.pem")),
    });
    let server = server.expect("a server");
    let client = SecureClient::new(read("ca.pem").as_bytes(), "127.0.0.1").expect("a client");
    let host = place.shard("s.toml", "0/2", &OPTIONS);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a port");
    let way = listener.local_addr().expect("an address").to_string();
    let to = place.address.clone();
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let (near, _) = listener.accept().await.expect("a connection");
                let Ok(far) = TcpStream::connect(&to).await else {
                    continue;
                };
                let (near, far) = tokio::join!(server.accept(near), client.connect(far));
                if let (Ok(mut near), Ok(mut far)) = (near, far) {
                    let _ = copy_bidirectional(&mut near.stream, &mut far.stream).await;
                }
            }
        });
    });
    let (code, said) = place.spawn(&way, "s.toml", "1/2", &OPTIONS).ended();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("the tokens differ"), "{said}");
    host.says("refused a shard from 127.0.0.1: the tokens differ");
}

#[test]
fn strangers_at_a_meeting_point_with_tls_keep_no_shard_away() {
    let place = Place::new("2s");
    certify(&place);
    let host = place.shard("s.toml", "0/2", &OPTIONS);
    let waiting = place.shard("s.toml", "1/3", &OPTIONS);
    // The host listens.
    assert_eq!(waiting.ended().0, Some(5));
    strangers(&place.address);
    let guest = place.shard("s.toml", "1/2", &OPTIONS);
    let (code, said) = host.ended();
    assert!(is_measured(code), "{said}");
    assert_eq!(guest.ended().0, Some(0));
}

#[test]
fn options_of_tls_that_cannot_work_are_refused_before_anything_is_sent() {
    let place = Place::new("2s");
    certify(&place);
    let of = |options: &[&'static str]| options.to_vec();
    for (shard, options, words) in [
        (
            "0/2",
            of(&["--meet-cert", "none.pem", "--meet-key", "key.pem"]),
            "--meet-cert: cannot read none.pem",
        ),
        (
            "0/2",
            of(&["--meet-cert", "cert.pem", "--meet-key", "none.pem"]),
            "--meet-key: cannot read none.pem",
        ),
        (
            "0/2",
            of(&["--meet-cert", "nonsense", "--meet-key", "key.pem"]),
            "the certificate file holds no certificate in PEM",
        ),
        (
            "0/2",
            of(&["--meet-cert", "cert.pem", "--meet-key", "cert.pem"]),
            "the key file holds no private key in PEM",
        ),
        (
            "0/2",
            of(&["--meet-cert", "cert.pem", "--meet-key", "other-key.pem"]),
            "the certificate and the key cannot be used together",
        ),
        ("0/2", of(&["--meet-cert", "cert.pem"]), "--meet-key"),
        ("0/2", of(&["--meet-key", "key.pem"]), "--meet-cert"),
        (
            "0/2",
            of(&["--meet-ca", "ca.pem"]),
            "the first shard needs a certificate as well",
        ),
        (
            "1/2",
            of(&["--meet-cert", "cert.pem", "--meet-key", "key.pem"]),
            "needs the CA of that certificate (--meet-ca)",
        ),
        (
            "1/2",
            of(&["--meet-ca", "none.pem"]),
            "--meet-ca: cannot read none.pem",
        ),
        (
            "1/2",
            of(&["--meet-ca", "nonsense"]),
            "the CA file holds no certificate in PEM",
        ),
    ] {
        let (code, said) = place.shard("s.toml", shard, &options).ended();
        assert_eq!(code, Some(2), "{options:?}: {said}");
        assert!(said.contains(words), "{options:?}: {said}");
        assert!(!said.contains("PRIVATE KEY-----"), "{said}");
    }
    assert_eq!(place.registry.counts().requests, 0);
}

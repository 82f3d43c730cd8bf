//! The `serve` command.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use regstorm::embedded::load_faults;
use regstorm::transport::{Route, Tls, TlsSettings};

use super::wire::Client;
use crate::protocol::user::{User, UserSettings, run};

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regstorm"));
    command
        .arg("serve")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Asks the process to end, as Ctrl-C does, and returns its exit code and the rest of its words.
fn interrupt(mut child: Child, mut out: impl std::io::Read) -> (Option<i32>, String) {
    // The shell has it built in; a program of that name is not everywhere.
    let killed = Command::new("sh")
        .args(["-c", "kill -INT \"$0\"", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    (child.wait().unwrap().code(), rest)
}

#[test]
fn it_prints_where_it_is_serves_and_ends_with_its_counts() {
    let mut child = serve(&[
        "--listen",
        "127.0.0.1:0",
        "--base-path",
        "/base",
        "--user",
        "alice",
    ])
    .env("REGSTORM_PASSWORD", "s3cret")
    .spawn()
    .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut url = String::new();
    out.read_line(&mut url).unwrap();
    let address = url
        .trim()
        .strip_prefix("http://")
        .and_then(|it| it.strip_suffix("/base"))
        .unwrap();
    let mut client = Client::at(address.parse().unwrap());
    assert_eq!(client.get("/base/v2/").status, 401);
    let basic = [("Authorization", "Basic YWxpY2U6czNjcmV0")];
    assert_eq!(client.send("GET", "/base/v2/", &basic, b"").status, 200);
    let (code, rest) = interrupt(child, out);
    assert_eq!(code, Some(0), "{rest}");
    assert_eq!(rest.lines().count(), 1, "{rest}");
    assert!(
        rest.starts_with("2 requests, 1 of them refused, 0 unanswered"),
        "{rest}"
    );
}

#[test]
fn the_token_endpoint_does_as_it_is_told() {
    let bearer = [
        "--listen",
        "127.0.0.1:0",
        "--user",
        "alice",
        "--auth",
        "bearer",
    ];
    let deviating = ["--no-token-post", "--no-token-expiry"];
    for (more, posted, told) in [
        (&["--token-lifetime", "90s"][..], 200, Some(90)),
        (&deviating, 404, None),
    ] {
        let mut child = serve(&[&bearer, more].concat())
            .env("REGSTORM_PASSWORD", "s3cret")
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        out.read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").unwrap();
        let mut client = Client::at(address.parse().unwrap());
        let form = b"grant_type=password&username=alice&password=s3cret";
        assert_eq!(client.send("POST", "/token", &[], form).status, posted);
        let basic = [("Authorization", "Basic YWxpY2U6czNjcmV0")];
        let answer = client.send("GET", "/token", &basic, b"").json();
        let expires_in = answer.get("expires_in").and_then(serde_json::Value::as_u64);
        assert_eq!(expires_in, told);
        assert_eq!(interrupt(child, out).0, Some(0));
    }
}

#[test]
fn what_cannot_be_served_is_said_with_exit_code_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "[[fault]]\noperation = \"blob-got\"\ndelay = \"1s\"\n",
    )
    .unwrap();
    let faults = file.path().to_str().unwrap();
    for (arguments, says) in [
        (&["--listen", &listen][..], "cannot listen on"),
        (&["--listen", "localhost:0"][..], "write an IP address"),
        (&["--faults", faults][..], "did you mean `blob-get`?"),
        (&["--faults", faults][..], ":2:"),
        (
            &["--faults", "/nonexistent/faults.toml"][..],
            "/nonexistent/faults.toml",
        ),
        (&["--user", "alice"][..], "no password"),
        (&["--base-path", "x/"][..], "not a base path"),
        (&["--max-memory", "4"][..], "not a size"),
    ] {
        let ended = serve(arguments).output().unwrap();
        let error = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(ended.stdout.is_empty());
    }
}

/// The help shows a fault file: it is one as it stands, and with each line in use that is commented out.
#[test]
fn the_fault_file_of_the_help_is_one() {
    let help = serve(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, block) = help.split_once("Fault file:\n").expect("a fault file");
    let lines: Vec<&str> = block
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("  "))
        .collect();
    let read = |lines: &[&str]| load_faults(&lines.join("\n"), "help");
    let faults = read(&lines).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(faults.len(), 3);
    let mut others = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some((_, used)) = line
            .split_once("# ")
            .filter(|(before, _)| before.trim().is_empty())
        else {
            continue;
        };
        let mut lines = lines.clone();
        lines[at] = used;
        let key = used.split(" =").next().unwrap();
        // In place of what it cannot stand beside.
        let instead: &[&str] = match key {
            "code" | "retry_after" => &[],
            "probability" => &["every"],
            _ => &["delay"],
        };
        let stands = |line: &str, key: &str| line.trim().starts_with(&format!("{key} ="));
        let table = lines[..at].iter().rposition(|it| it.contains("[[fault]]"));
        for other in &mut lines[table.unwrap()..at] {
            if instead.iter().any(|key| stands(other, key)) {
                *other = "";
            }
        }
        read(&lines).unwrap_or_else(|problems| panic!("{line}: {problems}"));
        others += 1;
    }
    assert_eq!(others, 11);
}

#[test]
fn a_password_is_never_shown() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    for more in [
        &["--listen", &listen][..],
        &["--password-file", "/does/not/exist"],
        &["--auth", "magic"],
    ] {
        let ended = serve(&["--user", "alice:s3cret"])
            .args(more)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&ended.stderr) + String::from_utf8_lossy(&ended.stdout);
        assert_eq!(ended.status.code(), Some(2), "{shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn within_tls_it_says_where_its_ca_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let mut child = serve(&["--listen", "127.0.0.1:0", "--tls", "--ca-out"])
        .arg(&file)
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let [mut url, mut ca] = [String::new(), String::new()];
    out.read_line(&mut url).unwrap();
    out.read_line(&mut ca).unwrap();
    assert_eq!(ca.trim(), format!("CA certificate: {}", file.display()));
    let tls = Tls::new(&TlsSettings {
        ca: Some(std::fs::read(&file).unwrap()),
        ..TlsSettings::default()
    });
    let profile = UserSettings {
        route: Route {
            tls: Arc::new(tls.unwrap()),
            ..Route::default()
        },
        ..UserSettings::default()
    };
    let user = User::with(url.trim(), profile);
    run(async { user.client.ping().await.unwrap() });
    let (code, rest) = interrupt(child, out);
    assert_eq!(code, Some(0), "{rest}");
}

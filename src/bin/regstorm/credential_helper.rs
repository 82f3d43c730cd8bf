//! Credential helpers of docker: programs that are asked for the credentials of one registry.
//!
//! A helper is run without a shell, in a process group of its own that ends with it, has a limited time and may say a limited
//! number of bytes. What it says is secret and never repeated.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use regstorm::programs::ProcessGroup;
use regstorm::units::{Credentials, Secret};
use serde::Deserialize;

/// How long a helper may take; one that asks a person takes too long.
const LIMIT: Duration = Duration::from_secs(10);

/// The most that is read of what it says.
const MAX_ANSWER: u64 = 64 * 1024; // bytes

/// What a helper says when it does not know the registry.
const UNKNOWN: &str = "credentials not found";

/// What helpers name as the user of an identity token.
const TOKEN_USER: &str = "<token>";

/// It has no `Debug`: it holds a secret.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: Option<String>,
    secret: Option<String>,
}

/// Asks `docker-credential-NAME` for the credentials of a registry; `None` when it knows none.
pub(crate) fn get(name: &str, server: &str) -> anyhow::Result<Option<Credentials>> {
    if !is_name(name) {
        bail!("a credential helper has a name of letters, digits, `-`, `_` and `.`");
    }
    let program = format!("docker-credential-{name}");
    let mut command = Command::new(&program);
    let command = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let (mut child, group) =
        ProcessGroup::start(command).with_context(|| format!("cannot run {program}"))?;
    let said = ask(&mut child, server, LIMIT);
    // Whatever it and what it has started are still at, nobody listens. It was not waited for yet, so the group is its own.
    group.end();
    let _ = child.wait();
    let said = said.with_context(|| program.clone())?;
    if said
        .windows(UNKNOWN.len())
        .any(|it| it == UNKNOWN.as_bytes())
    {
        return Ok(None);
    }
    let answer: Answer = serde_json::from_slice(&said)
        .map_err(|_| anyhow!("{program} did not answer with credentials for {server}"))?;
    let Some(secret) = answer.secret.filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let secret = Secret::new(secret);
    Ok(Some(match answer.username.as_deref().unwrap_or_default() {
        TOKEN_USER => Credentials::IdentityToken(secret),
        user => Credentials::password(user, secret),
    }))
}

/// Returns `true` if it is a name, and no path or option.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 64 && name.chars().all(fits)
}

/// Everything that the helper says to its end, which must come within the limit.
fn ask(child: &mut Child, server: &str, limit: Duration) -> anyhow::Result<Vec<u8>> {
    if let Some(mut stdin) = child.stdin.take() {
        // One that needs no question may have left already. A name fits into the pipe, so this does not wait.
        let _ = stdin.write_all(server.as_bytes());
    }
    let stdout = child.stdout.take().context("it has no output")?;
    let (teller, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.take(MAX_ANSWER + 1).read_to_end(&mut said);
        // Nobody waits for what comes too late.
        let _ = teller.send(read.map(|_| said));
    });
    let said = told
        .recv_timeout(limit)
        .map_err(|_| anyhow!("it was not done within {} seconds", limit.as_secs()))??;
    if said.len() as u64 > MAX_ANSWER {
        bail!("it says more than 64 KiB");
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for name in ["pass", "ecr-login", "a_b.c1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "../x", "a/b", "a b", "a;b", "$(x)", "é"] {
            assert!(get(name, "lab").is_err(), "{name}");
        }
    }

    #[test]
    fn one_that_does_not_end_is_not_waited_for() {
        let mut child = Command::new("sleep")
            .arg("600")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = ask(&mut child, "lab", Duration::from_millis(20));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(said.unwrap_err().to_string().contains("not done within"));
    }
}

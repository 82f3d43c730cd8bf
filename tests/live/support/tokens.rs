//! A token server for docker-registry: signs what it is asked for, and writes down who asked how.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use super::client::{PASSWORD, USER};
use super::process::Program;
use super::wire::{self, Head};

const SERVICE: &str = "lab-registry";
const ISSUER: &str = "lab-issuer";

/// How a token server behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Granting {
    /// How long a token is good for, in seconds.
    pub(crate) lifetime: u64,
    /// What is said of that, in seconds; `None` says nothing.
    pub(crate) told: Option<u64>,
    /// Whether the form of `OAuth2` is there; many servers answer it with 404.
    pub(crate) post: bool,
    /// The host of its address. crane goes to no token server at the number of a private network.
    pub(crate) host: &'static str,
}

impl Default for Granting {
    fn default() -> Self {
        Self {
            lifetime: 300,
            told: Some(300),
            post: false,
            host: "127.0.0.1",
        }
    }
}

/// One request for a token, without what is secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The fields of the query or the form.
    pub(crate) params: BTreeMap<String, Vec<String>>,
    /// The scheme of the `Authorization`.
    pub(crate) authorization: Option<String>,
    pub(crate) status: u16,
    pub(crate) ua: Option<String>,
    pub(crate) content_type: Option<String>,
    /// Missing in recordings that are older than this field.
    #[serde(default)]
    pub(crate) accept_encoding: Option<String>,
}

/// A running token server. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct TokenServer {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    granting: Granting,
    dir: TempDir,
    stopped: AtomicBool,
    log: Mutex<Vec<TokenRequest>>,
    /// Signing takes milliseconds: a token for the same claims in the same second is the same token.
    signed: Mutex<HashMap<String, String>>,
}

impl TokenServer {
    pub(crate) fn start(granting: Granting) -> Self {
        let dir = super::scratch();
        Program::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-subj", "/CN=lab-token", "-keyout"])
            .args([dir.path().join("key")])
            .args(["-out"])
            .args([dir.path().join("certificate")])
            .run()
            .ok();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared {
            granting,
            dir,
            stopped: AtomicBool::new(false),
            log: Mutex::default(),
            signed: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // A client that hangs up is none of our business.
                thread::spawn(move || shared.serve(&client).unwrap_or_default());
            }
        });
        Self { port, shared }
    }

    /// The `auth` of a registry's configuration.
    pub(crate) fn config(&self) -> String {
        let bundle = self.shared.dir.path().join("certificate");
        format!(
            "auth: {{token: {{realm: 'http://{}:{}/token', service: {SERVICE}, issuer: {ISSUER}, rootcertbundle: {}}}}}\n",
            self.shared.granting.host,
            self.port,
            bundle.display()
        )
    }

    /// The requests since the last call.
    pub(crate) fn take(&self) -> Vec<TokenRequest> {
        std::mem::take(&mut *locked(&self.shared.log))
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn serve(&self, mut client: &TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(client);
        while let Some(head) = Head::read(&mut reader)? {
            let mut form = Vec::new();
            wire::body(&mut reader, head.framing(), |piece| {
                form.extend_from_slice(piece.bytes);
                Ok(())
            })?;
            let form = String::from_utf8_lossy(&form).into_owned();
            let (path, query) = head.word(1).split_once('?').unwrap_or((head.word(1), ""));
            let mut params = fields(if head.word(0) == "POST" { &form } else { query });
            let (status, body) = self.answer(&head, path, &params);
            for secret in ["password", "refresh_token"] {
                if let Some(values) = params.get_mut(secret) {
                    values.fill("<redacted>".to_owned());
                }
            }
            let scheme = |it: &str| it.split(' ').next().unwrap_or_default().to_owned();
            locked(&self.log).push(TokenRequest {
                method: head.word(0).to_owned(),
                path: path.to_owned(),
                params,
                authorization: head.get("Authorization").map(scheme),
                status,
                ua: head.get("User-Agent").map(str::to_owned),
                content_type: head.get("Content-Type").map(str::to_owned),
                accept_encoding: head.get("Accept-Encoding").map(str::to_owned),
            });
            let mut answer = Head::new(&format!("HTTP/1.1 {status} {}", reason(status)));
            answer.add("Content-Type", "application/json");
            answer.add("Content-Length", &body.len().to_string());
            client.write_all(&[answer.bytes(), body.into_bytes()].concat())?;
            if head.says("Connection", "close") {
                break;
            }
        }
        Ok(())
    }

    fn answer(
        &self,
        head: &Head,
        path: &str,
        params: &BTreeMap<String, Vec<String>>,
    ) -> (u16, String) {
        let is = |name: &str, value: &str| params.get(name).is_some_and(|it| it == &[value]);
        let post = head.word(0) == "POST";
        if path != "/token" || (post && !self.granting.post) {
            return (404, String::new());
        }
        let known = if post {
            is("grant_type", "password") && is("username", USER) && is("password", PASSWORD)
        } else {
            let basic = STANDARD.encode(format!("{USER}:{PASSWORD}"));
            head.get("Authorization") == Some(&format!("Basic {basic}"))
        };
        let anonymous = !post && head.get("Authorization").is_none();
        if !known && !anonymous {
            return (
                401,
                json!({"details": "wrong name or password"}).to_string(),
            );
        }
        let now = seconds();
        let scopes = params.get("scope").map_or(&[][..], Vec::as_slice);
        let scopes = scopes.iter().flat_map(|it| it.split(' '));
        let access: Vec<_> = scopes.filter_map(|it| granted(it, known)).collect();
        let claims = json!({
            "iss": ISSUER,
            "sub": if known { USER } else { "" },
            "aud": SERVICE,
            "exp": now + self.granting.lifetime,
            "nbf": now - 5,
            "iat": now,
            "jti": format!("{now}"),
            "access": access,
        });
        let token = self.token(&claims.to_string());
        let mut answer = json!({
            "access_token": token,
            "expires_in": self.granting.told,
            "issued_at": humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(now)).to_string(),
        });
        if !post {
            answer["token"] = json!(token);
        }
        if self.granting.told.is_none() {
            answer.as_object_mut().map(|it| it.remove("expires_in"));
        }
        (200, answer.to_string())
    }

    /// A JSON Web Token that carries the certificate it is checked with.
    fn token(&self, claims: &str) -> String {
        let mut signed = locked(&self.signed);
        if let Some(token) = signed.get(claims) {
            return token.clone();
        }
        let certificate = fs::read_to_string(self.dir.path().join("certificate"));
        let certificate = certificate.expect("the certificate made at the start");
        let der: String = certificate
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let head = json!({"typ": "JWT", "alg": "RS256", "x5c": [der]}).to_string();
        let [head, claimed] = [head.as_str(), claims].map(|it| URL_SAFE_NO_PAD.encode(it));
        let message = format!("{head}.{claimed}");
        let signature = sign(self.dir.path(), &message);
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
        signed.insert(claims.to_owned(), token.clone());
        token
    }
}

fn sign(dir: &Path, message: &str) -> Vec<u8> {
    let file = dir.join("signature");
    Program::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .args([dir.join("key")])
        .input(message)
        .output_to(&file)
        .run()
        .ok();
    fs::read(file).expect("a signature")
}

/// `repository:NAME:pull,push` as the claim that grants it; who is not known may only pull.
fn granted(scope: &str, known: bool) -> Option<serde_json::Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<&str> = actions
        .split(',')
        .filter(|it| known || *it == "pull")
        .collect();
    Some(json!({"type": kind, "name": name, "actions": actions}))
}

fn fields(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        fields
            .entry(name.into_owned())
            .or_default()
            .push(value.into_owned());
    }
    fields
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        401 => "Unauthorized",
        _ => "Not Found",
    }
}

/// The time that stands in claims, which the registry compares with its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a token is good until a certain time of the wall clock"
)]
fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs()
}

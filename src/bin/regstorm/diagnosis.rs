//! What an error of a pull or push means to the person who typed it: the exit code, and what to do next.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use regstorm::content::StoreError;
use regstorm::oci::{ErrorCode, ImageName, Operation};
use regstorm::registry::{self, Client, Kind};
use regstorm::{client, transport};
use tokio::time::timeout;

use crate::exit::{Exit, Failure};
use crate::target_args::Target;

/// How long it is found out whether there is a registry at all.
const PING_WAIT: Duration = Duration::from_secs(10);

/// What servers that expect TLS answer to plain HTTP: Go's, nginx's, Apache's.
const TLS_ANSWERS: [&str; 3] = [
    "HTTP request to an HTTPS server",
    "HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server",
];
const TLS_ADVICE: &str = "the registry speaks TLS there: write its address with https://";

/// The transfer that failed.
pub(crate) struct FailedTransfer<'a> {
    pub(crate) target: &'a Target,
    pub(crate) reference: &'a ImageName,
    /// `true` if there was a response.
    pub(crate) got_response: bool,
}

/// The failure to report.
pub(crate) async fn failure(
    error: client::Error,
    client: &Client,
    transfer: &FailedTransfer<'_>,
) -> Failure {
    match error {
        client::Error::Registry(error) => {
            if wants_tls(&error, client).await {
                return Failure::new(Exit::Target, anyhow!("{error}; {TLS_ADVICE}"));
            }
            if is_doubtful(&error) && is_no_registry(&error, client).await {
                let base = transfer.target.base();
                let text = format!(
                    "{error}; there is no registry at {base}: check the path in front of /v2/"
                );
                return Failure::new(Exit::Target, anyhow!(text));
            }
            of_registry(&error, transfer)
        }
        client::Error::Store(error) => store(&error),
        // The client asks nothing more, and so nothing more is asked to explain it.
        client::Error::NotFound(_) => {
            let (base, reference) = (transfer.target.base(), transfer.reference);
            let text = format!(
                "there is no `{reference}` at {base}, or it is not shown to you; if nothing is found there, \
                 check the path in front of /v2/"
            );
            Failure::new(Exit::Failed, anyhow!(text))
        }
        error => Failure::new(Exit::Failed, error),
    }
}

/// An error of the place where an image is kept.
pub(crate) fn store(error: &io::Error) -> Failure {
    let exit = match inner(error) {
        Some(StoreError::Occupied(_) | StoreError::Stranger { .. }) => Exit::Usage,
        _ => Exit::Failed,
    };
    Failure::new(exit, anyhow!(told(error)))
}

fn inner(error: &io::Error) -> Option<&StoreError> {
    error.get_ref()?.downcast_ref()
}

/// The error with its causes, and what to do about it.
fn told(error: &io::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    let system = match inner(error) {
        Some(StoreError::Write { source, .. }) => source.kind(),
        Some(StoreError::DigestMismatch(_)) => {
            text.push_str(
                "; what the registry has, or what lies between, is damaged; nothing was kept of it",
            );
            return text;
        }
        _ => error.kind(),
    };
    match system {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            text.push_str(
                "; free some space and run the same command again: what has come is kept",
            );
        }
        _ => {}
    }
    text
}

/// Returns `true` if the response may not be a registry's.
fn is_doubtful(error: &registry::Error) -> bool {
    match error.kind() {
        Kind::Status { status, body } => {
            matches!(
                *status,
                StatusCode::NOT_FOUND
                    | StatusCode::METHOD_NOT_ALLOWED
                    | StatusCode::NOT_IMPLEMENTED
            ) && !body.code.as_ref().is_some_and(is_of_registries)
        }
        Kind::Manifest(_) => true,
        _ => false,
    }
}

/// Returns whether it was the TLS port of something. The response to a HEAD has no words that would tell; that to a GET has.
async fn wants_tls(error: &registry::Error, client: &Client) -> bool {
    let wordless = matches!(error.kind(), Kind::Status { status, body }
        if *status == StatusCode::BAD_REQUEST && body.message.is_none());
    wordless
        && match timeout(PING_WAIT, client.ping()).await {
            Ok(Err(refused)) => speaks_of_tls(&refused),
            Ok(Ok(_)) | Err(_) => false,
        }
}

fn speaks_of_tls(error: &registry::Error) -> bool {
    match error.kind() {
        Kind::Status { body, .. } => {
            let said = body.message.as_deref().unwrap_or_default();
            TLS_ANSWERS.iter().any(|it| said.contains(it))
        }
        Kind::Transport(transport::Error::NotHttp(beginning)) => beginning.is_tls(),
        _ => false,
    }
}

/// What to do when the target of a scenario does not answer its ping well, if that is known.
pub(crate) fn of_ping(error: &registry::Error) -> Option<String> {
    if let Some(address) = at_https(error) {
        return Some(format!("{address} (target.url)"));
    }
    if error.is_elsewhere() {
        return None;
    }
    let advice = match error.kind() {
        _ if speaks_of_tls(error) => TLS_ADVICE,
        Kind::Transport(
            transport::Error::Connect { .. }
            | transport::Error::Timeout(transport::Waiting::Connect),
        ) => "does the registry run, and is target.url its address?",
        Kind::Transport(
            transport::Error::Dns { .. } | transport::Error::Timeout(transport::Waiting::Dns),
        ) => "is the host in target.url right?",
        Kind::Status { status, .. } => match *status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if error.showed_credentials() => {
                "check username and password in [target.auth]"
            }
            StatusCode::UNAUTHORIZED if error.operation() != Operation::Redirected => {
                "no credentials were sent: [target.auth] gives them to a registry that asks for Basic or Bearer"
            }
            _ if is_unknown_path(error) => {
                "there is no registry at target.url: check the path in front of /v2/"
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(advice.to_owned())
}

/// What to do when images cannot be seeded, if that is known: what takes no pushes may have images that are to be used.
pub(crate) fn of_seeding(error: &client::Error) -> Option<&'static str> {
    let client::Error::Registry(error) = error else {
        return None;
    };
    let Kind::Status { status, body } = error.kind() else {
        return None;
    };
    let writes = matches!(
        error.operation(),
        Operation::UploadStart
            | Operation::UploadPost
            | Operation::UploadMount
            | Operation::UploadPatch
            | Operation::UploadPut
            | Operation::ManifestPut
            | Operation::Token
    );
    match *status {
        _ if !writes => None,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Some(NO_PUSHES),
        _ if body.code == Some(ErrorCode::Unsupported) => Some(NO_PUSHES),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(
            "check username and password in [target.auth], or use images that are there: \
             source = \"existing\" with their `references`",
        ),
        _ => None,
    }
}

/// Mirrors, pull-through caches and registries in read-only mode.
const NO_PUSHES: &str = "the registry takes no pushes (a mirror, a cache, or in read-only mode?): use images that are \
     there, source = \"existing\" with their `references`";

/// Only a registry says that it does not know such a thing.
fn is_of_registries(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ManifestUnknown
            | ErrorCode::NameUnknown
            | ErrorCode::BlobUnknown
            | ErrorCode::BlobUploadUnknown
    )
}

/// Asks once whether there is a registry, when its answer gives reason to doubt. `true` only where an answer shows that there
/// is none: who cannot be asked may be one.
async fn is_no_registry(error: &registry::Error, client: &Client) -> bool {
    // A web server may say yes to everything, and then sends a page.
    let by_name = matches!(error.kind(), Kind::Manifest(_));
    match timeout(PING_WAIT, client.ping()).await {
        Ok(Ok(headers)) => {
            let said = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
            by_name && said.is_some_and(|it| it.to_ascii_lowercase().starts_with(b"text/html"))
        }
        Ok(Err(refused)) => is_unknown_path(&refused),
        Err(_) => false,
    }
}

/// Returns `true` if the registry's own address leads to nothing that a registry has.
fn is_unknown_path(pinged: &registry::Error) -> bool {
    let Kind::Status { status, body } = pinged.kind() else {
        return false;
    };
    pinged.operation() == Operation::Ping
        && matches!(
            *status,
            StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::GONE
                | StatusCode::NOT_IMPLEMENTED
        )
        && !body.code.as_ref().is_some_and(is_of_registries)
}

/// Returns which https address to write, if the registry redirects requests from http to it.
fn at_https(error: &registry::Error) -> Option<String> {
    let is_there = error.operation() == Operation::Redirected && error.is_elsewhere();
    let subject = error.subject();
    let (front, _) = subject.split_once("/v2/")?;
    (is_there && front.starts_with("https://")).then(|| {
        format!("the registry is behind a redirect to https: write its address as {front}")
    })
}

fn of_registry(error: &registry::Error, transfer: &FailedTransfer<'_>) -> Failure {
    if !transfer.target.base().origin().is_secure()
        && let Some(advice) = at_https(error)
    {
        return Failure::new(Exit::Target, anyhow!("{error}; {advice}"));
    }
    // Who has sent us there is in the error; its own address is not in question.
    if error.is_elsewhere() && matches!(error.kind(), Kind::Transport(_)) {
        return Failure::new(Exit::Target, anyhow!("{error}"));
    }
    let (exit, advice) = match error.kind() {
        Kind::Status { .. } if error.is_turned() => (Exit::Failed, String::new()),
        Kind::Withheld(_) => (Exit::Target, String::new()),
        Kind::Transport(cause) => of_transport(cause, transfer),
        Kind::Status { status, .. } => {
            if speaks_of_tls(error) {
                (Exit::Target, TLS_ADVICE.to_owned())
            } else {
                of_status(*status, error, transfer)
            }
        }
        Kind::Digest { .. } | Kind::UnlikeVerified { .. } | Kind::Size { .. } => (
            Exit::Failed,
            "what the registry has, or what lies between, is damaged".to_owned(),
        ),
        Kind::Sink(error) => return store(error),
        _ => (Exit::Failed, String::new()),
    };
    if advice.is_empty() {
        Failure::new(exit, anyhow!("{error}"))
    } else {
        Failure::new(exit, anyhow!("{error}; {advice}"))
    }
}

fn of_transport(error: &transport::Error, transfer: &FailedTransfer<'_>) -> (Exit, String) {
    use transport::{Error, Waiting};
    let base = transfer.target.base();
    let no_response = if transfer.got_response {
        Exit::Failed
    } else {
        Exit::Target
    };
    match error {
        Error::Connect { .. } | Error::Timeout(Waiting::Connect) => (
            Exit::Target,
            format!("does the registry run, and is {base} its address?"),
        ),
        Error::Dns { .. } | Error::Timeout(Waiting::Dns) => {
            (Exit::Target, format!("is the host in {base} right?"))
        }
        Error::Proxy { .. } | Error::Timeout(Waiting::Proxy | Waiting::Tls) => {
            (Exit::Target, String::new())
        }
        Error::Timeout(_) => (
            no_response,
            "--timeout lets a request take longer".to_owned(),
        ),
        Error::NotHttp(beginning) if beginning.is_tls() && !base.origin().is_secure() => {
            (Exit::Target, TLS_ADVICE.to_owned())
        }
        Error::NotHttp(_) | Error::NotHttp2(_) | Error::Origin(_) | Error::Tls { .. } => {
            (Exit::Target, String::new())
        }
        Error::Malformed(..) | Error::LongHead => (no_response, String::new()),
        Error::Reset { received: None, .. }
            if !transfer.got_response && !base.origin().is_secure() =>
        {
            (
                Exit::Target,
                format!("a port that expects TLS does that, too: is it https:// ({base})?"),
            )
        }
        Error::Reset { .. } => (
            no_response,
            "run the same command again to go on".to_owned(),
        ),
        Error::Unprocessed(_) | Error::Content(_) | Error::Harness(_) => {
            (Exit::Failed, String::new())
        }
    }
}

/// Who is not let in, as far as that was asked.
fn of_refusal(
    status: StatusCode,
    error: &registry::Error,
    transfer: &FailedTransfer<'_>,
) -> String {
    let repository = &transfer.reference.repository;
    match transfer.target.user() {
        Some(user) if error.showed_credentials() && status == StatusCode::FORBIDDEN => {
            format!("user `{user}` may not do this in `{repository}`")
        }
        Some(user) if error.showed_credentials() => {
            format!("the registry does not let user `{user}` in: check name and password")
        }
        Some(user) if error.operation() == Operation::Redirected => {
            format!("the credentials of `{user}` are for {} and were not sent there", transfer.target.base())
        }
        Some(user) => format!("the credentials of `{user}` were not sent: it did not ask for them in a way that regstorm knows"),
        None => "the registry wants to know who asks: give --user NAME, and the password in REGSTORM_PASSWORD".to_owned(),
    }
}

fn of_status(
    status: StatusCode,
    error: &registry::Error,
    transfer: &FailedTransfer<'_>,
) -> (Exit, String) {
    let (reference, base) = (transfer.reference, transfer.target.base());
    let repository = &reference.repository;
    match (status, error.operation()) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            (Exit::Target, of_refusal(status, error, transfer))
        }
        (_, Operation::Token) => (Exit::Target, String::new()),
        (StatusCode::NOT_FOUND, Operation::ManifestGet) => (
            Exit::Failed,
            format!("there is no `{reference}` at {base}, or it is not shown to you"),
        ),
        (StatusCode::NOT_FOUND, Operation::BlobGet | Operation::Redirected) => (
            Exit::Failed,
            "the registry has lost a blob of this image; push the image again".to_owned(),
        ),
        (
            StatusCode::NOT_FOUND,
            Operation::UploadStart | Operation::UploadPost | Operation::UploadMount,
        ) => (
            Exit::Failed,
            format!("some registries want `{repository}` to be made before it is pushed to"),
        ),
        (
            StatusCode::METHOD_NOT_ALLOWED,
            Operation::UploadStart
            | Operation::UploadPost
            | Operation::UploadMount
            | Operation::ManifestPut,
        ) => (
            Exit::Failed,
            "the registry takes no pushes; it may be in read-only mode".to_owned(),
        ),
        (StatusCode::RANGE_NOT_SATISFIABLE, Operation::UploadPatch) => (
            Exit::Failed,
            "--method patch sends a blob in one piece".to_owned(),
        ),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => (
            Exit::Failed,
            "the registry, or a proxy in front of it, limits what one request may carry".to_owned(),
        ),
        (StatusCode::TOO_MANY_REQUESTS, _) => (
            Exit::Failed,
            "wait, or lower --parallel, and run the same command again".to_owned(),
        ),
        _ => (Exit::Failed, String::new()),
    }
}

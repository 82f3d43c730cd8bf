//! What an error of a pull or push means to the person who typed it: the exit code, and what to do next.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use http::StatusCode;
use regstorm::content::StoreError;
use regstorm::oci::{ErrorCode, Operation, Reference};
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

/// What was wanted of which registry.
pub(crate) struct Errand<'a> {
    pub(crate) target: &'a Target,
    pub(crate) reference: &'a Reference,
    /// Has there ever been an answer?
    pub(crate) answered: bool,
}

/// The failure to report.
pub(crate) async fn failure(error: client::Error, client: &Client, errand: &Errand<'_>) -> Failure {
    match error {
        client::Error::Registry(error) => {
            if wants_tls(&error, client).await {
                return Failure::new(Exit::Target, anyhow!("{error}; {TLS_ADVICE}"));
            }
            if is_doubtful(&error) && !is_registry(&error, client).await {
                let base = errand.target.base();
                let text = format!(
                    "{error}; there is no registry at {base}: check the path in front of /v2/"
                );
                return Failure::new(Exit::Target, anyhow!(text));
            }
            of_registry(&error, errand)
        }
        client::Error::Store(error) => store(&error),
        // The client asks nothing more, and so nothing more is asked to explain it.
        client::Error::NotFound(_) => {
            let (base, reference) = (errand.target.base(), errand.reference);
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

/// Might it be no registry that has answered?
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

/// Was it the TLS port of something? The answer to a HEAD has no words that would tell; that to a GET has.
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
pub(crate) fn of_ping(error: &registry::Error) -> Option<&'static str> {
    if error.is_elsewhere() {
        return None;
    }
    if speaks_of_tls(error) {
        return Some(TLS_ADVICE);
    }
    match error.kind() {
        Kind::Transport(
            transport::Error::Connect { .. }
            | transport::Error::Timeout(transport::Waiting::Connect),
        ) => Some("does the registry run, and is target.url its address?"),
        Kind::Transport(
            transport::Error::Dns { .. } | transport::Error::Timeout(transport::Waiting::Dns),
        ) => Some("is the host in target.url right?"),
        Kind::Status { status, .. } => match *status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Some("check username and password in [target.auth]")
            }
            StatusCode::NOT_FOUND => {
                Some("there is no registry at target.url: check the path in front of /v2/")
            }
            _ => None,
        },
        _ => None,
    }
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

/// Asks once whether there is a registry, when its answer gives reason to doubt.
async fn is_registry(error: &registry::Error, client: &Client) -> bool {
    // A web server may say yes to everything.
    let by_name = matches!(error.kind(), Kind::Manifest(_));
    match timeout(PING_WAIT, client.ping()).await {
        Ok(Ok(headers)) => !by_name || headers.contains_key("docker-distribution-api-version"),
        Ok(Err(refused)) => matches!(
            refused.status(),
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
        ),
        Err(_) => true,
    }
}

fn of_registry(error: &registry::Error, errand: &Errand<'_>) -> Failure {
    // Who has sent us there is in the error; its own address is not in question.
    if error.is_elsewhere() && matches!(error.kind(), Kind::Transport(_)) {
        return Failure::new(Exit::Target, anyhow!("{error}"));
    }
    let (exit, advice) = match error.kind() {
        Kind::Status { .. } if error.is_turned() => (Exit::Failed, String::new()),
        Kind::Withheld(_) => (Exit::Target, String::new()),
        Kind::Transport(cause) => of_transport(cause, errand),
        Kind::Status { status, .. } => {
            if speaks_of_tls(error) {
                (Exit::Target, TLS_ADVICE.to_owned())
            } else {
                of_status(*status, error.operation(), errand)
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

fn of_transport(error: &transport::Error, errand: &Errand<'_>) -> (Exit, String) {
    use transport::{Error, Waiting};
    let base = errand.target.base();
    let never_answered = if errand.answered {
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
        Error::Timeout(Waiting::Tls) => (Exit::Target, String::new()),
        Error::Timeout(_) => (
            never_answered,
            "--timeout lets a request take longer".to_owned(),
        ),
        Error::NotHttp(beginning) if beginning.is_tls() && !base.origin().is_secure() => {
            (Exit::Target, TLS_ADVICE.to_owned())
        }
        Error::NotHttp(_) | Error::NotHttp2(_) | Error::Origin(_) | Error::Tls { .. } => {
            (Exit::Target, String::new())
        }
        Error::Malformed(..) | Error::LongHead => (never_answered, String::new()),
        Error::Reset { received: None, .. } if !errand.answered && !base.origin().is_secure() => (
            Exit::Target,
            format!("a port that expects TLS does that, too: is it https:// ({base})?"),
        ),
        Error::Reset { .. } => (
            never_answered,
            "run the same command again to go on".to_owned(),
        ),
        Error::Unprocessed(_) | Error::Content(_) | Error::Harness(_) => {
            (Exit::Failed, String::new())
        }
    }
}

fn of_status(status: StatusCode, operation: Operation, errand: &Errand<'_>) -> (Exit, String) {
    let (reference, base) = (errand.reference, errand.target.base());
    let repository = &reference.repository;
    let user = errand.target.user();
    match (status, operation) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (_, Operation::Token) => {
            let advice = match user {
                Some(user) if status == StatusCode::FORBIDDEN => {
                    format!("user `{user}` may not do this in `{repository}`")
                }
                Some(user) => {
                    format!("the registry does not let user `{user}` in: check name and password")
                }
                None => "the registry wants to know who asks: give --user NAME, and the password in REGSTORM_PASSWORD".to_owned(),
            };
            (Exit::Target, advice)
        }
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

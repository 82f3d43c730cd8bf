//! The `[target.auth]` table.

use std::path::PathBuf;

use crate::keys::codec::{Codec, Editor, flag, text as text_codec, words};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::plain::REDACTED;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::text;
use crate::units::{Credentials, Secret, words};

keys! {
    /// Credentials and tokens.
    #[derive(Debug, Clone)]
    pub struct Auth {
        /// Use the credentials that docker has for the target: those of its usual `config.json` (`true`), those of podman and
        /// skopeo (`"podman"`: their usual `auth.json`), or of this file, a `config.json` or an `auth.json`. Not together with
        /// `username` and `password`.
        ///
        /// The caller reads them before the run: this library looks at no home directory.
        pub docker_config: Option<DockerConfig> => docker_config(), true;
        /// The credentials, should the registry want any.
        pub credentials: Option<Credentials>;
        /// User name. Needs `password`.
        username = self => username(), "ci";
        /// Password. Take it from the environment; it is never shown. Needs `username`.
        password = self => password(), "${REGISTRY_PASSWORD}";
        /// Who has tokens: each virtual user in each journey, or all users of a worker in a journey together.
        pub tokens: TokenPolicy = TokenPolicy::PerVu => words("policy", TokenPolicy::WORDS), "shared";
        /// Allow credentials to go from https to http.
        pub cleartext: bool = false => flag(), true;
    }
}

/// A `config.json` of docker, or an `auth.json` of podman and skopeo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerConfig {
    /// Where docker itself would look.
    Usual,
    /// Where podman and skopeo would look.
    Podman,
    /// This file, as it was written: a path that is relative starts at the scenario.
    File(PathBuf),
}

/// Whether users share tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPolicy {
    /// Each virtual user in each journey, as each node of a fleet has.
    PerVu,
    /// The users of a worker share those of a journey, as the jobs of one node do. They outlive an iteration that goes
    /// cold.
    Shared,
}

words! { TokenPolicy {
    "per-vu" => Self::PerVu,
    "shared" => Self::Shared,
}}

/// Returns whether the credentials are those of the scenario. Who was found in docker's configuration is no part of the plan.
const fn is_written(auth: &Auth) -> bool {
    auth.docker_config.is_none()
}

/// User and password as far as they were read.
fn parts(auth: &Auth) -> (String, Secret) {
    match &auth.credentials {
        Some(Credentials::Password { username, password }) => (username.clone(), password.clone()),
        Some(Credentials::IdentityToken(_)) | None => (String::new(), Secret::new(String::new())),
    }
}

/// Credentials come from one place, and both halves of them are there.
pub(super) fn is_whole(table: &mut Table<'_>, _: &Auth) -> bool {
    let config = table.entry("docker_config");
    let (username, password) = (table.entry("username"), table.entry("password"));
    let Some(named) = username.or(password) else {
        return true;
    };
    if let Some(config) = config
        && !matches!(config.item.value, Value::Flag(false))
    {
        let problem = Problem::new("credentials come from two places", named.key_spot.clone());
        table.sink().report(
            problem
                .label("remove this, or `docker_config`")
                .also(config.key_spot.clone(), "here is the other"),
        );
        return false;
    }
    let both = [
        ("username", username, "username = \"...\""),
        ("password", password, "password = \"${REGISTRY_PASSWORD}\""),
    ];
    for (name, entry, example) in both {
        if entry.is_none() {
            let problem = Problem::new(format!("missing key `{name}`"), table.spot().clone());
            table
                .sink()
                .report(problem.label(format!("add `{example}`")));
            return false;
        }
    }
    true
}

const PODMAN: &str = "podman";

/// `true` for the usual place, `"podman"` for those of podman, or a path.
fn docker_config() -> Codec<Option<DockerConfig>> {
    let form = Form::Either(vec![
        Form::Flag,
        Form::Text("`\"podman\"`, or path of a `config.json` or `auth.json`"),
    ]);
    let read = |item: &Item, sink: &Sink| match &item.value {
        Value::Flag(wanted) => Some(wanted.then_some(DockerConfig::Usual)),
        Value::Text(word) if word.value == PODMAN => Some(Some(DockerConfig::Podman)),
        Value::Text(path) if !path.value.is_empty() => {
            Some(Some(DockerConfig::File(path.value.clone().into())))
        }
        _ => {
            sink.expected(
                item,
                "true, \"podman\", or the path of a config.json or an auth.json",
            );
            None
        }
    };
    Codec::new(form, read, |it| match it.as_ref()? {
        DockerConfig::Usual => Some(true.into()),
        DockerConfig::Podman => Some(PODMAN.into()),
        DockerConfig::File(path) => Some(path.to_string_lossy().into_owned().into()),
    })
}

fn username() -> Editor<Auth> {
    let put = |it: &mut Auth, username: String| {
        it.credentials = Some(Credentials::password(username, parts(it).1));
    };
    text_codec("text without colon and control characters", read_username).part(put, |it| {
        let credentials = it.credentials.as_ref().filter(|_| is_written(it))?;
        credentials.username().map(str::to_owned)
    })
}

fn read_username(item: &Item, sink: &Sink) -> Option<String> {
    let name = text(item, sink)?.value;
    if !name.is_empty() && !name.contains(':') && !name.contains(char::is_control) {
        return Some(name);
    }
    let problem = Problem::new("this cannot be a username", item.spot.clone());
    sink.report(problem.label("not empty, no colon, no control characters"));
    None
}

fn password() -> Editor<Auth> {
    let read = |item: &Item, sink: &Sink| {
        let password = text(item, sink)?.value;
        if !password.is_empty() {
            return Some(Secret::new(password));
        }
        sink.report(Problem::new("the password is empty", item.spot.clone()));
        None
    };
    let put = |it: &mut Auth, password| {
        it.credentials = Some(Credentials::password(parts(it).0, password));
    };
    Codec::new(Form::Text("text"), read, |_| Some(REDACTED.into())).part(put, |it| {
        let is_there = it.credentials.is_some() && is_written(it);
        is_there.then(|| parts(it).1)
    })
}

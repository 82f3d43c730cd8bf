//! The `[target.auth]` table.

use std::sync::LazyLock;

use crate::keys::codec::{flag, words};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::{Plain, REDACTED};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Item, Value};
use crate::keys::value::text;
use crate::scenario::target::{DockerConfig, Target, TokenPolicy};
use crate::units::{Credentials, Secret};

pub(super) static KEYS: LazyLock<Vec<Key<Target>>> = LazyLock::new(|| {
    vec![
        Key::custom(
            (
                "docker_config",
                "true",
                "Use the credentials that docker has for the target: those of its usual `config.json` (`true`), or of this file. \
                 Not together with `username` and `password`.",
            ),
            Form::Either(vec![Form::Flag, Form::Text("path of a `config.json`")]),
            set_docker_config,
            |it| match it.docker_config.as_ref()? {
                DockerConfig::Usual => Some(true.into()),
                DockerConfig::File(path) => Some(path.to_string_lossy().into_owned().into()),
            },
        ),
        Key::custom(
            ("username", r#""ci""#, "User name. Needs `password`."),
            Form::Text("text without colon and control characters"),
            |item: &Item, sink: &Sink, it: &mut Target| {
                let read = username(item, sink);
                let (_, password) = parts(it);
                if let Some(username) = &read {
                    it.credentials = Some(Credentials::password(username, password));
                }
                read.is_some()
            },
            |it| {
                let credentials = it.credentials.as_ref().filter(|_| is_written(it))?;
                credentials.username().map(Plain::from)
            },
        ),
        Key::custom(
            (
                "password",
                r#""${REGISTRY_PASSWORD}""#,
                "Password. Take it from the environment; it is never shown. Needs `username`.",
            ),
            Form::Text("text"),
            |item: &Item, sink: &Sink, it: &mut Target| {
                let read = password(item, sink);
                let is_good = read.is_some();
                let (username, _) = parts(it);
                if let Some(password) = read {
                    it.credentials = Some(Credentials::password(username, password));
                }
                is_good
            },
            |it| {
                let is_there = it.credentials.is_some() && is_written(it);
                is_there.then(|| REDACTED.into())
            },
        ),
        key!(
            "tokens",
            words("policy", TokenPolicy::WORDS),
            |it: Target| it.tokens,
            r#""shared""#,
            "Who has tokens: each virtual user in each journey, or all users of a worker in a journey together.",
        ),
        key!(
            "cleartext",
            flag(),
            |it: Target| it.cleartext,
            "true",
            "Allow credentials to go from https to http.",
        ),
    ]
});

/// Are the credentials those of the scenario? Who was found in docker's configuration is no part of the plan.
const fn is_written(target: &Target) -> bool {
    target.docker_config.is_none()
}

/// User and password as far as they were read.
fn parts(target: &Target) -> (String, Secret) {
    match &target.credentials {
        Some(Credentials::Password { username, password }) => (username.clone(), password.clone()),
        Some(Credentials::IdentityToken(_)) | None => (String::new(), Secret::new(String::new())),
    }
}

/// Reads `[target.auth]`. Returns `false` after a problem.
pub(super) fn read(item: &Item, sink: &Sink, target: &mut Target) -> bool {
    let Some(mut table) = Table::open(item, sink) else {
        return false;
    };
    let mut is_good = key::read(&mut table, &*KEYS, target);
    is_good &= is_whole(&mut table);
    table.finish();
    is_good
}

/// Credentials come from one place, and both halves of them are there.
fn is_whole(table: &mut Table<'_>) -> bool {
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

/// `true` for the usual place, or a path.
fn set_docker_config(item: &Item, sink: &Sink, target: &mut Target) -> bool {
    target.docker_config = match &item.value {
        Value::Flag(wanted) => wanted.then_some(DockerConfig::Usual),
        Value::Text(path) if !path.value.is_empty() => {
            Some(DockerConfig::File(path.value.clone().into()))
        }
        _ => {
            sink.expected(item, "true, or the path of a config.json");
            return false;
        }
    };
    true
}

fn username(item: &Item, sink: &Sink) -> Option<String> {
    let name = text(item, sink)?.value;
    if !name.is_empty() && !name.contains(':') && !name.contains(char::is_control) {
        return Some(name);
    }
    let problem = Problem::new("this cannot be a username", item.spot.clone());
    sink.report(problem.label("not empty, no colon, no control characters"));
    None
}

fn password(item: &Item, sink: &Sink) -> Option<Secret> {
    let password = text(item, sink)?.value;
    if !password.is_empty() {
        return Some(Secret::new(password));
    }
    sink.report(Problem::new("the password is empty", item.spot.clone()));
    None
}

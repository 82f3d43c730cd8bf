//! `proxy` of `[target]`: an HTTP proxy, whose user and password come from the environment.

use crate::keys::codec::Codec;
use crate::keys::environment::{Lookup, expand};
use crate::keys::form::Form;
use crate::keys::plain::REDACTED;
use crate::keys::problem::Problem;
use crate::keys::table::Sink;
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::units::Proxy;

const FROM_ENVIRONMENT: (&str, &str) = (
    "the user and the password of a proxy come from the environment",
    "write http://${PROXY_USER}:${PROXY_PASSWORD}@HOST:PORT",
);

/// Reads the address of a proxy outside a scenario, as the key `proxy` of `[target]` reads it.
///
/// # Errors
/// Returns what is wrong and what to write instead; never the text, which may hold a password.
pub fn proxy(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Proxy, String> {
    let expanded = expand(text, variable as Lookup<'_>);
    let value = expanded.map_err(|error| format!("{}: {}", error.message, error.label))?;
    read(text, &value).map_err(|(message, label)| format!("{message}: {label}"))
}

fn read(as_written: &str, value: &str) -> Result<Proxy, (&'static str, &'static str)> {
    if !is_from_environment(as_written) {
        return Err(FROM_ENVIRONMENT);
    }
    let proxy = value.parse();
    proxy.map_err(|label| ("this is not the address of an HTTP proxy", label))
}

/// Returns `true` unless a text names a user or a password itself.
fn is_from_environment(as_written: &str) -> bool {
    let Some((before, _)) = as_written.rsplit_once('@') else {
        return true;
    };
    let user = before.split_once("://").map_or(before, |(_, user)| user);
    let mut rest = user;
    let mut own = String::new();
    while let Some((text, variable)) = rest.split_once("${") {
        let Some((inside, after)) = variable.split_once('}') else {
            return false;
        };
        if inside.contains(":-") {
            return false;
        }
        own.push_str(text);
        rest = after;
    }
    own.push_str(rest);
    matches!(own.as_str(), "" | ":")
}

pub(super) fn codec() -> Codec<Option<Proxy>> {
    let form = Form::Text("HTTP proxy, http://HOST:PORT");
    let read = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        match read(&text.as_written, &text.value) {
            Ok(proxy) => Some(proxy),
            Err((message, label)) => {
                sink.report(Problem::new(message, item.spot.clone()).label(label));
                None
            }
        }
    };
    Codec::new(form, read, |it: &Proxy| {
        let shown = match it.authorization() {
            Some(_) => format!("http://{REDACTED}@{}", it.endpoint),
            None => it.to_string(),
        };
        Some(shown.into())
    })
    .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_come_from_the_environment_alone() {
        let variable = |name: &str| match name {
            "U" => Some("ali".to_owned()),
            "P" => Some("a:b@c".to_owned()),
            "PROXY" => Some("http://ali:a:b@c@proxy:3128".to_owned()),
            _ => None,
        };
        let same = proxy("http://${U}:${P}@proxy:3128", &variable).unwrap();
        assert_eq!(proxy("${PROXY}", &variable).unwrap(), same);
        assert!(same.authorization().is_some());
        for text in [
            "http://ali:a:b@c@proxy:3128",
            "http://${U}:s3cret@proxy:3128",
            "http://ali:${P}@proxy:3128",
            "http://${U}:${X:-s3cret}@proxy:3128",
            "http://${U}:${X}@proxy:3128",
            "s3cret@proxy",
            "http://${U",
        ] {
            let error = proxy(text, &variable).unwrap_err();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}

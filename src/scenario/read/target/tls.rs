//! The `[target.tls]` table.

use std::fs::{self, File};
use std::io;
use std::sync::LazyLock;

use crate::exchange::Resumption;
use crate::keys::codec::{Codec, flag, text as text_codec, words};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::problem::Problem;
use crate::keys::redact;
use crate::keys::table::{Sink, Table, shorten};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::scenario::target::{NamedFile, Tls};

pub(super) static KEYS: LazyLock<Vec<Key<Tls>>> = LazyLock::new(|| {
    vec![
        key!(
            "ca",
            file().optional(),
            |it: Tls| it.ca,
            r#""ca.pem""#,
            "CA certificates (PEM) that are trusted beside those of the system.",
        ),
        key!(
            "cert",
            file().optional(),
            |it: Tls| it.cert,
            r#""client.pem""#,
            "Client certificate chain (PEM). Needs `key`.",
        ),
        key!(
            "key",
            file().optional(),
            |it: Tls| it.key,
            r#""client-key.pem""#,
            "Private key of the client certificate (PEM). Needs `cert`.",
        ),
        key!(
            "server_name",
            text_codec("host name or IP address", name).optional(),
            |it: Tls| it.server_name,
            r#""registry.example.com""#,
            "Name for SNI and certificate verification, in place of the URL's host.",
        ),
        key!(
            "insecure",
            flag(),
            |it: Tls| it.insecure,
            "true",
            "Accept any certificate.",
        ),
        key!(
            "resumption",
            words("resumption", Resumption::WORDS),
            |it: Tls| it.resumption,
            r#""off""#,
            "TLS session resumption: each user its own sessions, all users of a worker shared ones, or none.",
        ),
    ]
});

/// `[target.tls]`.
pub(super) fn tls() -> Codec<Tls> {
    Codec::new(Form::Table("target.tls"), read, |tls| {
        Some(key::show(&*KEYS, tls).into())
    })
}

fn read(item: &Item, sink: &Sink) -> Option<Tls> {
    let mut table = Table::open(item, sink)?;
    let mut tls = Tls::default();
    let mut is_good = key::read(&mut table, &*KEYS, &mut tls);
    for (one, other) in [("cert", "key"), ("key", "cert")] {
        if let (Some(entry), None) = (table.entry(one), table.entry(other)) {
            let problem =
                Problem::new(format!("`{one}` without `{other}`"), entry.key_spot.clone());
            sink.report(problem.label(format!("add {other} = \"...\"")));
            is_good = false;
        }
    }
    table.finish();
    is_good.then_some(tls)
}

/// A file that can be read. What it holds is looked at when TLS is set up.
fn file() -> Codec<NamedFile> {
    let read = |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let path = sink.base_dir().join(&text.value);
        // A pipe would be waited for.
        let is_file = fs::metadata(&path).and_then(|it| {
            it.is_file()
                .then_some(())
                .ok_or_else(|| io::Error::other("not a file"))
        });
        let readable = is_file.and_then(|()| File::open(&path));
        let Err(error) = readable else {
            return Some(NamedFile {
                path,
                as_written: text.value,
            });
        };
        let shown = shorten(&redact::value(&text.as_written));
        sink.report(
            Problem::new(format!("cannot read `{shown}`: {error}"), item.spot.clone())
                .label("relative paths start at the directory of the scenario"),
        );
        None
    };
    let form = Form::Text("path, relative to the scenario's directory");
    Codec::new(form, read, |file: &NamedFile| {
        Some(file.as_written.as_str().into())
    })
}

fn name(item: &Item, sink: &Sink) -> Option<String> {
    let name = text(item, sink)?.value;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if !name.is_empty() && name.len() <= 253 && name.chars().all(fits) {
        return Some(name);
    }
    let problem = Problem::new("this cannot be the name of a server", item.spot.clone());
    sink.report(problem.label("a host name or an IP address, without a port"));
    None
}

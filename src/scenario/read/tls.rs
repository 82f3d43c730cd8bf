//! The `[target.tls]` table.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::table::{Reads, Sink, Table, shorten};
use super::value::{choice, flag, text};
use crate::exchange::Resumption;
use crate::scenario::problem::Problem;
use crate::scenario::redact;
use crate::scenario::target::{NamedFile, Tls};
use crate::scenario::tree::Item;

pub(super) fn read(item: &Item, base_dir: &Path, sink: &Sink) -> Option<Tls> {
    let mut table = Table::open(item, sink)?;
    let ca = table.may("ca", file(base_dir));
    let cert = table.may("cert", file(base_dir));
    let key = table.may("key", file(base_dir));
    let server_name = table.may("server_name", name);
    let insecure = table.or("insecure", false, flag);
    let resumption = table.or(
        "resumption",
        Resumption::On,
        choice("resumption", Resumption::WORDS),
    );
    for (one, other) in [("cert", "key"), ("key", "cert")] {
        if let (Some(entry), None) = (table.entry(one), table.entry(other)) {
            let problem =
                Problem::new(format!("`{one}` without `{other}`"), entry.key_spot.clone());
            sink.report(problem.label(format!("add {other} = \"...\"")));
        }
    }
    table.finish();
    Some(Tls {
        ca: ca?,
        identity: cert?.zip(key?),
        server_name: server_name?,
        insecure: insecure?,
        resumption: resumption?,
    })
}

/// A file that can be read. What it holds is looked at when TLS is set up.
fn file(base_dir: &Path) -> impl Reads<NamedFile> {
    move |item: &Item, sink: &Sink| {
        let text = text(item, sink)?;
        let path = base_dir.join(&text.value);
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
    }
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

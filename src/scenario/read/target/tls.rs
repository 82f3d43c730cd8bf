//! The `[target.tls]` table.

use super::super::file::{NamedFile, file};
use crate::exchange::Resumption;
use crate::keys::codec::{Codec, flag, text as text_codec, words};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value::text;

keys! {
    /// TLS as the target's clients speak it.
    #[derive(Debug, Clone)]
    pub struct Tls {
        /// CA certificates (PEM) that are trusted beside those of the system.
        pub ca: Option<NamedFile> => file().optional(), "ca.pem";
        /// Client certificate chain (PEM). Needs `key`.
        pub cert: Option<NamedFile> => file().optional(), "client.pem";
        /// Private key of the client certificate (PEM). Needs `cert`.
        pub key: Option<NamedFile> => file().optional(), "client-key.pem";
        /// Name for SNI and certificate verification, in place of the URL's host.
        pub server_name: Option<String> => server_name().optional(), "registry.example.com";
        /// Accept any certificate.
        pub insecure: bool = false => flag(), true;
        /// TLS session resumption: each user its own sessions, all users of a worker shared ones, or none.
        pub resumption: Resumption => words("resumption", Resumption::WORDS), "off";
    }
}

/// A certificate and its key come together. Returns `false` after a problem.
pub(in crate::scenario) fn is_whole(table: &mut Table<'_>, _: &Tls) -> bool {
    for (one, other) in [("cert", "key"), ("key", "cert")] {
        if let (Some(entry), None) = (table.entry(one), table.entry(other)) {
            let problem =
                Problem::new(format!("`{one}` without `{other}`"), entry.key_spot.clone());
            let label = format!("add {other} = \"...\"");
            table.sink().report(problem.label(label));
            return false;
        }
    }
    true
}

fn server_name() -> Codec<String> {
    text_codec("host name or IP address", name)
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

//! Headers and TLS of a scenario, made ready for the wire.

use std::fs::File;
use std::io::Read as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::Error;
use crate::plan;
use crate::transport::{Identity, Tls, TlsSettings};
use crate::units::Secret;

/// The most of a file of certificates that is read: the roots of a system are a quarter of it.
const MAX_PEM: u64 = 1 << 20;

/// Reads the files of TLS. `ca` is trusted as well.
pub(super) fn tls(tls: &plan::Tls, ca: Option<&str>) -> Result<Tls, Error> {
    let read = |file: &plan::NamedFile| {
        let mut bytes = Vec::new();
        let opened = File::open(&file.path);
        let read = opened.and_then(|it| it.take(MAX_PEM).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|source| Error::TlsFile {
            path: file.as_written.clone(),
            source,
        })
    };
    let mut trusted = tls.ca.as_ref().map(read).transpose()?;
    if let Some(ca) = ca {
        trusted
            .get_or_insert_default()
            .extend([b"\n", ca.as_bytes()].concat());
    }
    let identity = tls
        .cert
        .as_ref()
        .zip(tls.key.as_ref())
        .map(|(certificate, key)| {
            let text = String::from_utf8_lossy(&read(key)?).into_owned();
            Ok::<_, Error>(Identity {
                certificates: read(certificate)?,
                key: Secret::new(text),
            })
        });
    Ok(Tls::new(&TlsSettings {
        ca: trusted,
        identity: identity.transpose()?,
        server_name: tls.server_name.clone(),
        insecure: tls.insecure,
        resumption: tls.resumption,
    })?)
}

/// Returns headers as they are sent. Their values are shown nowhere.
pub(super) fn headers(given: &[(String, Secret)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let refuse = || Error::Header(name.clone());
        let key = HeaderName::try_from(name).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
}

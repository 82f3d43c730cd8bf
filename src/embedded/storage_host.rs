//! The storage host that blobs are redirected to: signed URLs, and an error for credentials that followed.
//!
//! It has another host name than the registry, as storage in the cloud has, and not only another port: Go's client since 1.23
//! takes ports of one name for one host, and lets credentials follow there.

use std::net::{IpAddr, Ipv4Addr};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};

use crate::oci::{Digest, ErrorCode};

use super::blob_content::content;
use super::query::Query;
use super::refusal::Refusal;
use super::request::{ParsedRequest, digest_in_path};
use super::response::{CONTENT_DIGEST, Response};
use super::site::Site;

/// Returns where the storage host of a registry at that address listens: beside a loopback address, on another one.
pub(super) fn address_beside(registry: IpAddr) -> IpAddr {
    match registry {
        IpAddr::V4(ip) if ip.is_loopback() => another_loopback(ip).into(),
        other => other,
    }
}

const fn another_loopback(ip: Ipv4Addr) -> Ipv4Addr {
    match ip.octets() {
        [127, 0, 0, 2] => Ipv4Addr::LOCALHOST,
        _ => Ipv4Addr::new(127, 0, 0, 2),
    }
}

/// Returns the spelling of the storage host's address that only [`another_name`] uses, if both hosts are at one address.
pub(super) fn spelling(registry: IpAddr, storage: IpAddr) -> Option<String> {
    match storage {
        IpAddr::V4(ip) if registry == storage && !ip.is_unspecified() => {
            Some(ip.to_ipv6_mapped().to_string())
        }
        _ => None,
    }
}

/// Returns the signed URL of a blob for the client that sent that head, or `None` if there is no storage host.
pub(super) fn url(site: &Site, head: &Parts, digest: &Digest) -> Option<String> {
    let address = site.storage_address?;
    let signature = site.keys.seal(&digest.to_string());
    let scheme = site.scheme();
    let host = another_name(site.host_name(head).as_deref(), address.ip());
    let port = address.port();
    Some(format!(
        "{scheme}://{host}:{port}/{digest}?signature={signature}"
    ))
}

/// Returns a name of the storage host that is not the one by which the client calls the registry.
fn another_name(known: Option<&str>, storage: IpAddr) -> String {
    let literal = match storage {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let Some(known) = known else { return literal };
    if !storage.is_unspecified() && literal != known {
        return literal;
    }
    match known.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) if storage.is_unspecified() && ip.is_loopback() => {
            another_loopback(ip).to_string()
        }
        // Both are at one address: it is spelt in another way.
        Ok(IpAddr::V4(ip)) => format!("[{}]", ip.to_ipv6_mapped()),
        Ok(IpAddr::V6(ip)) => {
            let parts = ip.segments().map(|part| format!("{part:04x}"));
            format!("[{}]", parts.join(":"))
        }
        // The same name, from the root of all names.
        Err(_) => format!("{}.", known.trim_end_matches('.')),
    }
}

pub(super) fn get(request: &ParsedRequest<'_>) -> Result<Response, Refusal> {
    if request.head.method != Method::GET && request.head.method != Method::HEAD {
        return Err(Refusal::unsupported(
            "the storage host only gives out blobs",
        ));
    }
    if request.head.headers.contains_key(AUTHORIZATION) {
        let message =
            "only one way to authorize is allowed: the signature in the URL, or the header";
        return Err(Refusal::bad(ErrorCode::Unsupported, message));
    }
    let path = request.head.uri.path();
    let digest = digest_in_path(path.strip_prefix('/').unwrap_or(path))?;
    let signature = Query::new(request.head.uri.query()).get("signature");
    if signature.as_deref() != Some(&request.site.keys.seal(&digest.to_string())) {
        let message = "the URL is not signed by the registry";
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorCode::Denied,
            message,
        ));
    }
    let blob = request.site.store.borrow().any_blob(&digest).cloned();
    let blob = blob.ok_or_else(|| Refusal::missing(ErrorCode::BlobUnknown, "no such blob"))?;
    Ok(content(request, &blob)?.header(CONTENT_DIGEST, digest.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storage_host_never_has_the_name_of_the_registry() {
        for (known, storage, expected) in [
            ("127.0.0.1", "127.0.0.2", "127.0.0.2"),
            ("localhost", "127.0.0.2", "127.0.0.2"),
            ("127.0.0.1", "0.0.0.0", "127.0.0.2"),
            ("127.0.0.2", "0.0.0.0", "127.0.0.1"),
            ("10.1.2.3", "10.1.2.3", "[::ffff:10.1.2.3]"),
            ("127.0.0.2", "127.0.0.2", "[::ffff:127.0.0.2]"),
            ("10.1.2.3", "0.0.0.0", "[::ffff:10.1.2.3]"),
            ("lab.example", "10.1.2.3", "10.1.2.3"),
            ("lab.example", "0.0.0.0", "lab.example."),
            ("localhost", "::1", "[::1]"),
            ("[::1]", "::1", "[0000:0000:0000:0000:0000:0000:0000:0001]"),
            ("localhost", "::", "localhost."),
        ] {
            let storage = storage.parse().unwrap();
            assert_eq!(
                another_name(Some(known), storage),
                expected,
                "{known} {storage}"
            );
        }
        let localhost: IpAddr = Ipv4Addr::LOCALHOST.into();
        let spelt = |storage: &str| spelling(localhost, storage.parse().unwrap());
        assert_eq!(spelt("127.0.0.1").as_deref(), Some("::ffff:127.0.0.1"));
        assert_eq!(spelt("127.0.0.2"), None);
        assert_ne!(address_beside(localhost), localhost);
        assert!(address_beside(localhost).is_loopback());
    }
}

//! `url` of `[target]`: an address, or the embedded registry.

use url::Url;

use crate::keys::codec::Codec;
use crate::keys::form::Form;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, nearest};
use crate::keys::tree::Item;
use crate::keys::value::text;

pub(super) const EMBEDDED: &str = "embedded";

/// An address, or `None` for the embedded registry. Problems never show the value: it may hold a password.
pub(super) fn url() -> Codec<Option<Url>> {
    let form = Form::Text("`\"embedded\"`, or an `http` or `https` URL that ends before `/v2`");
    Codec::new(form, address, |url: &Option<Url>| {
        Some(url.as_ref().map_or(EMBEDDED, Url::as_str).into())
    })
}

#[expect(clippy::option_option, reason = "embedded and wrong are two things")]
fn address(item: &Item, sink: &Sink) -> Option<Option<Url>> {
    let value = text(item, sink)?.value;
    if value == EMBEDDED {
        return Some(None);
    }
    let refuse = |message: &str, label: &str| {
        sink.report(Problem::new(message, item.spot.clone()).label(label));
        None
    };
    let Ok(url) = Url::parse(&value) else {
        if nearest(&value, [EMBEDDED]).is_some() {
            return refuse("this is not an address", "did you mean `embedded`?");
        }
        return refuse(
            "this is not an address",
            "write http://HOST:PORT, https://HOST, or `embedded`",
        );
    };
    if !matches!(url.scheme(), "http" | "https") || !value.contains("://") {
        return refuse(
            "the address has no scheme that regstorm knows",
            "write http://HOST:PORT, https://HOST, or `embedded`",
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            "an address must not hold a user or a password",
            "use [target.auth]: username and password",
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("the address must end with its path", "remove `?` and `#`");
    }
    let path = url.path().trim_end_matches('/');
    if path.ends_with("/v2") {
        return refuse(
            "the address goes too far",
            "it ends before /v2, which regstorm adds",
        );
    }
    Some(Some(url))
}

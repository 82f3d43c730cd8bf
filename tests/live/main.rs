//! Tests against real registries and clients, and real readers of our formats: docker-registry, skopeo, umoci, docker,
//! openssl, promtool, chromium.
//!
//! `scripts/test` installs these programs. A test whose program is missing fails; those of crane and oras, which Debian does not
//! have, are ignored unless asked for.

mod addresses;
mod agreement;
mod docker;
mod formats;
mod html;
mod journeys;
mod pull;
mod push;
mod refusals;
mod replay;
mod serve;
mod sessions;
mod support;
mod tls;
mod tokens;
mod witness;

//! Tests against real registries and clients, and real readers of our formats: docker-registry, skopeo, umoci, docker,
//! openssl, promtool, chromium.
//!
//! `scripts/test` installs these programs. A test whose program is missing fails; none is skipped.

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

//! Tests against real registries and clients: docker-registry, skopeo, umoci, docker, openssl.
//!
//! `scripts/test` installs these programs. A test whose program is missing fails; none is skipped.

mod agreement;
mod docker;
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

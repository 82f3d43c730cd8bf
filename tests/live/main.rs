//! Tests against real registries and clients: docker-registry, skopeo, umoci, docker.
//!
//! `scripts/test` installs these programs. A test whose program is missing fails; none is skipped.

mod agreement;
mod docker;
mod pull;
mod push;
mod refusals;
mod serve;
mod sessions;
mod support;
mod witness;

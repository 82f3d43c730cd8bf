//! Tests against real registries and clients, and real readers of our formats: docker-registry, Distribution 3, nginx, skopeo,
//! umoci, docker, openssl, promtool, chromium, crane, oras, Slurm.
//!
//! `scripts/test` installs these programs. A test whose program is missing fails.

mod addresses;
mod agreement;
mod audit;
mod ci;
mod ci_shards;
mod clock;
mod dist;
mod docker;
mod formats;
mod html;
mod journeys;
mod lazy_pull;
mod meeting;
mod misbehaving;
mod pull;
mod push;
mod recording;
mod refusals;
mod replay;
mod round_trips;
mod serve;
mod sessions;
mod shards;
mod slurm;
mod stampede;
mod support;
mod telemetry;
mod tls;
mod tokens;
mod traces;
mod witness;

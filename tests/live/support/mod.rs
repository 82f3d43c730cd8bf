//! What the tests stand on: real programs that start, answer and stop, and images made by real tools.
//!
//! Everything that is started or created here is a value; dropping it stops the process and removes the directory.
//! Nothing waits for ever, nothing uses a fixed port, and no two tests share a directory.

mod access_log;
mod client;
mod containerd;
mod corpus;
mod counted;
mod cut;
mod docker;
mod image;
mod json_log;
mod nginx;
mod podman;
mod port;
mod process;
mod recording;
mod registry;
mod report;
mod served;
mod slurm;
mod tokens;
mod tree;
pub(crate) mod wire;

pub(crate) use access_log::{AccessLine, Tally};
pub(crate) use client::{
    PASSWORD, USER, copy_back, raw_manifest, regstorm, run_scenario, run_to, sha256, skopeo,
    skopeo_push,
};
pub(crate) use containerd::Containerd;
pub(crate) use corpus::{Corpus, packed, unpacked};
pub(crate) use counted::{ITERATIONS, assert_cleaned_up, counted};
pub(crate) use cut::Cut;
pub(crate) use docker::{Docker, as_root};
pub(crate) use image::Layout;
pub(crate) use json_log::LoggedRequest;
pub(crate) use nginx::{By, Nginx, Seen};
pub(crate) use podman::Podman;
pub(crate) use port::{closed as closed_port, free as free_port, status as status_of};
pub(crate) use process::{Finished, Program, Running, patiently, wait_for};
pub(crate) use recording::{Recorded, Recording, TraceRow};
pub(crate) use registry::{DEEP, Flavour, Formatter, Registry, Release};
pub(crate) use report::Report;
pub(crate) use served::Served;
pub(crate) use slurm::Slurm;
pub(crate) use tokens::{Granting, TokenRequest, TokenServer};
pub(crate) use tree::Tree;

/// A directory that is gone at the end of the test.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("regstorm-live-")
        .tempdir()
        .expect("a temporary directory")
}

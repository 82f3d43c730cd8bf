//! The table of clients, and what several have in common.

mod containerd;
mod crane;
mod docker;
mod oras;
mod plain;
mod podman;

use std::borrow::Cow;
use std::num::NonZeroUsize;

use super::{Accept, AcceptForm, Evidence, Profile, Statuses};

pub(super) const PLAIN: Profile = Profile {
    name: "plain",
    reproduces: "no client: the shortest sequence that is correct",
    evidence: Evidence::Specification,
    copies: true,
    habits: plain::plain,
};

pub(super) const ALL: [Profile; 10] = [
    PLAIN,
    Profile {
        name: "docker",
        reproduces: "dockerd with its graph-driver store, up to version 28; recorded: 20.10.24",
        evidence: Evidence::Recorded,
        copies: false,
        habits: docker::docker,
    },
    Profile {
        name: "docker-29",
        reproduces: "dockerd 29 with its graph-driver store: the same over kept connections",
        evidence: Evidence::Source,
        copies: false,
        habits: docker::docker_29,
    },
    Profile {
        name: "containerd",
        reproduces: "containerd 2, nerdctl, Kubernetes nodes, and dockerd 29 as it is installed; recorded: 2.4-beta",
        evidence: Evidence::Recorded,
        copies: false,
        habits: containerd::containerd,
    },
    Profile {
        name: "containerd-1.6",
        reproduces: "ctr of containerd 1.6; recorded: 1.6.20",
        evidence: Evidence::Recorded,
        copies: false,
        habits: containerd::containerd_1_6,
    },
    Profile {
        name: "podman",
        reproduces: "skopeo from or into a layout or an archive, either side of skopeo copy; recorded: 1.9.3",
        evidence: Evidence::Recorded,
        copies: true,
        habits: podman::podman,
    },
    Profile {
        name: "podman-storage",
        reproduces: "podman and buildah, which pull into and push from a storage of their own; recorded: podman 4.3.1",
        evidence: Evidence::Recorded,
        copies: false,
        habits: podman::podman_storage,
    },
    Profile {
        name: "crane",
        reproduces: "crane pull into a tarball, crane push, either side of crane cp; recorded: 0.22.1",
        evidence: Evidence::Recorded,
        copies: true,
        habits: crane::crane,
    },
    Profile {
        name: "oras",
        reproduces: "oras push, and either side of oras cp; recorded: 1.3.6",
        evidence: Evidence::Recorded,
        copies: true,
        habits: oras::oras,
    },
    Profile {
        name: "buildkit",
        reproduces: "BuildKit 0.32: docker buildx build with --push, cache and base images",
        evidence: Evidence::Source,
        copies: false,
        habits: containerd::buildkit,
    },
];

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
const SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

const DOCKER_ACCEPT: [&str; 6] = [
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    SCHEMA1_SIGNED,
    "application/json",
    OCI_INDEX,
    OCI_MANIFEST,
];

const fn number(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("no number in this table is 0")
}

fn accept(types: &[&'static str], form: AcceptForm) -> Accept {
    Accept {
        types: types.iter().copied().map(Cow::Borrowed).collect(),
        form,
    }
}

/// What Go's HTTP client adds by itself.
const GZIP: Option<Cow<'static, str>> = Some(Cow::Borrowed("gzip"));

/// Every status that is a success by its number.
const SUCCESSES: Statuses = Statuses::of(&[(200, 299)]);

/// Every status that is neither an error of the client nor one of the server.
const BELOW_400: Statuses = Statuses::of(&[(200, 399)]);

//! The table of recordings that regstorm is held against: who made each, doing what, in which state.

use super::compare::Limits;
use super::order::Rule;

/// One recording.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What `--client` takes.
    pub(crate) profile: &'static str,
    pub(crate) limits: Limits,
    pub(crate) act: Act,
    pub(crate) image: Image,
    pub(crate) access: Access,
    /// Headers that the profile has another value of than the version that was recorded.
    pub(crate) instead: &'static [(&'static str, &'static str)],
    /// Requests of the recording that are not a part of what the journey does, by their `seq`: those of the other side
    /// of a copy, and what a program fetches to print it.
    pub(crate) left_out: &'static [u64],
    /// Is the config fetched, which the client leaves out because it has no name? What is pulled here is whole.
    pub(crate) whole: bool,
}

/// What the client does, and what is there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A push of what the registry has not seen.
    Push,
    /// A push of what is there under the same name.
    PushThere,
    /// A push of an image whose two lowest layers are there.
    PushSome,
    /// A push to another repository than the one that has the blobs; `gone` when it has lost them.
    Mount {
        gone: bool,
    },
    /// A push under another tag to a repository that has everything, by who could mount it from a second one.
    MountThere,
    /// A push of an image whose blobs are all there, and its manifest is not.
    PushBlobsThere,
    /// A copy to another repository by a journey, both sides of it.
    Copy,
    /// A second push by who remembers the first.
    PushAgain,
    /// A push under another tag of what is there; `known` by who remembers the first.
    PushNewTag {
        known: bool,
    },
    Pull,
    /// A pull in parts: so many bytes were recorded of each, and so many fit the fixture.
    PullParts {
        recorded: u64,
        scaled: u64,
    },
    PullByDigest,
    PullMissing,
    /// A second pull by who has everything.
    PullAgain,
    /// One iteration of a journey, by the lines that say what it does, with an image that is there.
    Journey(&'static str),
    /// A deletion. The journey stores what it deletes, which no client does.
    Delete,
}

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    /// An OCI layout with so many layers.
    Layers(usize),
    /// The same as a tar of `docker save`, or, to be pulled, with a manifest of Docker's type.
    Docker(usize),
    /// Three layers, of which the first and the last are the same.
    Repeated,
    /// An index of two images with two layers.
    Index,
}

/// What stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Open,
    Password,
    /// Tokens for a user, by the GET form alone or by POST too.
    Tokens {
        post: bool,
    },
    /// Tokens for everybody.
    Anonymous,
    /// A password, and blobs on another host.
    Redirect,
}

const fn limits(parallel: usize, connections: usize, rules: &'static [Rule]) -> Limits {
    Limits {
        parallel,
        connections,
        rules,
    }
}

const AFTER: &[Rule] = &[Rule::ConfigAfterLayers];
/// dockerd pulls three layers and the config at once, and pushes five layers.
const DOCKER_PULL: Limits = limits(4, 0, &[]);
const DOCKER_PUSH: Limits = limits(5, 0, AFTER);
/// Two connections stay idle; more are opened for what goes at once.
const CONTAINERD_PULL: Limits = limits(3, 8, &[Rule::ConfigBeforeLayers]);
const CONTAINERD_PUSH: Limits = limits(3, 8, &[]);
/// Three as well; beside each the recorder may still count one that the client has just dropped.
const CONTAINERD_PARTS: Limits = limits(2 * 3, 0, &[Rule::ConfigBeforeLayers]);
const SKOPEO_PULL: Limits = limits(6, 0, AFTER);
/// From a layout skopeo 1.9 sends one blob after the other.
const SKOPEO_PUSH: Limits = limits(1, 0, AFTER);
/// From an archive six at once.
const SKOPEO_ARCHIVE: Limits = limits(6, 0, AFTER);
/// Into its storage podman wants the config first; from there it pushes six layers at once, packing them anew.
const PODMAN_PULL: Limits = limits(6, 0, &[Rule::ConfigBeforeLayers]);
const PODMAN_PUSH: Limits = limits(6, 0, AFTER);
const SKOPEO_INDEX: Limits = limits(6, 0, &[]);
const CRANE: Limits = limits(4, 4, &[]);
/// Into a tar crane writes one blob after the other, the config first.
const CRANE_TAR: Limits = limits(1, 1, &[Rule::ConfigBeforeLayers]);
/// Into a layout four at once.
const CRANE_LAYOUT: Limits = limits(4, 4, &[]);
/// Five of each at once; two connections stay idle, and more are opened for what goes at once.
const ORAS: Limits = limits(5, 26, &[]);
/// `crane cp` begins with a ping and the manifest of its source.
const CRANE_SOURCE: &[u64] = &[1, 2];

const fn row(
    name: &'static str,
    profile: &'static str,
    limits: Limits,
    act: Act,
    image: Image,
) -> Row {
    Row {
        name,
        profile,
        limits,
        act,
        image,
        access: Access::Open,
        instead: &[],
        left_out: &[],
        whole: false,
    }
}

impl Row {
    const fn with(self, access: Access) -> Self {
        Self { access, ..self }
    }

    const fn without(self, left_out: &'static [u64]) -> Self {
        Self { left_out, ..self }
    }

    const fn whole(self) -> Self {
        Self {
            whole: true,
            ..self
        }
    }

    const fn instead(self, instead: &'static [(&'static str, &'static str)]) -> Self {
        Self { instead, ..self }
    }
}

/// What containerd 2 changed; of GET, other requests keep theirs.
const CONTAINERD_2: &[(&str, &str)] =
    &[("Accept-Encoding", "zstd;q=1.0, gzip;q=0.8, deflate;q=0.5")];
/// The profile that sends what skopeo sends.
const SKOPEO: &str = "podman";
/// The profile that sends what podman and buildah send.
const STORAGE: &str = "podman-storage";
/// podman's name for itself, for what buildah sends but for its name.
const AS_PODMAN: &[(&str, &str)] = &[(
    "User-Agent",
    "containers/5.23.1 (github.com/containers/image)",
)];
/// Layers are about a twelfth of what they were, and have as many parts with these.
const PARTS: Act = Act::PullParts {
    recorded: 2 << 20,
    scaled: 180_000,
};
const POLL_HEAD: Act = Act::Journey("action = \"poll\"\nmethod = \"head\"");
const POLL_GET: Act = Act::Journey("action = \"poll\"\nmethod = \"get\"");
const LIST_TAGS: Act = Act::Journey("action = \"list-tags\"");
const MOUNT: Act = Act::Mount { gone: false };
const MOUNT_MISS: Act = Act::Mount { gone: true };
/// A token server that answers the POST form by 404.
const GET_TOKENS: Access = Access::Tokens { post: false };
const POST_TOKENS: Access = Access::Tokens { post: true };
const SIX: Image = Image::Layers(6);
const DOCKER_SIX: Image = Image::Docker(6);

// A table is read by its columns.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    row("docker20-pull-6layers-oci", "docker", DOCKER_PULL, Act::Pull, SIX),
    row("docker20-pull-6layers-schema2", "docker", DOCKER_PULL, Act::Pull, DOCKER_SIX),
    row("docker20-pull-1layer", "docker", DOCKER_PULL, Act::Pull, Image::Layers(1)),
    row("docker20-pull-2layers", "docker", DOCKER_PULL, Act::Pull, Image::Layers(2)),
    row("docker20-pull-12layers", "docker", DOCKER_PULL, Act::Pull, Image::Layers(12)),
    row("docker20-pull-again-uptodate", "docker", DOCKER_PULL, Act::PullAgain, DOCKER_SIX),
    row("docker20-pull-by-digest", "docker", DOCKER_PULL, Act::PullByDigest, SIX),
    row("docker20-pull-missing-tag", "docker", DOCKER_PULL, Act::PullMissing, SIX),
    row("docker20-pull-index", "docker", DOCKER_PULL, Act::Pull, Image::Index),
    row("docker20-pull-repeated-layer", "docker", DOCKER_PULL, Act::Pull, Image::Repeated),
    row("docker20-pull-basicauth", "docker", DOCKER_PULL, Act::Pull, SIX).with(Access::Password),
    row("docker20-push-6layers-fresh", "docker", DOCKER_PUSH, Act::Push, DOCKER_SIX),
    row("docker20-push-1layer", "docker", DOCKER_PUSH, Act::Push, Image::Docker(1)),
    row("docker20-push-2layers", "docker", DOCKER_PUSH, Act::Push, Image::Docker(2)),
    row("docker20-push-12layers", "docker", DOCKER_PUSH, Act::Push, Image::Docker(12)),
    row("docker20-push-basicauth", "docker", DOCKER_PUSH, Act::Push, DOCKER_SIX).with(Access::Password),
    row("docker20-push-other-repo-mount", "docker", DOCKER_PUSH, MOUNT, DOCKER_SIX),
    row("docker20-push-other-repo-mount-miss", "docker", DOCKER_PUSH, MOUNT_MISS, DOCKER_SIX),
    row("docker20-repush-same", "docker", DOCKER_PUSH, Act::PushAgain, DOCKER_SIX),
    row("docker20-push-new-tag", "docker", DOCKER_PUSH, Act::PushNewTag { known: true }, DOCKER_SIX),
    row("token-docker20-pull", "docker", DOCKER_PULL, Act::Pull, DOCKER_SIX).with(GET_TOKENS),
    row("token-docker20-push-fresh", "docker", DOCKER_PUSH, Act::Push, DOCKER_SIX).with(GET_TOKENS),
    row("token-docker20-push-other-repo-mount", "docker", DOCKER_PUSH, MOUNT, DOCKER_SIX).with(GET_TOKENS),
    row("containerd24-pull-6layers", "containerd", CONTAINERD_PULL, Act::Pull, SIX),
    row("containerd24-pull-multipart-2MiB", "containerd", CONTAINERD_PARTS, PARTS, SIX),
    row("containerd24-pull-again", "containerd", CONTAINERD_PULL, Act::PullAgain, SIX),
    row("containerd24-push-fresh", "containerd", CONTAINERD_PUSH, Act::Push, SIX),
    row("containerd24-push-existing", "containerd", CONTAINERD_PUSH, Act::PushThere, SIX),
    row("containerd16-pull-6layers", "containerd", CONTAINERD_PULL, Act::Pull, SIX).instead(CONTAINERD_2),
    row("containerd16-fetch-1layer", "containerd", CONTAINERD_PULL, Act::Pull, Image::Layers(1)).instead(CONTAINERD_2),
    row("containerd16-fetch-2layers", "containerd", CONTAINERD_PULL, Act::Pull, Image::Layers(2)).instead(CONTAINERD_2),
    row("containerd16-fetch-6layers", "containerd", CONTAINERD_PULL, Act::Pull, SIX).instead(CONTAINERD_2),
    row("containerd16-fetch-12layers", "containerd", CONTAINERD_PULL, Act::Pull, Image::Layers(12)).instead(CONTAINERD_2),
    row("containerd16-fetch-again", "containerd", CONTAINERD_PULL, Act::PullAgain, SIX).instead(CONTAINERD_2),
    row("containerd16-fetch-missing-tag", "containerd", CONTAINERD_PULL, Act::PullMissing, SIX).instead(CONTAINERD_2),
    row("containerd16-fetch-index", "containerd", CONTAINERD_PULL, Act::Pull, Image::Index).instead(CONTAINERD_2),
    row("containerd16-pull-index", "containerd", CONTAINERD_PULL, Act::Pull, Image::Index).instead(CONTAINERD_2),
    row("containerd16-fetch-repeated-layer", "containerd", CONTAINERD_PULL, Act::Pull, Image::Repeated).instead(CONTAINERD_2),
    row("containerd16-fetch-basicauth", "containerd", CONTAINERD_PULL, Act::Pull, SIX).instead(CONTAINERD_2).with(Access::Password),
    row("containerd16-push-fresh", "containerd", CONTAINERD_PUSH, Act::Push, SIX),
    row("containerd16-push-1layer", "containerd", CONTAINERD_PUSH, Act::Push, Image::Layers(1)),
    row("containerd16-push-2layers", "containerd", CONTAINERD_PUSH, Act::Push, Image::Layers(2)),
    row("containerd16-push-12layers", "containerd", CONTAINERD_PUSH, Act::Push, Image::Layers(12)),
    row("containerd16-push-existing", "containerd", CONTAINERD_PUSH, Act::PushThere, SIX),
    row("containerd16-push-some-exist", "containerd", CONTAINERD_PUSH, Act::PushSome, SIX),
    row("containerd16-push-repeated-layer", "containerd", CONTAINERD_PUSH, Act::Push, Image::Repeated),
    row("containerd16-push-index", "containerd", CONTAINERD_PUSH, Act::Push, Image::Index),
    row("containerd16-push-other-repo-mount", "containerd", CONTAINERD_PUSH, MOUNT, SIX),
    row("containerd16-push-other-repo-mount-miss", "containerd", CONTAINERD_PUSH, MOUNT_MISS, SIX),
    row("token-containerd24-pull-anon", "containerd", CONTAINERD_PULL, Act::Pull, SIX).with(Access::Anonymous),
    row("token-containerd24-pull-creds", "containerd", CONTAINERD_PULL, Act::Pull, SIX).with(GET_TOKENS),
    row("token-containerd16-fetch-creds-oauth-post", "containerd", CONTAINERD_PULL, Act::Pull, SIX).instead(CONTAINERD_2).with(POST_TOKENS),
    row("token-containerd24-pull-creds-oauth-post", "containerd", CONTAINERD_PARTS, PARTS, SIX).with(POST_TOKENS),
    row("token-containerd24-push-fresh", "containerd", CONTAINERD_PUSH, Act::Push, SIX).with(GET_TOKENS),
    row("redirect-containerd24-pull", "containerd", CONTAINERD_PULL, Act::Pull, SIX).with(Access::Redirect),
    row("skopeo-pull-6layers", SKOPEO, SKOPEO_PULL, Act::Pull, SIX),
    row("skopeo-pull-1layer", SKOPEO, SKOPEO_PULL, Act::Pull, Image::Layers(1)),
    row("skopeo-pull-2layers", SKOPEO, SKOPEO_PULL, Act::Pull, Image::Layers(2)),
    row("skopeo-pull-12layers", SKOPEO, SKOPEO_PULL, Act::Pull, Image::Layers(12)),
    row("skopeo-pull-already-local", SKOPEO, SKOPEO_PULL, Act::PullAgain, SIX),
    row("skopeo-pull-by-digest", SKOPEO, SKOPEO_PULL, Act::PullByDigest, SIX),
    row("skopeo-pull-missing-tag", SKOPEO, SKOPEO_PULL, Act::PullMissing, SIX),
    row("skopeo-pull-index-one", SKOPEO, SKOPEO_PULL, Act::Pull, Image::Index),
    row("skopeo-push-oci-6layers-fresh", SKOPEO, SKOPEO_PUSH, Act::Push, SIX),
    row("skopeo-push-oci-1layer", SKOPEO, SKOPEO_PUSH, Act::Push, Image::Layers(1)),
    row("skopeo-push-oci-2layers", SKOPEO, SKOPEO_PUSH, Act::Push, Image::Layers(2)),
    row("skopeo-push-oci-12layers", SKOPEO, SKOPEO_PUSH, Act::Push, Image::Layers(12)),
    row("skopeo-push-docker-archive-uncompressed", SKOPEO, SKOPEO_ARCHIVE, Act::Push, DOCKER_SIX),
    row("skopeo-push-basicauth", SKOPEO, SKOPEO_PUSH, Act::Push, SIX).with(Access::Password),
    row("skopeo-push-index-all", SKOPEO, SKOPEO_INDEX, Act::Push, Image::Index),
    row("skopeo-push-other-repo-mount", SKOPEO, SKOPEO_PUSH, MOUNT, SIX),
    row("skopeo-push-other-repo-mount-miss", SKOPEO, SKOPEO_PUSH, MOUNT_MISS, SIX),
    row("skopeo-repush-same-tag-nocache", SKOPEO, SKOPEO_PUSH, Act::PushThere, SIX),
    row("skopeo-repush-new-tag", SKOPEO, SKOPEO_PUSH, Act::PushNewTag { known: false }, SIX),
    row("skopeo-list-tags", SKOPEO, SKOPEO_PULL, LIST_TAGS, SIX),
    row("skopeo-delete", SKOPEO, SKOPEO_PULL, Act::Delete, SIX),
    row("token-skopeo-pull-anon", SKOPEO, SKOPEO_PULL, Act::Pull, SIX).with(Access::Anonymous),
    row("token-skopeo-push-fresh", SKOPEO, SKOPEO_PUSH, Act::Push, SIX).with(GET_TOKENS),
    row("token-skopeo-push-other-repo-mount", SKOPEO, SKOPEO_PUSH, MOUNT, SIX).with(GET_TOKENS),
    row("redirect-skopeo-pull", SKOPEO, SKOPEO_PULL, Act::Pull, SIX).with(Access::Redirect),
    row("podman-pull-6layers", STORAGE, PODMAN_PULL, Act::Pull, SIX),
    row("podman-pull-1layer", STORAGE, PODMAN_PULL, Act::Pull, Image::Layers(1)),
    row("podman-pull-12layers", STORAGE, PODMAN_PULL, Act::Pull, Image::Layers(12)),
    row("podman-pull-again", STORAGE, PODMAN_PULL, Act::PullAgain, SIX),
    row("podman-pull-index", STORAGE, PODMAN_PULL, Act::Pull, Image::Index),
    row("podman-pull-missing-tag", STORAGE, PODMAN_PULL, Act::PullMissing, SIX),
    row("podman-push-6layers-fresh", STORAGE, PODMAN_PUSH, Act::Push, DOCKER_SIX),
    row("podman-push-1layer", STORAGE, PODMAN_PUSH, Act::Push, Image::Docker(1)),
    row("podman-push-basicauth", STORAGE, PODMAN_PUSH, Act::Push, DOCKER_SIX).with(Access::Password),
    row("podman-push-other-repo-mount", STORAGE, PODMAN_PUSH, MOUNT, DOCKER_SIX),
    row("podman-push-other-repo-mount-miss", STORAGE, PODMAN_PUSH, MOUNT_MISS, DOCKER_SIX),
    row("podman-push-again", STORAGE, PODMAN_PUSH, Act::PushAgain, DOCKER_SIX),
    row("buildah-pull-6layers", STORAGE, PODMAN_PULL, Act::Pull, SIX).instead(AS_PODMAN),
    row("buildah-push-6layers-fresh", STORAGE, PODMAN_PUSH, Act::Push, DOCKER_SIX).instead(AS_PODMAN),
    row("buildah-push-other-repo-mount", STORAGE, PODMAN_PUSH, MOUNT, DOCKER_SIX).instead(AS_PODMAN),
    row("crane-pull-6layers", "crane", CRANE_TAR, Act::Pull, SIX),
    row("crane-push-oci-fresh", "crane", CRANE, Act::Push, Image::Layers(1)),
    row("crane-repush", "crane", CRANE, Act::PushThere, SIX),
    row("crane-digest", "crane", CRANE, POLL_HEAD, SIX),
    row("crane-manifest", "crane", CRANE, POLL_GET, SIX),
    row("crane-ls", "crane", CRANE, LIST_TAGS, SIX),
    row("redirect-crane-pull", "crane", CRANE_LAYOUT, Act::Pull, SIX).with(Access::Redirect),
    row("crane22-pull-6layers", "crane", CRANE_TAR, Act::Pull, SIX),
    row("crane22-push-6layers", "crane", CRANE, Act::Push, SIX),
    row("crane22-cp-mount", "crane", CRANE, Act::Copy, SIX),
    row("crane22-cp-there", "crane", CRANE, Act::MountThere, SIX).without(CRANE_SOURCE),
    row("token-crane22-pull", "crane", CRANE_TAR, Act::Pull, SIX).with(GET_TOKENS),
    row("token-crane22-push", "crane", CRANE, Act::Push, SIX).with(GET_TOKENS),
    row("token-crane22-cp-mount", "crane", CRANE, Act::Copy, SIX).with(GET_TOKENS),
    row("oras13-push-fresh", "oras", ORAS, Act::Push, SIX),
    row("oras13-push", "oras", ORAS, Act::PushBlobsThere, SIX),
    row("oras13-push-again", "oras", ORAS, Act::PushThere, SIX),
    row("oras13-pull", "oras", ORAS, Act::Pull, SIX).whole(),
    row("oras13-cp-6layers", "oras", ORAS, Act::Pull, SIX),
    row("oras13-cp-mount", "oras", ORAS, Act::Copy, SIX),
    row("token-oras13-push", "oras", ORAS, Act::Push, SIX).with(GET_TOKENS),
    row("token-oras13-cp-mount", "oras", ORAS, MOUNT, SIX).with(GET_TOKENS).without(&[1, 2, 20]),
    row("token-oras13-pull", "oras", ORAS, Act::Pull, SIX).with(GET_TOKENS).whole(),
];

/// Recordings without a row, by the start of their names, and why.
#[rustfmt::skip]
pub(crate) const NOT_REPLAYED: &[(&str, &str)] = &[
    ("skopeo-inspect", "no journey does it"),
    ("token-docker20-login", "no journey does it"),
    ("token-containerd16-fetch-anon", "as 2.4, but for Accept-Encoding"),
    ("token-containerd16-fetch-creds", "as 2.4, but for Accept-Encoding"),
    ("token-containerd16-push-fresh", "sends everything at once, so more is answered 401"),
    ("containerd16-fetch-index-all", "the one-shot takes one platform"),
    ("containerd16-push-index-mount-miss", "as the mount that misses"),
    ("skopeo-pull-index-all", "the one-shot takes one platform"),
    ("skopeo-push-index-one", "takes an option"),
    ("skopeo-push-noauth-denied", "a refusal"),
    ("skopeo-pull-repeated-layer", "skopeo fetches the layer twice, into a layout"),
    ("skopeo-pull-to-docker-archive", "one layer after the other, as an archive wants"),
    ("skopeo-push-docker-archive-precompute", "compresses before it sends, as an option of skopeo has it"),
    ("skopeo-push-repeated-layer", "skopeo asks for the layer once more"),
    ("skopeo-push-other-repo-nomount", "as a fresh push"),
    ("docker20-push-gone", "the registry has lost what docker remembers"),
    ("docker20-push-repeated-layer", "docker forgets the second one before it is sent"),
    ("podman-pull-some-local", "the one-shot has all or nothing"),
    ("docker20-pull-some-local", "the one-shot has all or nothing"),
    ("docker20-pull-of-what-it-pushed", "docker knows the image but not where it is from"),
];

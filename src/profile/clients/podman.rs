//! skopeo, podman and buildah, which share one library.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    BELOW_400, DOCKER_INDEX, DOCKER_MANIFEST, GZIP, OCI_INDEX, OCI_MANIFEST, SCHEMA1,
    SCHEMA1_SIGNED, accept, number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptForm, Accepted, Backoff, Checks, ConfigOrder, ConnectionPolicy, CopyFetch, CopyHabits,
    Decoding, DeleteBy, Habits, IndexChoice, Misbehave, MountHabits, PullAgain, PullHabits,
    PushHabits, PushMethod, Retry, RetryAfter, RetryScope, TokenHabits, Wire,
};

fn podman_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("skopeo/1.9.3"),
        api_version: true,
        accept: accept(
            &[
                OCI_MANIFEST,
                DOCKER_MANIFEST,
                SCHEMA1_SIGNED,
                SCHEMA1,
                DOCKER_INDEX,
                OCI_INDEX,
            ],
            AcceptForm::Lines,
        ),
        accept_encoding: GZIP,
        decoding: Decoding::Asked,
        referer: true,
        replays_blobs: false,
        accept_on_delete: true,
        ..Wire::default()
    }
}

pub(super) fn podman() -> Habits {
    Habits {
        wire: podman_wire(),
        token: TokenHabits {
            client_id: Cow::Borrowed("containers/image"),
            shortest_life: Duration::from_mins(1),
            ..TokenHabits::default()
        },
        retry: Retry {
            attempts: 5,
            statuses: Cow::Borrowed(&[429]),
            scope: RetryScope::WithoutBody,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(2),
                factor: 2.0,
                max: Duration::from_mins(1),
            },
            retry_after: RetryAfter::Throttled,
            ..Retry::NEVER
        },
        accepted: Accepted {
            manifest_put: BELOW_400,
            patch: BELOW_400,
            ..Accepted::SPECIFIED
        },
        ping: true,
        connections: ConnectionPolicy::PerRequest,
        max_idle: None,
        http: HttpVersion::Http1,
        pull: PullHabits {
            config: ConfigOrder::Last,
            parallel: number(6),
            again: PullAgain::Layers,
            choice: IndexChoice::SKOPEO,
            ..PullHabits::default()
        },
        push: PushHabits {
            layer_checks: Checks::Twice,
            packs_late: true,
            mount: MountHabits {
                config: false,
                check_source: true,
                use_session: false,
                ..MountHabits::default()
            },
            config_last: true,
            // Sources that cannot be read side by side, an OCI layout for one.
            parallel: number(1),
            ..PushHabits::default()
        },
        copy: CopyHabits {
            // Its cache does not know where blobs are, the first time.
            mounts: false,
            fetch: CopyFetch::BeforeLastCheck,
            parallel: number(6),
            reads_back: false,
        },
        delete: DeleteBy::Resolved,
        misbehave: Misbehave::default(),
    }
}

pub(super) fn podman_storage() -> Habits {
    let mut habits = podman();
    habits.wire.user_agent = Cow::Borrowed("containers/5.23.1 (github.com/containers/image)");
    habits.pull.config = ConfigOrder::First;
    habits.pull.choice = IndexChoice::PODMAN;
    // Layers are kept unpacked, and packed anew on their way: neither digest nor size is known before.
    habits.push.layer_checks = Checks::Once;
    habits.push.method = PushMethod::PatchChunked;
    habits.push.config_method = PushMethod::Patch;
    habits.push.parallel = number(6);
    habits
}

//! skopeo, podman and buildah, which share one library.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    BELOW_400, DOCKER_INDEX, DOCKER_MANIFEST, GO_REDIRECTS, GZIP, OCI_INDEX, OCI_MANIFEST, SCHEMA1,
    SCHEMA1_SIGNED, accept, number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, Backoff, ChallengeScope, Checks, ConfigOrder,
    ConnectionPolicy, Decoding, DeleteBy, Habits, IndexChoice, LayerOrder, ManifestCheck,
    MountHabits, MountQuery, PullAgain, PullHabits, PushHabits, PushMethod, Resolve, Retry,
    RetryAfter, RetryScope, ScopeOrder, TokenForm, TokenHabits, Wire,
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
        accept_descriptor: AcceptDescriptor::AsByName,
        accept_encoding: GZIP,
        fetch_encoding: None,
        decoding: Decoding::Asked,
        start_type: None,
        octet_stream: true,
        mount_query: MountQuery::FromFirst,
        referer: true,
        max_redirects: GO_REDIRECTS,
        replays_blobs: false,
        accept_on_delete: true,
        page_size: None,
    }
}

pub(super) fn podman() -> Habits {
    Habits {
        wire: podman_wire(),
        token: TokenHabits {
            form: TokenForm::Get,
            account: true,
            client_id: Cow::Borrowed("containers/image"),
            scope_order: ScopeOrder::PullPush,
            challenge_scope: ChallengeScope::Beyond,
            token_per_mount: false,
            endless_by_default: false,
            shortest_life: Duration::from_mins(1),
            resolver_apart: false,
        },
        retry: Retry {
            attempts: 5,
            statuses: Cow::Borrowed(&[429]),
            once: Cow::Borrowed(&[]),
            broken: false,
            scope: RetryScope::WithoutBody,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(2),
                factor: 2.0,
                max: Duration::from_mins(1),
            },
            retry_after: RetryAfter::Throttled,
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
            resolve: Resolve::Get,
            resolve_digest: false,
            config: ConfigOrder::Last,
            parallel: number(6),
            again: PullAgain::Layers,
            choice: IndexChoice::SKOPEO,
            part_size: None,
        },
        push: PushHabits {
            manifest_check: ManifestCheck::Never,
            layer_checks: Checks::Twice,
            packs_late: true,
            config_checks: Checks::Once,
            mount: MountHabits {
                config: false,
                ping: false,
                check_source: true,
                check_mounted: false,
                use_session: false,
            },
            method: PushMethod::Patch,
            config_method: PushMethod::Patch,
            commit_check: false,
            config_last: true,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: false,
            // Sources that cannot be read side by side, an OCI layout for one.
            parallel: number(1),
        },
        delete: DeleteBy::Resolved,
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

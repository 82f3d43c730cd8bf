//! containerd, and BuildKit, which is built on its code.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    BARE_MOUNT, BELOW_400, DOCKER_INDEX, DOCKER_MANIFEST, GO_REDIRECTS, GZIP, OCI_INDEX,
    OCI_MANIFEST, SUCCESSES, accept, number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, Backoff, ChallengeScope, Checks, ConfigOrder,
    ConnectionPolicy, Decoding, DeleteBy, Habits, IndexChoice, LayerOrder, ManifestCheck,
    MountQuery, PullAgain, PullHabits, PushHabits, PushMethod, Resolve, ResolveFallback, Retry,
    RetryAfter, RetryScope, ScopeOrder, Statuses, TokenForm, TokenHabits, Wire,
};

fn containerd_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("containerd/2.4.0-beta+unknown"),
        api_version: false,
        accept: accept(
            &[
                DOCKER_MANIFEST,
                DOCKER_INDEX,
                OCI_MANIFEST,
                OCI_INDEX,
                "*/*",
            ],
            AcceptForm::Joined(", "),
        ),
        accept_descriptor: AcceptDescriptor::TypeAndAny,
        accept_encoding: GZIP,
        fetch_encoding: Some(Cow::Borrowed("zstd;q=1.0, gzip;q=0.8, deflate;q=0.5")),
        decoding: Decoding::Asked,
        start_type: None,
        octet_stream: true,
        mount_query: MountQuery::MountFirst,
        referer: true,
        max_redirects: GO_REDIRECTS,
        replays_blobs: true,
        accept_on_delete: false,
        page_size: None,
    }
}

fn containerd_accepted() -> Accepted {
    Accepted {
        token: BELOW_400,
        manifest_get: SUCCESSES,
        manifest_head: SUCCESSES,
        manifest_put: Statuses::of(&[(200, 200), (204, 204)]),
        blob_get: SUCCESSES,
        session: Statuses::of(&[(200, 200), (204, 204)]),
        blob_put: Statuses::of(&[(200, 200), (204, 204)]),
        ..Accepted::SPECIFIED
    }
}

pub(super) fn containerd() -> Habits {
    Habits {
        wire: containerd_wire(),
        token: TokenHabits {
            form: TokenForm::PostFirst,
            account: false,
            client_id: Cow::Borrowed("containerd-client"),
            scope_order: ScopeOrder::PullPush,
            challenge_scope: ChallengeScope::Always,
            token_per_mount: false,
            endless_by_default: true,
            shortest_life: Duration::ZERO,
            resolver_apart: true,
        },
        retry: Retry {
            attempts: 5,
            statuses: Cow::Borrowed(&[408, 429]),
            once: Cow::Borrowed(&[500, 503, 504]),
            broken: true,
            scope: RetryScope::WithoutBody,
            backoff: Backoff::None,
            retry_after: RetryAfter::Ignored,
        },
        accepted: containerd_accepted(),
        ping: false,
        connections: ConnectionPolicy::PerIteration,
        max_idle: Some(number(2)),
        http: HttpVersion::Http1,
        pull: PullHabits {
            resolve: Resolve::Head(ResolveFallback::NotAllowed),
            resolve_digest: true,
            config: ConfigOrder::First,
            parallel: number(3),
            again: PullAgain::Everything,
            choice: IndexChoice::CONTAINERD,
            part_size: None,
        },
        push: PushHabits {
            manifest_check: ManifestCheck::BeforePut,
            layer_checks: Checks::Once,
            packs_late: false,
            config_checks: Checks::Once,
            mount: BARE_MOUNT,
            method: PushMethod::Put,
            config_method: PushMethod::Put,
            commit_check: false,
            config_last: false,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: true,
            parallel: number(3),
        },
        delete: DeleteBy::Resolved,
    }
}

pub(super) fn containerd_1_6() -> Habits {
    let mut habits = containerd();
    habits.wire.user_agent = Cow::Borrowed("containerd/1.6.20~ds1");
    habits.wire.fetch_encoding = None;
    // It sends all at once.
    habits.push.parallel = number(64);
    habits
}

pub(super) fn buildkit() -> Habits {
    let mut habits = containerd();
    habits.wire.user_agent = Cow::Borrowed("buildkit/v0.32");
    habits.token.client_id = Cow::Borrowed("buildkit-client");
    // Its client's session fetches tokens for both steps.
    habits.token.resolver_apart = false;
    habits.max_idle = Some(number(4));
    habits.pull.parallel = number(4);
    habits.push.parallel = number(4);
    habits
}

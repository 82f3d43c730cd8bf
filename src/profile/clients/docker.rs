//! dockerd with its graph-driver store.

use std::borrow::Cow;
use std::time::Duration;

use super::{BELOW_400, DOCKER_ACCEPT, GZIP, SUCCESSES, accept, number};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptForm, Accepted, Backoff, Checks, ConfigOrder, ConnectionPolicy, CopyHabits, Decoding,
    DeleteBy, Habits, IndexChoice, LayerOrder, Misbehave, MountHabits, PullAgain, PullHabits,
    PushHabits, PushMethod, Resolve, ResolveFallback, Retry, RetryScope, ScopeOrder, Statuses,
    TokenHabits, Wire,
};

fn docker_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed(
            "docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64 \
             UpstreamClient(Docker-Client/28.2.2 \\(linux\\))",
        ),
        // dockerd keeps them in a map and sends them in any order.
        accept: accept(&DOCKER_ACCEPT, AcceptForm::Lines),
        accept_encoding: GZIP,
        decoding: Decoding::Asked,
        octet_stream: false,
        referer: true,
        replays_blobs: false,
        ..Wire::default()
    }
}

/// Its library takes every status from 200 to 399 for a success, and of a ping it looks at none but 401.
fn docker_accepted() -> Accepted {
    Accepted {
        ping: Statuses::of(&[(200, 400), (402, 599)]),
        token: BELOW_400,
        manifest_get: Statuses::of(&[(200, 303), (305, 399)]),
        manifest_head: BELOW_400,
        manifest_put: BELOW_400,
        delete: BELOW_400,
        blob_get: BELOW_400,
        blob_head: BELOW_400,
        // It reads the `Range` of the answer, which no redirect has.
        patch: SUCCESSES,
        // An empty address is that of the request itself.
        patch_without_location: true,
        blob_put: BELOW_400,
        cancel: Statuses::of(&[(200, 399), (404, 404)]),
        list: BELOW_400,
        ..Accepted::SPECIFIED
    }
}

pub(super) fn docker() -> Habits {
    Habits {
        wire: docker_wire(),
        token: TokenHabits {
            client_id: Cow::Borrowed("docker"),
            scope_order: ScopeOrder::PushPull,
            token_per_mount: true,
            shortest_life: Duration::from_mins(1),
            ..TokenHabits::default()
        },
        retry: Retry {
            attempts: 6,
            statuses: Cow::Borrowed(&[408, 429, 500, 502, 503, 504]),
            broken: true,
            scope: RetryScope::BlobGets,
            backoff: Backoff::Linear {
                step: Duration::from_secs(5),
            },
            ..Retry::NEVER
        },
        accepted: docker_accepted(),
        ping: true,
        connections: ConnectionPolicy::PerRequest,
        max_idle: None,
        http: HttpVersion::Http1,
        pull: PullHabits {
            resolve: Resolve::Head(ResolveFallback::Refused),
            config: ConfigOrder::Beside,
            again: PullAgain::Everything,
            choice: IndexChoice::DOCKER,
            ..PullHabits::default()
        },
        push: PushHabits {
            layer_checks: Checks::Known,
            mount: MountHabits {
                config: false,
                check_mounted: true,
                ..MountHabits::default()
            },
            method: PushMethod::PatchChunked,
            config_method: PushMethod::PatchChunked,
            commit_check: true,
            config_last: true,
            layers: LayerOrder::TopFirst,
            ..PushHabits::default()
        },
        copy: CopyHabits::default(),
        delete: DeleteBy::Resolved,
        misbehave: Misbehave::default(),
    }
}

pub(super) fn docker_29() -> Habits {
    let mut habits = docker();
    habits.wire.user_agent = Cow::Borrowed(
        "docker/29.1.0 go/go1.25.4 git-commit/e9bf6f2 kernel/6.1.0 os/linux arch/amd64 \
         UpstreamClient(Docker-Client/29.1.0 \\(linux\\))",
    );
    habits.wire.octet_stream = true;
    habits.connections = ConnectionPolicy::PerIteration;
    habits.max_idle = Some(number(2));
    habits
}

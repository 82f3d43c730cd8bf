//! crane.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    BARE_MOUNT, DOCKER_INDEX, DOCKER_MANIFEST, GO_REDIRECTS, GZIP, OCI_INDEX, OCI_MANIFEST,
    SCHEMA1, SCHEMA1_SIGNED, accept, number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, Backoff, ChallengeScope, Checks, ConfigOrder,
    ConnectionPolicy, Decoding, DeleteBy, Habits, IndexChoice, LayerOrder, ManifestCheck,
    MountHabits, MountQuery, PullAgain, PullHabits, PushHabits, PushMethod, Resolve, Retry,
    RetryAfter, RetryScope, ScopeOrder, Statuses, TokenForm, TokenHabits, Wire,
};

fn crane_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("crane/v0.22.1 go-containerregistry/v0.22.1"),
        api_version: false,
        accept: accept(
            &[
                SCHEMA1,
                SCHEMA1_SIGNED,
                DOCKER_MANIFEST,
                OCI_MANIFEST,
                DOCKER_INDEX,
                OCI_INDEX,
            ],
            AcceptForm::Joined(","),
        ),
        accept_descriptor: AcceptDescriptor::AsByName,
        accept_encoding: GZIP,
        fetch_encoding: None,
        decoding: Decoding::Asked,
        start_type: Some(Cow::Borrowed("application/json")),
        octet_stream: true,
        mount_query: MountQuery::WithOrigin,
        referer: true,
        max_redirects: GO_REDIRECTS,
        replays_blobs: true,
        accept_on_delete: false,
        page_size: Some(1000),
    }
}

pub(super) fn crane() -> Habits {
    Habits {
        wire: crane_wire(),
        token: TokenHabits {
            form: TokenForm::Get,
            account: false,
            client_id: Cow::Borrowed("go-containerregistry"),
            scope_order: ScopeOrder::PushPull,
            challenge_scope: ChallengeScope::Beyond,
            token_per_mount: false,
            endless_by_default: true,
            shortest_life: Duration::ZERO,
            resolver_apart: false,
        },
        retry: Retry {
            attempts: 3,
            statuses: Cow::Borrowed(&[408, 429, 499, 500, 502, 503, 504, 522]),
            once: Cow::Borrowed(&[]),
            broken: true,
            scope: RetryScope::WithoutBody,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(1),
                factor: 3.0,
                max: Duration::from_secs(9),
            },
            retry_after: RetryAfter::Ignored,
        },
        accepted: Accepted {
            manifest_put: Statuses::of(&[(200, 200), (202, 202)]),
            patch: Statuses::of(&[(204, 204)]),
            delete: Statuses::of(&[(200, 200)]),
            ..Accepted::SPECIFIED
        },
        ping: true,
        connections: ConnectionPolicy::PerIteration,
        max_idle: Some(number(50)),
        http: HttpVersion::Auto,
        pull: PullHabits {
            resolve: Resolve::Get,
            resolve_digest: false,
            config: ConfigOrder::First,
            parallel: number(1),
            again: PullAgain::Nothing,
            choice: IndexChoice::CRANE,
            part_size: None,
        },
        push: PushHabits {
            manifest_check: ManifestCheck::First,
            layer_checks: Checks::Once,
            packs_late: false,
            config_checks: Checks::Once,
            mount: MountHabits {
                ping: true,
                ..BARE_MOUNT
            },
            method: PushMethod::Patch,
            config_method: PushMethod::Patch,
            commit_check: false,
            config_last: false,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: false,
            parallel: number(4),
        },
        delete: DeleteBy::Digest,
    }
}

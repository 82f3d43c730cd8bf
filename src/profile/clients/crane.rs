//! crane.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    DOCKER_INDEX, DOCKER_MANIFEST, GZIP, OCI_INDEX, OCI_MANIFEST, SCHEMA1, SCHEMA1_SIGNED, accept,
    number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptForm, Accepted, Backoff, Checks, ConfigOrder, ConnectionPolicy, CopyFetch, CopyHabits,
    Decoding, DeleteBy, Habits, IndexChoice, LayerOrder, ManifestCheck, Misbehave, MountHabits,
    MountQuery, PullAgain, PullHabits, PushHabits, PushMethod, Retry, RetryScope, ScopeOrder,
    Statuses, TokenHabits, Wire,
};

fn crane_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("crane/v0.22.1 go-containerregistry/v0.22.1"),
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
        accept_encoding: GZIP,
        decoding: Decoding::Asked,
        start_type: Some(Cow::Borrowed("application/json")),
        mount_query: MountQuery::WithOrigin,
        referer: true,
        page_size: Some(1000),
        ..Wire::default()
    }
}

pub(super) fn crane() -> Habits {
    Habits {
        wire: crane_wire(),
        token: TokenHabits {
            account: false,
            client_id: Cow::Borrowed("go-containerregistry"),
            scope_order: ScopeOrder::PushPull,
            endless_by_default: true,
            ..TokenHabits::default()
        },
        retry: Retry {
            attempts: 3,
            statuses: Cow::Borrowed(&[408, 429, 499, 500, 502, 503, 504, 522]),
            broken: true,
            scope: RetryScope::WithoutBody,
            backoff: Backoff::Exponential {
                first: Duration::from_secs(1),
                factor: 3.0,
                max: Duration::from_secs(9),
            },
            ..Retry::NEVER
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
            config: ConfigOrder::First,
            parallel: number(1),
            again: PullAgain::Nothing,
            choice: IndexChoice::CRANE,
            ..PullHabits::default()
        },
        push: PushHabits {
            manifest_check: ManifestCheck::First,
            layer_checks: Checks::Once,
            packs_late: false,
            config_checks: Checks::Once,
            mount: MountHabits {
                ping: true,
                ..MountHabits::default()
            },
            method: PushMethod::Patch,
            config_method: PushMethod::Patch,
            commit_check: false,
            config_last: false,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: false,
            parallel: number(4),
        },
        copy: CopyHabits {
            mounts: true,
            fetch: CopyFetch::IntoSession,
            parallel: number(4),
            reads_back: false,
        },
        delete: DeleteBy::Digest,
        misbehave: Misbehave::default(),
    }
}

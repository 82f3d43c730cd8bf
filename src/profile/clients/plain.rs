//! No client: the shortest sequence that the specification allows.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    BARE_MOUNT, DOCKER_INDEX, DOCKER_MANIFEST, GO_REDIRECTS, OCI_INDEX, OCI_MANIFEST, SCHEMA1,
    SCHEMA1_SIGNED, accept, number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, ChallengeScope, Checks, ConfigOrder, ConnectionPolicy,
    Decoding, DeleteBy, Habits, IndexChoice, LayerOrder, ManifestCheck, MountQuery, PullAgain,
    PullHabits, PushHabits, PushMethod, Resolve, Retry, ScopeOrder, TokenForm, TokenHabits, Wire,
};

fn plain_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed(concat!("regstorm/", env!("CARGO_PKG_VERSION"))),
        api_version: false,
        accept: accept(
            &[
                OCI_MANIFEST,
                DOCKER_MANIFEST,
                OCI_INDEX,
                DOCKER_INDEX,
                SCHEMA1_SIGNED,
                SCHEMA1,
            ],
            AcceptForm::Lines,
        ),
        accept_descriptor: AcceptDescriptor::AsByName,
        accept_encoding: None,
        fetch_encoding: None,
        decoding: Decoding::Known,
        start_type: None,
        octet_stream: true,
        mount_query: MountQuery::FromFirst,
        referer: false,
        max_redirects: GO_REDIRECTS,
        replays_blobs: true,
        accept_on_delete: false,
        page_size: None,
    }
}

pub(super) fn plain() -> Habits {
    Habits {
        wire: plain_wire(),
        token: TokenHabits {
            form: TokenForm::Get,
            account: true,
            client_id: Cow::Borrowed("regstorm"),
            scope_order: ScopeOrder::PullPush,
            challenge_scope: ChallengeScope::Beyond,
            token_per_mount: false,
            endless_by_default: false,
            shortest_life: Duration::ZERO,
            resolver_apart: false,
        },
        retry: Retry::NEVER,
        accepted: Accepted::SPECIFIED,
        ping: false,
        connections: ConnectionPolicy::PerVu,
        max_idle: None,
        http: HttpVersion::Http1,
        pull: PullHabits {
            resolve: Resolve::Get,
            resolve_digest: false,
            config: ConfigOrder::Among,
            parallel: number(3),
            again: PullAgain::Blobs,
            choice: IndexChoice::PLAIN,
            part_size: None,
        },
        push: PushHabits {
            manifest_check: ManifestCheck::Never,
            layer_checks: Checks::Once,
            packs_late: false,
            config_checks: Checks::Once,
            mount: BARE_MOUNT,
            method: PushMethod::Patch,
            config_method: PushMethod::Patch,
            commit_check: false,
            config_last: false,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: false,
            parallel: number(5),
        },
        delete: DeleteBy::Resolved,
    }
}

//! What is built on oras-go.

use std::borrow::Cow;
use std::time::Duration;

use super::{
    BARE_MOUNT, DOCKER_INDEX, DOCKER_MANIFEST, GO_REDIRECTS, GZIP, OCI_INDEX, OCI_MANIFEST, accept,
    number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, Backoff, ChallengeScope, Checks, ConfigOrder,
    ConnectionPolicy, Decoding, DeleteBy, Habits, IndexChoice, LayerOrder, ManifestCheck,
    MountQuery, PullAgain, PullHabits, PushHabits, PushMethod, Resolve, Retry, RetryAfter,
    RetryScope, ScopeOrder, TokenForm, TokenHabits, Wire,
};

fn oras_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("oras/1.3.6"),
        api_version: false,
        accept: accept(
            &[
                DOCKER_MANIFEST,
                DOCKER_INDEX,
                OCI_MANIFEST,
                OCI_INDEX,
                "application/vnd.oci.artifact.manifest.v1+json",
            ],
            AcceptForm::Joined(", "),
        ),
        accept_descriptor: AcceptDescriptor::ManifestType,
        accept_encoding: GZIP,
        fetch_encoding: None,
        decoding: Decoding::Asked,
        start_type: None,
        octet_stream: true,
        mount_query: MountQuery::MountFirst,
        referer: true,
        max_redirects: GO_REDIRECTS,
        replays_blobs: false,
        accept_on_delete: false,
        page_size: None,
    }
}

pub(super) fn oras() -> Habits {
    Habits {
        wire: oras_wire(),
        token: TokenHabits {
            form: TokenForm::Get,
            account: false,
            client_id: Cow::Borrowed("oras-go"),
            scope_order: ScopeOrder::PullPush,
            challenge_scope: ChallengeScope::Beyond,
            token_per_mount: false,
            endless_by_default: true,
            shortest_life: Duration::ZERO,
            resolver_apart: false,
        },
        retry: Retry {
            attempts: 6,
            statuses: Cow::Borrowed(&[408, 429, 500, 501, 502, 503, 504]),
            once: Cow::Borrowed(&[]),
            broken: true,
            scope: RetryScope::WithoutBody,
            backoff: Backoff::Exponential {
                first: Duration::from_millis(250),
                factor: 2.0,
                max: Duration::from_secs(3),
            },
            retry_after: RetryAfter::Throttled,
        },
        accepted: Accepted::SPECIFIED,
        ping: false,
        connections: ConnectionPolicy::PerIteration,
        max_idle: Some(number(2)),
        http: HttpVersion::Auto,
        pull: PullHabits {
            resolve: Resolve::Get,
            resolve_digest: false,
            config: ConfigOrder::Among,
            parallel: number(5),
            again: PullAgain::Blobs,
            choice: IndexChoice::ORAS,
            part_size: None,
        },
        push: PushHabits {
            manifest_check: ManifestCheck::FirstByDigest,
            layer_checks: Checks::Once,
            packs_late: false,
            config_checks: Checks::Once,
            mount: BARE_MOUNT,
            method: PushMethod::Put,
            config_method: PushMethod::Put,
            commit_check: false,
            config_last: false,
            layers: LayerOrder::BottomFirst,
            blobs_before_manifests: false,
            parallel: number(5),
        },
        delete: DeleteBy::Resolved,
    }
}

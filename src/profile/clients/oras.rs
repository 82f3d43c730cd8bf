//! What is built on oras-go.

use std::borrow::Cow;
use std::time::Duration;

use super::{DOCKER_INDEX, DOCKER_MANIFEST, GZIP, OCI_INDEX, OCI_MANIFEST, accept, number};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, Backoff, ConnectionPolicy, CopyFetch, CopyHabits,
    Decoding, DeleteBy, Habits, IndexChoice, ManifestCheck, Misbehave, MountQuery, PullHabits,
    PushHabits, PushMethod, Retry, RetryAfter, RetryScope, TokenHabits, Wire,
};

fn oras_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("oras/1.3.6"),
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
        decoding: Decoding::Asked,
        mount_query: MountQuery::MountFirst,
        referer: true,
        replays_blobs: false,
        ..Wire::default()
    }
}

pub(super) fn oras() -> Habits {
    Habits {
        wire: oras_wire(),
        token: TokenHabits {
            account: false,
            client_id: Cow::Borrowed("oras-go"),
            endless_by_default: true,
            ..TokenHabits::default()
        },
        retry: Retry {
            attempts: 6,
            statuses: Cow::Borrowed(&[408, 429, 500, 501, 502, 503, 504]),
            broken: true,
            scope: RetryScope::WithoutBody,
            backoff: Backoff::Exponential {
                first: Duration::from_millis(250),
                factor: 2.0,
                max: Duration::from_secs(3),
            },
            retry_after: RetryAfter::Throttled,
            ..Retry::NEVER
        },
        accepted: Accepted::SPECIFIED,
        ping: false,
        connections: ConnectionPolicy::PerIteration,
        max_idle: Some(number(2)),
        http: HttpVersion::Auto,
        pull: PullHabits {
            parallel: number(5),
            choice: IndexChoice::ORAS,
            ..PullHabits::default()
        },
        push: PushHabits {
            manifest_check: ManifestCheck::FirstByDigest,
            method: PushMethod::Put,
            config_method: PushMethod::Put,
            ..PushHabits::default()
        },
        copy: CopyHabits {
            mounts: true,
            fetch: CopyFetch::BeforeSession,
            parallel: number(5),
            reads_back: true,
        },
        delete: DeleteBy::Resolved,
        misbehave: Misbehave::default(),
    }
}

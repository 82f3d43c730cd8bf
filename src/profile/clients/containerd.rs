//! containerd, and BuildKit, which is built on its code.

use std::borrow::Cow;

use super::{
    BELOW_400, DOCKER_INDEX, DOCKER_MANIFEST, GZIP, OCI_INDEX, OCI_MANIFEST, SUCCESSES, accept,
    number,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptDescriptor, AcceptForm, Accepted, ChallengeScope, ConfigOrder, ConnectionPolicy,
    CopyHabits, Decoding, DeleteBy, Habits, IndexChoice, ManifestCheck, Misbehave, MountQuery,
    PullAgain, PullHabits, PushHabits, PushMethod, Resolve, ResolveFallback, Retry, RetryScope,
    Statuses, TokenForm, TokenHabits, Wire,
};

fn containerd_wire() -> Wire {
    Wire {
        user_agent: Cow::Borrowed("containerd/2.4.0-beta+unknown"),
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
        mount_query: MountQuery::MountFirst,
        referer: true,
        ..Wire::default()
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
            challenge_scope: ChallengeScope::Always,
            endless_by_default: true,
            resolver_apart: true,
            ..TokenHabits::default()
        },
        retry: Retry {
            attempts: 5,
            statuses: Cow::Borrowed(&[408, 429]),
            once: Cow::Borrowed(&[500, 503, 504]),
            broken: true,
            scope: RetryScope::WithoutBody,
            ..Retry::NEVER
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
            again: PullAgain::Everything,
            choice: IndexChoice::CONTAINERD,
            ..PullHabits::default()
        },
        push: PushHabits {
            manifest_check: ManifestCheck::BeforePut,
            method: PushMethod::Put,
            config_method: PushMethod::Put,
            blobs_before_manifests: true,
            parallel: number(3),
            ..PushHabits::default()
        },
        copy: CopyHabits::default(),
        delete: DeleteBy::Resolved,
        misbehave: Misbehave::default(),
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

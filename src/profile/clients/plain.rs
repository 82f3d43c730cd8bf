//! No client: the shortest sequence that the specification allows.

use super::{
    DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, SCHEMA1, SCHEMA1_SIGNED, accept,
};
use crate::exchange::HttpVersion;
use crate::profile::{
    AcceptForm, Accepted, ConnectionPolicy, CopyHabits, DeleteBy, Habits, Misbehave, PullHabits,
    PushHabits, Retry, TokenHabits, Wire,
};

fn plain_wire() -> Wire {
    Wire {
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
        ..Wire::default()
    }
}

pub(super) fn plain() -> Habits {
    Habits {
        wire: plain_wire(),
        token: TokenHabits::default(),
        retry: Retry::NEVER,
        accepted: Accepted::SPECIFIED,
        ping: false,
        connections: ConnectionPolicy::PerVu,
        max_idle: None,
        http: HttpVersion::Http1,
        pull: PullHabits::default(),
        push: PushHabits::default(),
        copy: CopyHabits::default(),
        delete: DeleteBy::Resolved,
        misbehave: Misbehave::default(),
    }
}

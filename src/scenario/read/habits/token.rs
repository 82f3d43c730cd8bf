//! The keys of how a client gets its tokens.

use std::time::Duration;

use super::codecs::header_value;
use crate::keys::codec::{flag, time, words};
use crate::keys::key::{Key, key};
use crate::profile::{ChallengeScope, Habits, ScopeOrder, TokenForm};

pub(super) fn keys() -> Vec<Key<Habits>> {
    vec![
        key!(
            "token_form",
            words("token_form", TokenForm::WORDS),
            |it: Habits| it.token.form,
            r#""post-first""#,
            "The request for a token: `GET`, or with credentials the OAuth2 `POST` first and `GET` if the service refuses it.",
        ),
        key!(
            "token_account",
            flag(),
            |it: Habits| it.token.account,
            "true",
            "Name the user in the parameter `account` of a `GET` with credentials.",
        ),
        key!(
            "token_client_id",
            header_value(),
            |it: Habits| it.token.client_id,
            r#""docker""#,
            "`client_id` of the OAuth2 `POST`.",
        ),
        key!(
            "scope_order",
            words("scope_order", ScopeOrder::WORDS),
            |it: Habits| it.token.scope_order,
            r#""push-pull""#,
            "Order of the actions in a token's scope: `pull,push` or `push,pull`.",
        ),
        key!(
            "challenge_scope",
            words("challenge_scope", ChallengeScope::WORDS),
            |it: Habits| it.token.challenge_scope,
            r#""always""#,
            "Which scope of a challenge is asked for beside the client's own: one that goes beyond it, or that of the first \
             challenge with every token.",
        ),
        key!(
            "token_per_mount",
            flag(),
            |it: Habits| it.token.token_per_mount,
            "true",
            "Fetch a new token for each mount from another repository.",
        )
        .only(&["push"]),
        key!(
            "endless_tokens",
            flag(),
            |it: Habits| it.token.endless_by_default,
            "true",
            "Use a token without a lifetime until it is refused; otherwise it lives 60 seconds.",
        ),
        key!(
            "shortest_token_life",
            time(Duration::ZERO..=Duration::from_hours(1)),
            |it: Habits| it.token.shortest_life,
            r#""1m""#,
            "Tokens that live shorter are taken to live this long.",
        ),
        key!(
            "resolver_apart",
            flag(),
            |it: Habits| it.token.resolver_apart,
            "true",
            "The step that resolves a name has tokens, credentials and connections of its own.",
        ),
    ]
}

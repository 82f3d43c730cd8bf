//! The keys of how a client gets its tokens.

use std::time::Duration;

use super::codecs::header_value;
use crate::keys::codec::{flag, time, words};
use crate::keys::define::keys;
use crate::keys::key::Key;
use crate::profile::{ChallengeScope, Habits, ScopeOrder, TokenForm};

pub(super) fn keys() -> Vec<Key<Habits>> {
    keys! { Habits {
        /// The request for a token: `GET`, or with credentials the OAuth2 `POST` first and `GET` if the service refuses
        /// it.
        token_form = token.form => words("token_form", TokenForm::WORDS), "post-first";
        /// Name the user in the parameter `account` of a `GET` with credentials.
        token_account = token.account => flag(), true;
        /// `client_id` of the OAuth2 `POST`.
        token_client_id = token.client_id => header_value(), "docker";
        /// Order of the actions in a token's scope: `pull,push` or `push,pull`.
        scope_order = token.scope_order => words("scope_order", ScopeOrder::WORDS), "push-pull";
        /// Which scope of a challenge is asked for beside the client's own: one that goes beyond it, or that of the
        /// first challenge with every token.
        challenge_scope = token.challenge_scope => words("challenge_scope", ChallengeScope::WORDS), "always";
        /// Fetch a new token for each mount from another repository.
        token_per_mount = token.token_per_mount => flag(), true, only(&["push", "copy"]);
        /// Use a token without a lifetime until it is refused; otherwise it lives 60 seconds.
        endless_tokens = token.endless_by_default => flag(), true;
        /// Tokens that live shorter are taken to live this long.
        shortest_token_life = token.shortest_life => time(Duration::ZERO..=Duration::from_hours(1)), "1m";
        /// The step that resolves a name has tokens, credentials and connections of its own.
        resolver_apart = token.resolver_apart => flag(), true;
    }}
}

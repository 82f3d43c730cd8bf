//! What a request does, and where: the scope of the token for it.

use crate::oci::RepositoryName;
use crate::profile::ScopeOrder;

/// What a request does, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    pub(super) repository: Option<&'a RepositoryName>, // `None`: the registry as a whole
    pub(super) mounts_from: Option<&'a RepositoryName>,
    pub(super) actions: Actions,
}

/// The actions in a repository. Each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Actions {
    Pull,
    PullPush,
    PullPushDelete,
}

impl Actions {
    const fn text(self, order: ScopeOrder) -> &'static str {
        match (self, order) {
            (Self::Pull, _) => "pull",
            (Self::PullPush, ScopeOrder::PullPush) => "pull,push",
            (Self::PullPush, ScopeOrder::PushPull) => "push,pull",
            (Self::PullPushDelete, ScopeOrder::PullPush) => "pull,push,delete",
            (Self::PullPushDelete, ScopeOrder::PushPull) => "push,pull,delete",
        }
    }
}

impl<'a> Scope<'a> {
    /// The scope of a request to one repository.
    pub(super) const fn of(repository: &'a RepositoryName, actions: Actions) -> Self {
        Self {
            repository: Some(repository),
            mounts_from: None,
            actions,
        }
    }

    /// Returns the scope of the request within a push to `pushed`: real clients request one token for the whole push.
    /// Another repository is only read, in order to mount from it.
    pub(super) fn within_push(self, pushed: &'a RepositoryName) -> Self {
        match self.repository {
            Some(name) if name == pushed => Self {
                actions: self.actions.max(Actions::PullPush),
                ..self
            },
            Some(other) if self.mounts_from.is_none() && self.actions == Actions::Pull => Self {
                repository: Some(pushed),
                mounts_from: Some(other),
                actions: Actions::PullPush,
            },
            _ => self,
        }
    }

    /// Returns the scopes for a token service: that of the repository, then that of the repository to mount from.
    pub(super) fn texts(&self, order: ScopeOrder) -> Vec<String> {
        let own = self
            .repository
            .map(|name| format!("repository:{name}:{}", self.actions.text(order)));
        let other = self
            .mounts_from
            .map(|name| format!("repository:{name}:pull"));
        own.into_iter().chain(other).collect()
    }
}

/// Returns `true` if one of the scopes allows all that `asked` does. A scope that cannot be parsed is covered only by the
/// same text.
pub(super) fn covered(asked: &str, by: &[String]) -> bool {
    // A name may hold colons (a host with a port), so the parts are split off from both ends.
    let parts = |text: &str| -> Option<(String, Vec<String>)> {
        let (resource, actions) = text.rsplit_once(':')?;
        let actions = actions.split(',').map(str::to_owned).collect();
        Some((resource.to_owned(), actions))
    };
    by.iter().any(|scope| {
        let (Some((resource, actions)), Some((had, allowed))) = (parts(asked), parts(scope)) else {
            return scope == asked;
        };
        resource == had && actions.iter().all(|action| allowed.contains(action))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    #[test]
    fn scopes_are_written_as_the_client_writes_them() {
        let (a, b) = (name("lab/a"), name("b"));
        let scope = Scope {
            mounts_from: Some(&b),
            ..Scope::of(&a, Actions::PullPush)
        };
        assert_eq!(
            scope.texts(ScopeOrder::PullPush),
            ["repository:lab/a:pull,push", "repository:b:pull"]
        );
        assert_eq!(
            scope.texts(ScopeOrder::PushPull),
            ["repository:lab/a:push,pull", "repository:b:pull"]
        );
        let pull = Scope::of(&a, Actions::Pull);
        assert_eq!(pull.texts(ScopeOrder::PushPull), ["repository:lab/a:pull"]);
    }

    #[test]
    fn a_push_asks_for_all_that_it_needs_at_once() {
        let (a, b) = (name("a"), name("b"));
        let in_own = Scope::of(&a, Actions::Pull).within_push(&a);
        assert_eq!(in_own, Scope::of(&a, Actions::PullPush));
        let looked_at = Scope::of(&b, Actions::Pull).within_push(&a);
        assert_eq!(
            (looked_at.repository, looked_at.mounts_from),
            (Some(&a), Some(&b))
        );
        let delete = Scope::of(&a, Actions::PullPushDelete);
        assert_eq!(delete.within_push(&a), delete);
        let elsewhere = Scope::of(&b, Actions::PullPush);
        assert_eq!(elsewhere.within_push(&a), elsewhere);
    }

    #[test]
    fn a_scope_covers_what_it_names_in_any_order() {
        let by = ["repository:h:5000/a:push,pull".to_owned(), "odd".to_owned()];
        for (asked, expected) in [
            ("repository:h:5000/a:pull", true),
            ("repository:h:5000/a:pull,push", true),
            ("repository:h:5000/a:delete", false),
            ("repository:h:5000/ab:pull", false),
            ("registry:catalog:*", false),
            ("odd", true),
            ("", false),
        ] {
            assert_eq!(covered(asked, &by), expected, "{asked}");
        }
    }
}

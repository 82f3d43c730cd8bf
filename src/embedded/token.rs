//! Tokens for named scopes.
//!
//! A token carries what it grants and until when, under a seal. So none is stored, and no number of clients can
//! fill the registry's memory with tokens.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::site::Site;

/// Actions on one resource, `repository:lab/img:pull,push` in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Access {
    pub(super) fn new(kind: &str, name: &str, actions: &[&str]) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        // A name may hold colons (a host with a port), so the parts are taken from both ends.
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        Some(Self::new(
            kind,
            name,
            &actions.split(',').collect::<Vec<_>>(),
        ))
    }

    /// Returns what of it anyone may do, if that is anything.
    pub(super) fn pull_only(mut self) -> Option<Self> {
        self.actions.retain(|action| action == "pull");
        (self.kind == "repository" && !self.actions.is_empty()).then_some(self)
    }

    /// Returns `true` if it allows everything that `need` names.
    pub(super) fn covers(&self, need: &Self) -> bool {
        self.kind == need.kind
            && self.name == need.name
            && need
                .actions
                .iter()
                .all(|action| self.actions.iter().any(|it| it == action || it == "*"))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

/// Returns an identity token: good as long as this registry runs.
pub(super) fn identity(site: &Site, user: &str) -> String {
    let text = format!("identity {user}");
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(&text),
        site.keys.seal(&text)
    )
}

pub(super) fn is_identity(site: &Site, token: &str, user: &str) -> bool {
    token == identity(site, user)
}

pub(super) fn seal(site: &Site, scopes: &[Access], lifetime: Duration) -> String {
    let expires = site.began.elapsed().saturating_add(lifetime).as_millis();
    let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
    // The drawn number makes every token another one, as clients expect.
    let text = format!("{expires} {:x} {}", site.keys.draw(), scopes.join(" "));
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(&text),
        site.keys.seal(&text)
    )
}

/// Returns what a token grants; `None`: it is not ours, or has expired.
pub(super) fn granted(site: &Site, token: &str) -> Option<Vec<Access>> {
    let (text, seal) = token.split_once('.')?;
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    if site.keys.seal(&text) != seal {
        return None;
    }
    let mut words = text.split(' ');
    let expires: u128 = words.next()?.parse().ok()?;
    let scopes = words.skip(1).filter_map(Access::parse).collect();
    (site.began.elapsed().as_millis() < expires).then_some(scopes)
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    #[test]
    fn a_scope_covers_what_it_names_and_no_more() {
        let both = Access::parse("repository:a:pull,push").unwrap();
        assert!(both.covers(&Access::new("repository", "a", &["push", "pull"])));
        assert!(!both.covers(&Access::new("repository", "a", &["delete"])));
        assert!(!both.covers(&Access::new("repository", "ab", &["pull"])));
        assert!(Access::parse("repository:a:*").unwrap().covers(&both));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_until_it_expires_and_cannot_be_forged() {
        let site = Site::new(Settings::default(), ([127, 0, 0, 1], 1).into(), None);
        let scope = Access::new("repository", "a", &["pull"]);
        let token = seal(&site, std::slice::from_ref(&scope), Duration::from_mins(1));
        assert_eq!(granted(&site, &token), Some(vec![scope]));
        let other = Site::new(Settings::default(), ([127, 0, 0, 1], 1).into(), None);
        assert_eq!(granted(&other, &token), None);
        assert_eq!(granted(&site, "x.y"), None);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(granted(&site, &token), None);
    }
}

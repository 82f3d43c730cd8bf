//! A text that must never be shown.

use std::fmt;

/// A password, a token, the value of a header. It has no `Display` and no `Serialize`; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes a text into hiding.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that puts it on the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// How somebody shows who they are. `Debug` shows the user and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password, or whatever a registry calls them.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// What a token service gave in place of a password. It opens that service only, by OAuth 2.
    ///
    /// # Spec
    /// Docker Registry v2 authentication, "`OAuth2` Token Authentication": `refresh_token`.
    IdentityToken(Secret),
}

impl Credentials {
    /// A user and a password.
    pub fn password(username: impl Into<String>, password: Secret) -> Self {
        Self::Password {
            username: username.into(),
            password,
        }
    }

    /// The user, where one is named.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Password { username, .. } => Some(username),
            Self::IdentityToken(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let secret = || Secret::new("hunter2");
        let both = [
            Credentials::password("bob", secret()),
            Credentials::IdentityToken(secret()),
        ];
        let shown = format!("{both:?}");
        assert!(
            shown.contains("bob") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}

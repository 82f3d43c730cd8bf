//! A text that must never be shown.

use std::fmt;

/// A password, a token, the value of a header. It has no `Display` and no `Serialize`; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, to be put on the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Credentials. `Debug` shows the user and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user and a password, or their equivalents.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// The identity token of a token service, in place of a password. Only that service accepts it, by OAuth 2.
    ///
    /// # Spec
    /// Docker Registry v2 authentication, "`OAuth2` Token Authentication": `refresh_token`.
    IdentityToken(Secret),
}

impl Credentials {
    /// Makes credentials of a user and a password.
    pub fn password(username: impl Into<String>, password: Secret) -> Self {
        Self::Password {
            username: username.into(),
            password,
        }
    }

    /// The user, if there is one.
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

//! Where a registry is and who asks: the arguments that `pull` and `push` share.

use std::convert::Infallible;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use http::{HeaderMap, HeaderName, HeaderValue};
use regstorm::exchange::HttpVersion;
use regstorm::oci::ImageName;
use regstorm::profile::Habits;
use regstorm::registry::{self, Base, Client, Observer, Settings};
use regstorm::transport::{Dialer, Pool, Route};
use regstorm::units::{self, Credentials, Secret};

use crate::choice::one_of;
use crate::docker_config;
use crate::exit::{Exit, Failure, OrExit as _};
use crate::proxy::{self, ProxyArgs};
use crate::tls_args::TlsArgs;
use crate::user_args::UserArgs;

/// What is said of the argument that has another place in each command.
pub(crate) const URL_HELP: &str = "URL of the registry, up to /v2/: http[s]://HOST[:PORT][/PATH]";

/// Headers that say how a request is framed or which bytes it asks for: not the user's to set.
const OWN_HEADERS: [HeaderName; 6] = [
    http::header::HOST,
    http::header::CONNECTION,
    http::header::CONTENT_LENGTH,
    http::header::TRANSFER_ENCODING,
    http::header::RANGE,
    http::header::CONTENT_RANGE,
];

/// How to speak to a registry.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Registry")]
pub(crate) struct TargetArgs {
    /// Header for every request to the registry; repeatable
    #[arg(long, value_name = "'K: V'", value_parser = hidden)]
    header: Vec<Secret>,

    #[command(flatten)]
    user: UserArgs,

    /// Allow credentials over http to the token service or a redirect target of an https registry
    #[arg(long)]
    cleartext_credentials: bool,

    #[command(flatten)]
    proxy: ProxyArgs,

    #[command(flatten)]
    tls: TlsArgs,

    /// HTTP version [default: the client's]
    #[arg(long, value_parser = one_of(HttpVersion::WORDS, HttpVersion::meaning))]
    http: Option<HttpVersion>,

    /// Credentials from docker's config.json or podman's auth.json, or from the credential helper that it names
    ///
    /// The default PATH is `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`. `podman` in place of a PATH stands for
    /// `$REGISTRY_AUTH_FILE`, or else `$XDG_RUNTIME_DIR/containers/auth.json` and `~/.config/containers/auth.json`. Without this
    /// option regstorm reads no such file and runs no helper.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, conflicts_with = "user")]
    #[expect(clippy::option_option, reason = "absent, without a path, and with one")]
    docker_config: Option<Option<PathBuf>>,

    /// Longest silence of a request: how long a connection may take, and how long no byte may move
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = units::parse_duration)]
    timeout: Duration,
}

/// A registry, and who asks.
pub(crate) struct Target {
    settings: Rc<Settings>,
    dialer: Rc<Dialer>,
}

impl TargetArgs {
    /// Reads the rest of what is needed to speak to the registry at `url` of that image. Nothing is sent.
    pub(crate) fn resolve(
        self,
        url: &str,
        image: &ImageName,
        mut habits: Habits,
    ) -> Result<Target, Failure> {
        if self.timeout.is_zero() {
            return Err(usage("--timeout: no request can be over in no time"));
        }
        let base = base(url).or_exit(Exit::Usage)?;
        let proxy = self.proxy.resolve().or_exit(Exit::Usage)?;
        if let (Ok(url), None) = (url.parse(), &proxy) {
            proxy::tell(&url);
        }
        let headers = headers(&self.header).or_exit(Exit::Usage)?;
        let timeout = self.timeout;
        habits.http = self.http.unwrap_or(habits.http);
        let credentials = match &self.docker_config {
            Some(path) => {
                let url = url.parse().or_exit(Exit::Usage)?;
                let config = docker_config::named(path.as_deref());
                let found =
                    docker_config::credentials(&config, &url, Some(image.repository.as_str()));
                Some(found.or_exit(Exit::Usage)?)
            }
            None => self.user.credentials().or_exit(Exit::Usage)?,
        };
        let route = Route {
            target: Some(base.origin().clone()),
            proxy,
            tls: self.tls.resolve().or_exit(Exit::Usage)?,
            ..Route::default()
        };
        let mut settings = Settings::new(base, habits, timeout);
        (settings.headers, settings.credentials) = (headers, credentials);
        settings.cleartext = self.cleartext_credentials;
        Ok(Target {
            dialer: Rc::new(Dialer::new(Arc::new(route), 0)),
            settings: Rc::new(settings),
        })
    }
}

impl Target {
    /// The URL of the registry.
    pub(crate) fn base(&self) -> &Base {
        &self.settings.base
    }

    /// The user who asks, if any.
    pub(crate) fn user(&self) -> Option<&str> {
        let credentials = self.settings.credentials.as_ref();
        credentials.and_then(Credentials::username)
    }

    /// A client with connections of its own, opened as they are needed.
    pub(crate) fn client(&self, observer: Rc<dyn Observer>) -> Client {
        let settings = registry::pool_settings(self.settings.habits());
        let pool = Pool::new(settings, Rc::clone(&self.dialer), Rc::default());
        Client::new(Rc::clone(&self.settings), pool, observer)
    }
}

fn usage(message: &'static str) -> Failure {
    Failure::new(Exit::Usage, anyhow!(message))
}

/// Takes a text into hiding before anything can go wrong with it: messages about wrong arguments repeat them.
#[expect(clippy::unnecessary_wraps, reason = "the shape that clap calls for")]
fn hidden(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

fn base(url: &str) -> anyhow::Result<Base> {
    // `localhost:5000` would be read as a URL of the scheme `localhost`.
    if !url.contains("://") && !url.contains('@') {
        return Err(anyhow!(
            "`{url}` is not the URL of a registry: write it with its scheme, such as http://localhost:5000"
        ));
    }
    Ok(Base::parse(url)?)
}

fn headers(given: &[Secret]) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for line in given {
        // Neither the line nor its value may be shown: either may be a secret.
        let (name, value) = line
            .expose()
            .split_once(':')
            .ok_or_else(|| anyhow!("--header: write 'Name: value'; there is no colon"))?;
        let name = HeaderName::try_from(name.trim())
            .map_err(|_| anyhow!("--header: what stands before the colon is no header name"))?;
        if OWN_HEADERS.contains(&name) {
            return Err(anyhow!("--header: `{name}` is set by regstorm itself"));
        }
        let mut value = HeaderValue::try_from(value.trim())
            .map_err(|_| anyhow!("--header: the value of `{name}` cannot stand in a header"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

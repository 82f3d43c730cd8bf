//! The registry under test: where it is, and how its clients are set up.

use std::rc::Rc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::Error;
use crate::embedded::{self, Registry};
use crate::plan::{self, Place, Plan};
use crate::registry::{Base, Settings};
use crate::units::{Credentials, Secret};

/// How long the embedded registry's tokens are good for: what token services answer that say nothing else.
const TOKEN_LIFETIME: Duration = Duration::from_mins(1);

/// The registry under test, running if it is the embedded one.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) base: Base,
    headers: HeaderMap,
    credentials: Option<Credentials>,
    embedded: Option<embedded::Running>,
}

impl Target {
    /// Starts the embedded registry if it is the target; else only looks at the URL.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let (base, embedded) = match &plan.target.place {
            Place::Url(url) => (Base::new(url.clone())?, None),
            Place::Embedded(wanted) => {
                let running = Registry::start(settings(wanted, plan.target.credentials.as_ref()))?;
                (Base::parse(&running.url())?, Some(running))
            }
        };
        Ok(Self {
            base,
            headers: headers(&plan.target.headers)?,
            credentials: plan.target.credentials.clone(),
            embedded,
        })
    }

    /// What a client of the target needs to know, with that limit on each exchange.
    pub(super) fn client(&self, timeout: Duration) -> Rc<Settings> {
        Rc::new(Settings {
            base: self.base.clone(),
            headers: self.headers.clone(),
            credentials: self.credentials.clone(),
            timeout,
        })
    }

    /// What the embedded registry counted, if that is the target.
    pub(super) fn embedded_counts(&self) -> Option<embedded::Counts> {
        self.embedded.as_ref().map(embedded::Running::counts)
    }
}

fn headers(given: &[(String, Secret)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let refuse = || Error::Header(name.clone());
        let key = HeaderName::try_from(name).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
}

fn settings(wanted: &plan::Embedded, credentials: Option<&Credentials>) -> embedded::Settings {
    let (user, password) = credentials.map_or_else(
        || (String::new(), Secret::new("")),
        |it| (it.username.clone(), it.password.clone()),
    );
    let auth = match wanted.auth {
        plan::EmbeddedAuth::Open => embedded::Auth::Open,
        plan::EmbeddedAuth::Basic => embedded::Auth::Basic { user, password },
        plan::EmbeddedAuth::Bearer => embedded::Auth::Bearer {
            user,
            password,
            token_lifetime: TOKEN_LIFETIME,
            anonymous_pull: false,
        },
    };
    embedded::Settings {
        base_path: wanted.base_path.clone(),
        storage: match wanted.storage {
            plan::Storage::Memory => embedded::Storage::Memory,
            plan::Storage::Sink => embedded::Storage::Sink,
        },
        auth,
        max_bytes: wanted.max_bytes,
        ..embedded::Settings::default()
    }
}

//! Why a run did not come to measuring, or not to its end.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use crate::content::{ContentError, SpecError};
use crate::embedded::EmbeddedError;
use crate::registry::BaseError;
use crate::transport::TlsSettingsError;
use crate::{client, registry, units};

/// Why a run did not come to measuring, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The target's URL is not one of a registry.
    #[error("target.url: {0}")]
    Base(#[from] BaseError),
    /// A header of the scenario cannot be sent. Its value may be a secret and is not shown.
    #[error("target.headers: `{0}` is not a header that can be sent")]
    Header(String),
    /// A file of TLS cannot be read.
    #[error("target.tls: cannot read {path}: {source}")]
    TlsFile {
        /// The path as the scenario has it.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The files of TLS are not what they should be.
    #[error("target.tls: {0}")]
    Tls(#[from] TlsSettingsError),
    /// This machine does not have an address that connections are to come from.
    #[error("target.source_ips: connections cannot come from {ip}: {source}")]
    SourceIp {
        /// The address.
        ip: IpAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A source of telemetry cannot be read as the scenario has it.
    #[error("telemetry.{name}: {what}")]
    Telemetry {
        /// The name of the source.
        name: String,
        /// What is wrong, without secrets.
        what: String,
    },
    /// The embedded registry did not start.
    #[error("the embedded registry did not start: {0}")]
    Embedded(#[from] EmbeddedError),
    /// An image of the scenario cannot be read.
    #[error("images.{set}: {source}")]
    Content {
        /// The image set.
        set: String,
        /// What is wrong with it.
        source: ContentError,
    },
    /// A synthetic image set makes no sense.
    #[error("images.{set}: {source}")]
    Spec {
        /// The image set.
        set: String,
        /// What is wrong with it.
        source: SpecError,
    },
    /// A repository name of the scenario gets too long with what is added to it.
    #[error("journey.{journey}: the repository name is too long")]
    Repository {
        /// The journey.
        journey: String,
    },
    /// The target did not respond to a ping as a registry does.
    #[error("the target is not ready: {0}")]
    Target(registry::Error),
    /// The images could not be seeded.
    #[error("cannot seed {reference}: {source}")]
    Seed {
        /// Where the image was to go.
        reference: String,
        /// What stopped it.
        source: Box<client::Error>,
    },
    /// Seeding has stalled: no byte moved for so long.
    #[error(
        "seeding stands still: no byte was sent or received for {} (the longest request_timeout), with {seeded} of {of} images seeded",
        humantime::format_duration(*limit)
    )]
    Silence {
        /// The longest silence.
        limit: Duration,
        /// Images that are in place.
        seeded: usize,
        /// Images there were to be.
        of: usize,
    },
    /// An image that the scenario takes as existing is not in the registry.
    #[error("images.{set}: the registry has no {reference}{}", and_more(*others))]
    Missing {
        /// The image set.
        set: String,
        /// The first image that is missing.
        reference: String,
        /// How many more are.
        others: usize,
    },
    /// The catalogue of the registry, which a glob needs, could not be read.
    #[error(
        "images.{set}: `{glob}` needs the catalogue of the registry: {source}; name the repositories instead, such as \
         `lab/web:*`, or list the images in a file (`references = \"images.txt\"`)"
    )]
    Catalogue {
        /// The image set.
        set: String,
        /// The first glob that needs it.
        glob: String,
        /// What went wrong.
        source: Box<client::Error>,
    },
    /// The tags of a repository, which a glob asks for, could not be read.
    #[error("images.{set}: cannot list the tags of {repository}, which match `{glob}`: {source}")]
    Tags {
        /// The image set.
        set: String,
        /// The first glob that asks for them.
        glob: String,
        /// The repository.
        repository: String,
        /// What went wrong.
        source: Box<client::Error>,
    },
    /// No image matches a glob.
    #[error("images.{set}: no image matches `{glob}`: {why}")]
    NoMatch {
        /// The image set.
        set: String,
        /// The glob.
        glob: String,
        /// What there is.
        why: Unmatched,
    },
    /// More images match than a set may have.
    #[error("more than {} images match {}: write narrower globs", units::count(*most as u64), globs.join(", "))]
    TooManyFound {
        /// The globs.
        globs: Vec<String>,
        /// As many images as a set may have.
        most: usize,
    },
    /// The look-up of what a repository has before the run failed, so that clean-up would not know what to spare.
    #[error(
        "cannot find out what lies in {repository} before the run, for clean_up to spare it: {source}"
    )]
    Look {
        /// The repository.
        repository: String,
        /// What went wrong.
        source: registry::Error,
    },
    /// The run was stopped before anything was measured.
    #[error("interrupted before anything was measured")]
    Interrupted,
    /// A thread or its event loop could not be created.
    #[error("cannot start a worker: {0}")]
    Worker(#[from] io::Error),
}

/// Why no image matches a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unmatched {
    /// None of so many repositories does.
    #[error(
        "none of the {} repositories in the catalogue does; `*` stays within a part of a name, `**` does not",
        units::count(*.0 as u64)
    )]
    Repositories(usize),
    /// So many repositories do, and none of their tags.
    #[error("{}", no_tag(*.0))]
    Tags(usize),
}

fn no_tag(repositories: usize) -> String {
    match repositories {
        1 => "no tag of its repository does, or there is no such repository".to_owned(),
        many => format!(
            "no tag of the {} repositories that match does",
            units::count(many as u64)
        ),
    }
}

fn and_more(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(", nor {count} more of those named"),
    }
}

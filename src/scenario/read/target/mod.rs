//! The `[target]` table: its keys, and the rules between an embedded registry and the rest.

mod addresses;
mod auth;
mod embedded;
mod headers;
mod tls;
mod url;

use std::sync::LazyLock;

use ::url::Url;

use self::url::EMBEDDED;
use crate::embedded::{AuthScheme, Storage};
use crate::exchange::HttpVersion;
use crate::keys::codec::words;
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::section::Section;
use crate::keys::spot::Spot;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Entry, Item, Value};
use crate::scenario::root::Scenario;
use crate::scenario::target::{Embedded, Place, Target};
use crate::scenario::{Action, ImageSource};

static KEYS: LazyLock<Vec<Key<Target>>> = LazyLock::new(|| {
    let mut keys = vec![
        Key::custom(
            (
                "url",
                r#""embedded""#,
                "The registry under test: its base URL, or `embedded` for one in this process.",
            ),
            url::url().form,
            |item, sink, it: &mut Target| {
                let read = (url::url().read)(item, sink);
                let is_good = read.is_some();
                if let Some(Some(url)) = read {
                    it.place = Place::Url(url);
                }
                is_good
            },
            |it| {
                Some(match &it.place {
                    Place::Embedded(_) => EMBEDDED.into(),
                    Place::Url(url) => Url::as_str(url).into(),
                })
            },
        )
        .needed(),
        key!(
            "headers",
            headers::headers(),
            |it: Target| it.headers,
            r#"{ X-Test = "load" }"#,
            "Headers that every request to the target carries. Their values are never shown.",
        ),
        key!(
            "http",
            words("HTTP version", HttpVersion::WORDS).optional(),
            |it: Target| it.http,
            r#""2""#,
            "HTTP version of every journey that does not choose one. Absent: as its client does it.",
        ),
        key!(
            "tls",
            tls::tls(),
            |it: Target| it.tls,
            r#"{ ca = "ca.pem" }"#,
            "TLS of the target's clients.",
        ),
    ];
    keys.extend(addresses::keys());
    keys.push(Key::custom(
        (
            "auth",
            r#"{ tokens = "shared" }"#,
            "Credentials and tokens.",
        ),
        Form::Table("target.auth"),
        auth::read,
        |it| Some(key::show(&*auth::KEYS, it).into()),
    ));
    keys.push(Key::custom(
        (
            EMBEDDED,
            r#"{ auth = "basic" }"#,
            "The registry in this process. Needs `url = \"embedded\"`.",
        ),
        Form::Table("target.embedded"),
        |item, sink, it: &mut Target| {
            let read =
                (key::table(Form::Table("target.embedded"), &embedded::KEYS).read)(item, sink);
            let is_good = read.is_some();
            if let (Some(read), Place::Embedded(embedded)) = (read, &mut it.place) {
                *embedded = read;
            }
            is_good
        },
        |it| match &it.place {
            Place::Embedded(embedded) => Some(key::show(&*embedded::KEYS, embedded).into()),
            Place::Url(_) => None,
        },
    ));
    keys
});

pub(super) fn read(item: &Item, sink: &Sink) -> Option<Target> {
    let mut table = Table::open(item, sink)?;
    let mut target = Target::default();
    let is_good = key::read(&mut table, &*KEYS, &mut target);
    if let (Place::Url(_), Some(url), Some(embedded)) =
        (&target.place, table.entry("url"), table.entry(EMBEDDED))
    {
        let spot = embedded.key_spot.clone();
        sink.report(
            Problem::new("`embedded` describes a registry that is not used", spot)
                .label("remove it, or use url = \"embedded\"")
                .also(url.item.spot.clone(), "the target is at this address"),
        );
    }
    table.finish();
    is_good.then_some(target)
}

/// The target as it would be written, without its secrets.
pub(super) fn show(target: &Target) -> Plain {
    key::show(&*KEYS, target).into()
}

/// The tables of the target, for the reference.
pub(super) fn sections() -> Vec<Section> {
    let target = Target::default();
    let section = |name, heading, text: &str, keys| Section {
        name,
        heading,
        text: text.to_owned(),
        keys,
        decider: None,
    };
    vec![
        section(
            "target",
            "`[target]`",
            "The registry under test, and how its clients reach it.",
            key::describe(&KEYS, &target),
        ),
        section(
            "target.tls",
            "`[target.tls]`",
            "TLS of the target's clients.",
            key::describe(&tls::KEYS, &target.tls),
        ),
        section(
            "target.auth",
            "`[target.auth]`",
            "Credentials and tokens.",
            key::describe(&auth::KEYS, &target),
        ),
        section(
            "target.embedded",
            "`[target.embedded]`",
            "The registry in this process.",
            key::describe(&embedded::KEYS, &Embedded::default()),
        ),
    ]
}

/// The rules between an embedded registry and the rest: it starts empty, and may keep no content.
pub(super) fn check(scenario: &Scenario, journeys: &[Entry], root: &[Entry], sink: &Sink) {
    let Place::Embedded(embedded) = &scenario.target.place else {
        return;
    };
    let url = spot_of(root, &["target", "url"]);
    let report = |problem: Problem, label: &str| {
        sink.report(match &url {
            Some(url) => problem.also(url.clone(), label),
            None => problem,
        });
    };
    if scenario.target.docker_config.is_some()
        && let Some(spot) = spot_of(root, &["target", "auth", "docker_config"])
    {
        let problem = Problem::new("docker knows nothing of the embedded registry", spot);
        report(
            problem.label("use username and password"),
            "it is made anew for each run",
        );
    } else if embedded.auth != AuthScheme::Open && scenario.target.credentials.is_none() {
        let spot = spot_of(root, &["target", EMBEDDED, "auth"]).or_else(|| url.clone());
        if let Some(spot) = spot {
            let problem = Problem::new("the embedded registry asks who is there", spot);
            sink.report(problem.label("add [target.auth]: username and password"));
        }
    }
    for (journey, entry) in scenario.journeys.iter().zip(journeys) {
        let Some(images) = journey.action.reads() else {
            continue;
        };
        let source = &scenario.images[images.set].source;
        let existing = matches!(source, ImageSource::Existing(_));
        let spot = || entry.key_spot.clone();
        let verifies = matches!(&journey.action, Action::Pull(pull) if pull.verify.reads_content());
        if existing || !scenario.prepare.seed {
            let problem = Problem::new(
                format!("there is nothing to {}", journey.action.verb()),
                spot(),
            )
            .label(if existing {
                "its images exist already somewhere else"
            } else {
                "use seed = true in [prepare]"
            });
            report(problem, "the embedded registry starts empty");
        } else if embedded.storage == Storage::Sink && verifies {
            let problem = Problem::new("no blob would have its digest", spot())
                .label("use verify = \"length\", or storage = \"memory\"");
            report(problem, "the embedded registry keeps no content");
        }
    }
}

/// Where the value at the end of a path was written.
fn spot_of(entries: &[Entry], path: &[&str]) -> Option<Spot> {
    let (key, rest) = path.split_first()?;
    let entry = entries.iter().find(|entry| entry.key == *key)?;
    match &entry.item.value {
        _ if rest.is_empty() => Some(entry.item.spot.clone()),
        Value::Table(entries) => spot_of(entries, rest),
        _ => None,
    }
}

//! The keys at the top of a scenario.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use super::{hook, threshold};
use crate::keys::codec::{count, number_of, text};
use crate::keys::define::keys;
use crate::keys::form::{Described, Form};
use crate::keys::name::{MOST_TABLES, identifier};
use crate::keys::value::words;
use crate::scenario::root::DEFAULT_SEED;

keys! {
    /// The keys at the top that are no tables.
    pub(super) struct Values {
        /// Name of the scenario, fit to be a file name.
        pub(super) name: String => text("name, at most 64 characters", identifier), "my-first-run", needed;
        /// What the scenario is about.
        pub(super) description: String => text("text, at most 1,000 characters", words(1000)), "pulls by a fleet";
        /// Where every random choice starts: two runs of one seed do the same.
        pub(super) seed: u64 = DEFAULT_SEED => count(0..=u64::MAX), 7;
        /// Worker threads. Absent: one for each core.
        pub(super) workers: Option<NonZeroUsize> => number_of(1024).optional(), 4;
    }
}

pub(super) static TARGET: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Table("target");
    let meaning = "The registry under test.";
    Described::own(("target", r#"{ url = "embedded" }"#), form, meaning).needed()
});
pub(super) static IMAGES: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"{ web = { source = "existing", references = ["lab/web:1"] } }"#;
    Described::own(
        ("images", example),
        named("images"),
        "The image sets, by name.",
    )
});
pub(super) static JOURNEY: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"{ pull = { action = "pull", images = "web" } }"#;
    let meaning = "The journeys, by name. At least one.";
    Described::own(("journey", example), named("journey"), meaning).needed()
});
pub(super) static LOAD: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"[{ journey = "pull", executor = "constant-vus", vus = 10, duration = "1m" }]"#;
    let form = Form::Table("load").list(MOST_TABLES);
    Described::own(("load", example), form, "The loads. At least one.").needed()
});
pub(super) static PROBE: LazyLock<Described> = LazyLock::new(|| {
    let form = Form::Table("probe");
    Described::own(
        ("probe", r#"{ every = "1s" }"#),
        form,
        "A client beside the load.",
    )
});
pub(super) static UPSTREAM: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"{ listen = "127.0.0.1:5099" }"#;
    let form = Form::Table("upstream");
    Described::own(
        ("upstream", example),
        form,
        "The registry behind the target, where that is a pull-through cache.",
    )
});
pub(super) static HOOK: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"[{ name = "gc", command = ["./collect-garbage"], at = "30s" }]"#;
    let form = Form::Table("hook").list(hook::MOST);
    Described::own(("hook", example), form, "Commands beside the load.")
});
pub(super) static PREPARE: LazyLock<Described> = LazyLock::new(|| {
    let meaning = "What happens outside the measured window.";
    Described::own(
        ("prepare", r#"{ clean_up = "all" }"#),
        Form::Table("prepare"),
        meaning,
    )
});
pub(super) static AUDIT: LazyLock<Described> = LazyLock::new(|| {
    let meaning = "What is read back after the load.";
    Described::own(
        ("audit", r#"{ sample = "all" }"#),
        Form::Table("audit"),
        meaning,
    )
});
pub(super) static THRESHOLD: LazyLock<Described> = LazyLock::new(|| {
    let example = r#"[{ metric = "errors", expect = "rate < 1%" }]"#;
    let form = Form::Table("threshold").list(threshold::MOST);
    Described::own(("threshold", example), form, "What the run is judged by.")
});

/// Tables with names that people choose.
fn named(of: &'static str) -> Form {
    Form::Map {
        key: "names",
        of: Box::new(Form::Table(of)),
    }
}

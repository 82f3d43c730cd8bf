//! The `[prepare]` table.

use std::sync::LazyLock;

use crate::keys::codec::{Codec, flag, number_of, words};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::section::Section;
use crate::scenario::prepare::{CleanUp, Prepare};

pub(super) static KEYS: LazyLock<Vec<Key<Prepare>>> = LazyLock::new(|| {
    vec![
        key!(
            "seed",
            flag(),
            |it: Prepare| it.seed,
            "false",
            "Push the images that journeys need before the load begins.",
        ),
        key!(
            "clean_up",
            words("clean-up", CleanUp::WORDS),
            |it: Prepare| it.clean_up,
            r#""all""#,
            "What is deleted at the end, of what this run stored: nothing, manifests, or manifests and blobs.",
        ),
        key!(
            "parallel",
            number_of(64),
            |it: Prepare| it.parallel,
            "8",
            "Images pushed at once before the load.",
        ),
    ]
});

pub(super) fn prepare() -> Codec<Prepare> {
    key::table(Form::Table("prepare"), &KEYS)
}

pub(super) fn section() -> Section {
    Section {
        name: "prepare",
        heading: "`[prepare]`",
        text: "What happens outside the measured window.".to_owned(),
        keys: key::describe(&KEYS, &Prepare::default()),
        decider: None,
    }
}

//! `pull`: takes an image from the registry.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::super::chosen::Chosen;
use super::cache::{Cache, cache};
use super::kind::{Definition, Kind};
use super::requests::{Requests, resolving_head};
use crate::keys::codec::{Codec, words};
use crate::keys::form::Form;
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Fields;
use crate::keys::table::Table;
use crate::keys::value::parsed;
use crate::oci::{Operation, Platform, Verify};
use crate::profile::{ConfigOrder, Habits, PullAgain, Resolve};
use crate::scenario::selection::Selection;
use crate::units::ByteSize;

const WORD: &str = "pull";

/// How an image is pulled.
#[derive(Debug, Clone)]
pub struct Pull {
    /// The images.
    pub images: Selection,
    /// What is checked of each blob.
    pub verify: Verify,
    /// Which image of an index.
    pub platform: Platform,
    /// What of the image is on this side already.
    pub cache: Cache,
}

impl Default for Pull {
    fn default() -> Self {
        Self {
            images: Selection::default(),
            verify: Verify::Digest,
            platform: Platform::linux_amd64(),
            cache: Cache::Cold,
        }
    }
}

const VERIFY: &[(&str, Verify)] = &[
    ("digest", Verify::Digest),
    ("sha256", Verify::EveryDigest),
    ("length", Verify::Length),
    ("none", Verify::None),
];

static KEYS: LazyLock<Vec<Key<Pull>>> = LazyLock::new(|| {
    let platform = Codec::new(
        Form::Text("platform, such as `\"linux/arm64\"`"),
        parsed::<Platform>,
        |platform| Some(platform.to_string().into()),
    );
    let keys = vec![
        key!(
            "cache",
            cache(),
            |it: Pull| it.cache,
            r#""warm""#,
            "What of an image the client has before each pull: nothing, everything, or a share of its layers.",
        ),
        key!(
            "verify",
            words("verify", VERIFY),
            |it: Pull| it.verify,
            r#""length""#,
            "What is checked of each blob: every byte, against the digest or a copy that had it; every byte by SHA-256; its length; \
             nothing.",
        ),
        key!(
            "platform",
            platform,
            |it: Pull| it.platform,
            r#""linux/arm64""#,
            "Which image of an index is pulled.",
        ),
    ];
    keys.into_iter().map(|key| key.only(&[WORD])).collect()
});

pub(super) static DEFINITION: Definition = Definition {
    word: WORD,
    meaning: "takes images from the registry",
    text: "Takes an image from the registry.",
    verb: "pull",
    images_are_optional: false,
    reads_images: true,
    stores: false,
    look,
    described: || key::describe(&KEYS, &Pull::default()),
};

fn look(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    key::look(table, &KEYS, seen, &mut Pull::default());
}

pub(super) fn read(table: &mut Table<'_>, chosen: Chosen<'_>, _: &Habits) -> Option<Pull> {
    let mut pull = Pull::default();
    let is_good = key::read(table, &*KEYS, &mut pull);
    pull.images = chosen.selection??;
    is_good.then_some(pull)
}

impl Kind for Pull {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        let gets = [Operation::ManifestGet, Operation::BlobGet];
        resolving_head(habits).into_iter().chain(gets).collect()
    }

    fn requests(&self, habits: &Habits, sizes: &[u64], _images: usize, requests: &mut Requests) {
        let habits = &habits.pull;
        let warm = self.cache == Cache::Warm;
        if let Resolve::Head(_) = habits.resolve {
            requests.add(Operation::ManifestHead, 1);
            if warm && habits.again == PullAgain::Everything {
                return;
            }
        }
        requests.add(Operation::ManifestGet, 1);
        let again = habits.again;
        let here = match again {
            PullAgain::Nothing => 0,
            _ => self.cache.layers(sizes.len()),
        };
        let fetched = &sizes[here..];
        let config = !warm || matches!(again, PullAgain::Nothing | PullAgain::Layers);
        let parts = |size: &u64| {
            habits
                .part_size
                .map_or(1, |part| size.div_ceil(part.get()).max(1))
        };
        let layers: u64 = fetched.iter().map(parts).sum();
        requests.add(Operation::BlobGet, layers + u64::from(config));
        requests.down = fetched.iter().sum();
        let part = habits.part_size.map_or(u64::MAX, ByteSize::get);
        requests.largest = fetched.iter().max().map_or(0, |size| part.min(*size));
    }

    fn in_flight(&self, habits: &Habits) -> usize {
        let beside = habits.pull.config == ConfigOrder::Beside;
        habits.pull.parallel.get() + usize::from(beside)
    }

    fn show(&self) -> Fields {
        key::show(&*KEYS, self)
    }
}

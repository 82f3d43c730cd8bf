//! `pull`: takes an image from the registry.

use super::super::chosen::Chosen;
use super::cache::{Cache, cache};
use super::kind::Kind;
use super::requests::{Requests, resolving_head};
use crate::keys::codec::{Codec, words};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::table::Table;
use crate::keys::value::parsed;
use crate::oci::{Operation, Platform, Verify};
use crate::profile::{ConfigOrder, Habits, PullAgain, Resolve};
use crate::scenario::selection::Selection;

keys! {
    /// How an image is pulled.
    #[derive(Debug, Clone)]
    pub struct Pull {
        /// The images.
        pub images: Selection;
        /// What of an image the client has before each pull: nothing, everything, or a share of its layers.
        pub cache: Cache = Cache::Cold => cache(), "warm";
        /// What is checked of each blob: every byte, against the digest or a copy that had it; every byte by SHA-256; its
        /// length; nothing.
        pub verify: Verify = Verify::Digest => verify(), "length";
        /// Which image of an index is pulled.
        pub platform: Platform = Platform::linux_amd64() => platform(), "linux/arm64";
    }
}

const VERIFY: &[(&str, Verify)] = &[
    ("digest", Verify::Digest),
    ("sha256", Verify::EveryDigest),
    ("length", Verify::Length),
    ("none", Verify::None),
];

/// `verify`: what is checked of what is fetched.
pub(super) fn verify() -> Codec<Verify> {
    words("verify", VERIFY)
}

/// `platform`: which image of an index is meant.
pub(super) fn platform() -> Codec<Platform> {
    let form = Form::Text("platform, such as `\"linux/arm64\"`");
    let show = |platform: &Platform| Some(platform.to_string().into());
    Codec::new(form, parsed::<Platform>, show)
}

impl Kind for Pull {
    const WORD: &'static str = "pull";
    const MEANING: &'static str = "takes images from the registry";
    const TEXT: &'static str = "Takes an image from the registry.";
    const VERB: &'static str = "pull";
    const MOVES_LAYERS: bool = true;

    fn take(&mut self, _: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        self.images = chosen.selection??;
        Some(())
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
    }

    fn verify(&self) -> Verify {
        self.verify
    }

    fn in_flight(&self, habits: &Habits) -> usize {
        let beside = habits.pull.config == ConfigOrder::Beside;
        habits.pull.parallel.get() + usize::from(beside)
    }
}

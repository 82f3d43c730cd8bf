//! `lazy-pull`: mounts the layers of an image, and reads parts of them.

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::pull::{platform, verify};
use super::requests::{Requests, resolving_head};
use crate::keys::codec::{flag, fraction};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::lazy::{self, LazyFormat, LazyLayers};
use crate::oci::{Operation, Platform, Verify};
use crate::profile::{ConfigOrder, Habits, Resolve};
use crate::scenario::selection::Selection;
use crate::scenario::{ImageSet, ImageSource};

keys! {
    /// What of an image is fetched.
    #[derive(Debug, Clone)]
    pub struct LazyPull {
        /// The images.
        pub images: Selection;
        /// How the layers of the set are made; `None` if they come from elsewhere.
        pub layers: Option<LazyLayers>;
        /// The share of each layer's content that is read: by a container that starts, or, of zstd:chunked, the share that the
        /// node does not have.
        pub read_fraction: f64 = 0.064 => fraction(0.0..=1.0), 0.2;
        /// Fetch the rest of the layers afterwards, as the stargz snapshotter does; two layers at a time. Layers of other formats
        /// are not fetched.
        pub background_fetch: bool => flag(), true;
        /// What is checked: the content of each chunk against the digest in the table of contents, or only that the ranges are
        /// those that were asked for. `sha256` is the same as `digest`.
        pub verify: Verify = Verify::Digest => verify(), "length";
        /// Which image of an index is pulled.
        pub platform: Platform = Platform::linux_amd64() => platform(), "linux/arm64";
    }
}

impl LazyPull {
    /// Reports a set whose layers cannot be read in parts, or a key that its format has no use for.
    fn suits(&self, table: &mut Table<'_>, set: &ImageSet) -> Option<()> {
        let ImageSource::Synthetic(spec) = &set.source else {
            return Some(());
        };
        let (key, message, label) = match spec.lazy_format {
            None => (
                "images",
                "the layers of this set cannot be read in parts",
                format!("add `lazy_format = \"estargz\"` to [images.{}]", set.name),
            ),
            Some(LazyFormat::ZstdChunked) if self.background_fetch => (
                "background_fetch",
                "layers of zstd:chunked are not fetched in the background",
                "remove it: what is missing is fetched before the container starts".to_owned(),
            ),
            Some(_) => return Some(()),
        };
        let spot = table.entry(key)?.item.spot.clone();
        table
            .sink()
            .report(Problem::new(message, spot).label(label));
        None
    }
}

impl Kind for LazyPull {
    const WORD: &'static str = "lazy-pull";
    const MEANING: &'static str = "reads parts of images";
    const TEXT: &'static str =
        "Mounts the layers of an image without pulling them, and reads parts of them.";
    const VERB: &'static str = "pull";
    const MOVES_LAYERS: bool = true;

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        if let Some(set) = chosen.set {
            self.suits(table, set)?;
            if let ImageSource::Synthetic(spec) = &set.source {
                self.layers = spec.lazy();
            }
        }
        self.images = chosen.selection??;
        Some(())
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        let mut operations: Vec<_> = resolving_head(habits).into_iter().collect();
        operations.extend([Operation::ManifestGet, Operation::BlobGet]);
        if self
            .layers
            .is_none_or(|it| it.format == LazyFormat::Estargz)
        {
            operations.push(Operation::BlobHead);
        }
        operations
    }

    fn requests(&self, habits: &Habits, sizes: &[u64], _images: usize, requests: &mut Requests) {
        if let Resolve::Head(_) = habits.pull.resolve {
            requests.add(Operation::ManifestHead, 1);
        }
        requests.add(Operation::ManifestGet, 1);
        let Some(layers) = self.layers else {
            // As if none of them could be read in parts.
            let all = sizes.len() as u64;
            requests.add(Operation::BlobGet, all + 1);
            requests.down = sizes.iter().sum();
            return;
        };
        let forecast = |(place, size): (usize, &u64)| {
            let read = (self.read_fraction, self.background_fetch);
            lazy::forecast(layers, (place, *size), read)
        };
        let of_layers: Vec<_> = sizes.iter().enumerate().map(forecast).collect();
        let gets: u64 = of_layers.iter().map(|it| it.gets).sum();
        requests.add(
            Operation::BlobHead,
            of_layers.iter().map(|it| it.heads).sum(),
        );
        requests.add(Operation::BlobGet, gets + 1);
        requests.down = of_layers.iter().map(|it| it.bytes).sum();
    }

    fn verify(&self) -> Verify {
        self.verify
    }

    fn in_flight(&self, habits: &Habits) -> usize {
        let beside = habits.pull.config == ConfigOrder::Beside;
        let parallel = habits.pull.parallel.get();
        let layers = match self.layers {
            Some(layers) if layers.format == LazyFormat::ZstdChunked => parallel,
            _ => parallel.max(lazy::MOUNTS),
        };
        layers + usize::from(beside)
    }
}

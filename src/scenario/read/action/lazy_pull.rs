//! `lazy-pull`: mounts the layers of an image, and reads parts of them.

use std::time::Duration;

use super::super::chosen::Chosen;
use super::kind::Kind;
use super::needs::Needs;
use super::pull::{platform, verify};
use super::requests::{Requests, resolving_head};
use crate::keys::codec::{HOUR, flag, fraction, time};
use crate::keys::define::keys;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::lazy::soci::SociLayers;
use crate::lazy::{self, ChunkFormat, LazyFormat, LazyLayers};
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
        /// Fetch the rest of the layers afterwards, as the snapshotters of containerd do: of eStargz two layers at a time, of SOCI
        /// one span of each layer in turn. Layers of zstd:chunked are not fetched.
        pub background_fetch: bool => flag(), true;
        /// The time from one span to the next in the background, as the SOCI snapshotter has it.
        pub background_period: Option<Duration> => time(Duration::ZERO..=HOUR).optional(), "100ms", defaults_to("`500ms`");
        /// Ask for a SOCI index first, as nodes with the SOCI snapshotter do. Without it they are asked for of sets with
        /// `lazy_format = "soci"`, and of images that name theirs.
        pub soci: bool => flag(), true;
        /// What is checked: the content of each chunk, or each span, against the digest in the table, or only that the ranges are
        /// those that were asked for. `sha256` is the same as `digest`.
        pub verify: Verify = Verify::Digest => verify(), "length";
        /// Which image of an index is pulled.
        pub platform: Platform = Platform::linux_amd64() => platform(), "linux/arm64";
    }
}

impl LazyPull {
    /// The time from one span to the next in the background.
    pub fn period(&self) -> Duration {
        self.background_period.unwrap_or(Duration::from_millis(500))
    }

    /// Whether a SOCI index is asked for, whatever the image says.
    pub const fn asks_for_soci(&self) -> bool {
        self.soci || self.soci_layers().is_some()
    }

    const fn soci_layers(&self) -> Option<SociLayers> {
        match self.layers {
            Some(LazyLayers::Soci(layers)) => Some(layers),
            Some(LazyLayers::Chunked(_)) | None => None,
        }
    }

    /// Adds what the SOCI snapshotter asks for before it mounts: the manifest once more, the list of what refers to it, and
    /// what it finds there.
    fn look_up(&self, sizes: &[u64], requests: &mut Requests) {
        requests.add(Operation::ManifestGet, 1);
        requests.add(Operation::Referrers, 1);
        let layers = self.soci_layers();
        if layers.is_some_and(|layers| sizes.iter().any(|it| layers.has_table(*it))) {
            requests.add(Operation::ManifestGet, 1);
        }
    }

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
            Some(LazyFormat::Estargz | LazyFormat::ZstdChunked) if self.soci => (
                "soci",
                "the images of this set have no SOCI index",
                format!(
                    "remove it, or write `lazy_format = \"soci\"` in [images.{}]",
                    set.name
                ),
            ),
            Some(LazyFormat::Estargz | LazyFormat::ZstdChunked)
                if self.background_period.is_some() =>
            {
                (
                    "background_period",
                    "only spans of SOCI are fetched with a period",
                    "remove it".to_owned(),
                )
            }
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

    fn needs(&self) -> Option<Needs<'_>> {
        Some(Needs {
            soci: self.soci_layers(),
            ..Needs::of(&self.images)
        })
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        let mut operations: Vec<_> = resolving_head(habits).into_iter().collect();
        operations.extend([Operation::ManifestGet, Operation::BlobGet]);
        let chunked = |it| match it {
            LazyLayers::Chunked(layers) => Some(layers.format),
            LazyLayers::Soci(_) => None,
        };
        let is_estargz = |it| chunked(it) == Some(ChunkFormat::Estargz);
        if !self.soci && self.layers.is_none_or(is_estargz) {
            operations.push(Operation::BlobHead);
        }
        if self.asks_for_soci() {
            operations.push(Operation::Referrers);
        }
        // An image that names its index: that is asked for its size.
        if self.layers.is_none() && !operations.contains(&Operation::ManifestHead) {
            operations.push(Operation::ManifestHead);
        }
        operations
    }

    fn requests(&self, habits: &Habits, sizes: &[u64], _images: usize, requests: &mut Requests) {
        if let Resolve::Head(_) = habits.pull.resolve {
            requests.add(Operation::ManifestHead, 1);
        }
        requests.add(Operation::ManifestGet, 1);
        if self.asks_for_soci() {
            self.look_up(sizes, requests);
        }
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
            Some(LazyLayers::Chunked(layers)) if layers.format == ChunkFormat::ZstdChunked => {
                parallel
            }
            _ => parallel.max(lazy::MOUNTS),
        };
        layers + usize::from(beside)
    }
}

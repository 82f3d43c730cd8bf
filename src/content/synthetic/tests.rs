//! The promises of a synthetic set.

use std::collections::BTreeSet;

use super::*;
use crate::content::testing::assert_true;
use crate::content::{Blob, Image};
use crate::oci::{Content, Digest, ImageConfig, MediaType};
use crate::units::ByteSize;

fn spec() -> SyntheticSpec {
    SyntheticSpec {
        count: 3,
        layers: LayerCount::Fixed(4),
        layer_size: SizeSpec::PerLayer(
            [700_001, 64, 100, 262_144 + 64]
                .map(ByteSize::from_bytes)
                .to_vec(),
        ),
        shared_base_layers: 2,
        config_size: SizeSpec::Fixed(ByteSize::from_bytes(2000)),
        ..SyntheticSpec::default()
    }
}

fn digests(image: &Image) -> Vec<Digest> {
    image.blobs().map(|blob| blob.descriptor().digest).collect()
}

const SALT: Salt = Salt {
    run: 1,
    vu: 2,
    iteration: 3,
};

#[test]
fn descriptors_are_true_and_sizes_are_as_asked() {
    let set = SyntheticSet::new(spec(), 42).unwrap();
    for image in [set.image(0), set.image(2), set.unique_image(1, SALT, 0)] {
        assert_true(&image);
        let sizes: Vec<u64> = image.layers().iter().map(Blob::size).collect();
        assert_eq!(sizes, [700_001, 64, 100, 262_208]);
        assert_eq!(image.config().unwrap().size(), 2000);
    }
    assert_eq!(set.layer_bytes(), 700_001 + 64 + 3 * (100 + 262_208));
    assert_eq!(set.layer_sizes(1).sum::<u64>(), 962_373);
}

#[test]
fn the_same_seed_gives_the_same_bytes_everywhere() {
    // Computed by a program of its own, in Python, from the description of the bytes.
    let set = SyntheticSet::new(spec(), 42).unwrap();
    let layers = |image: &Image| -> Vec<String> {
        image
            .layers()
            .iter()
            .map(|blob| blob.descriptor().digest.short())
            .collect()
    };
    assert_eq!(
        layers(&set.image(1)),
        [
            "d7b0b979ee50",
            "4c53d7413855",
            "8a9b0535eb66",
            "d9ca11f878be"
        ]
    );
    let long = SyntheticSpec {
        layer_size: SizeSpec::Fixed(ByteSize::from_mib(5)),
        layers: LayerCount::Fixed(1),
        shared_base_layers: 0,
        ..spec()
    };
    let long = SyntheticSet::new(long, 42).unwrap();
    assert_eq!(layers(&long.image(0)), ["c4b43d87c6f4"]);
    assert_eq!(
        layers(&set.unique_image(1, SALT, 0))[2..],
        ["8f4081d35318", "115516099fe8"]
    );
}

#[test]
fn images_share_their_base_and_nothing_else() {
    let set = SyntheticSet::new(spec(), 42).unwrap();
    let [a, b] = [set.image(0), set.image(1)].map(|image| digests(&image));
    assert_eq!(a[..2], b[..2]);
    let distinct: BTreeSet<_> = a.iter().chain(&b).collect();
    assert_eq!(distinct.len(), 8);
    let other = digests(&SyntheticSet::new(spec(), 43).unwrap().image(0));
    assert!(other.iter().all(|digest| !a.contains(digest)));
}

#[test]
fn a_salt_changes_what_is_not_shared() {
    let set = SyntheticSet::new(spec(), 42).unwrap();
    let plain = digests(&set.image(1));
    let salted = |salt| digests(&set.unique_image(1, salt, 0));
    let variants = [
        salted(SALT),
        salted(Salt { run: 2, ..SALT }),
        salted(Salt { vu: 3, ..SALT }),
        salted(Salt {
            iteration: 4,
            ..SALT
        }),
    ];
    assert_eq!(variants[0], salted(SALT));
    let mut own = BTreeSet::from_iter(&plain[2..]);
    for variant in &variants {
        assert_eq!(variant[..2], plain[..2]);
        own.extend(&variant[2..]);
    }
    assert_eq!(own.len(), 5 * 3, "two layers and a config, five times");
}

#[test]
fn config_and_manifest_agree() {
    for (format, manifest_type, layer_type) in [
        (Format::Oci, MediaType::OciManifest, MediaType::OciLayerGzip),
        (
            Format::Docker,
            MediaType::DockerManifest,
            MediaType::DockerLayerGzip,
        ),
    ] {
        let set = SyntheticSet::new(SyntheticSpec { format, ..spec() }, 1).unwrap();
        let image = set.unique_image(0, SALT, 0);
        let Content::Image(manifest) = image.manifest().content() else {
            panic!("an image")
        };
        assert_eq!(manifest.media_type, Some(manifest_type));
        assert!(
            manifest
                .layers
                .iter()
                .all(|layer| layer.media_type() == Some(&layer_type))
        );
        let bytes: Vec<u8> = image
            .config()
            .unwrap()
            .all()
            .flat_map(Result::unwrap)
            .collect();
        let layers: Vec<_> = manifest
            .layers
            .iter()
            .map(|layer| *layer.digest().unwrap())
            .collect();
        assert_eq!(ImageConfig::parse(&bytes).unwrap().rootfs.diff_ids, layers);
    }
}

#[test]
fn threads_that_prepare_do_not_change_the_result() {
    let wide = SyntheticSpec {
        count: 10,
        ..spec()
    };
    let ready = SyntheticSet::new(wide.clone(), 5).unwrap();
    ready.prepare(4);
    let lazy = SyntheticSet::new(wide, 5).unwrap();
    for index in (0..10).rev() {
        assert_eq!(digests(&ready.image(index)), digests(&lazy.image(index)));
    }
}

#[test]
fn an_image_may_have_no_layers() {
    let spec = SyntheticSpec {
        layers: LayerCount::Fixed(0),
        ..SyntheticSpec::default()
    };
    let set = SyntheticSet::new(spec, 1).unwrap();
    set.prepare(2);
    assert_true(&set.image(0));
    assert_eq!(set.image(0).blobs().count(), 1);
}

#[test]
fn images_of_several_numbers_of_layers_differ_in_all_but_the_base() {
    let counts = [2, 5, 3];
    let drawn = SyntheticSpec {
        layers: LayerCount::PerImage(counts.to_vec()),
        layer_size: SizeSpec::Fixed(ByteSize::from_bytes(100)),
        ..spec()
    };
    let set = SyntheticSet::new(drawn.clone(), 42).unwrap();
    let mut distinct = BTreeSet::new();
    for (index, count) in counts.into_iter().enumerate() {
        let image = set.image(index);
        assert_true(&image);
        assert_eq!((image.layers().len(), set.layers(index)), (count, count));
        assert_eq!(set.layer_sizes(index).count(), count);
        distinct.extend(digests(&image));
        let unique = set.unique_image(index, SALT, 0);
        assert_eq!(unique.layers().len(), count);
        distinct.extend(&digests(&unique)[2..]);
    }
    // Two shared layers; of 0, 3 and 1 others and three configs each twice.
    assert_eq!(distinct.len(), 2 + 2 * (4 + 3));
    // A layer is the same one whatever the other images have.
    let more = SyntheticSpec {
        layers: LayerCount::PerImage(vec![4, 5, 3]),
        ..drawn
    };
    let more = SyntheticSet::new(more, 42).unwrap();
    assert_eq!(digests(&more.image(1)), digests(&set.image(1)));
}

#[test]
fn numbers_of_layers_follow_from_the_seed() {
    let spec = SyntheticSpec {
        count: 50,
        layers: LayerCount::LogUniform { min: 2, max: 9 },
        layer_size: SizeSpec::Fixed(ByteSize::from_bytes(64)),
        ..spec()
    };
    let layers = |seed| -> Vec<usize> {
        let set = SyntheticSet::new(spec.clone(), seed).unwrap();
        (0..50).map(|index| set.layers(index)).collect()
    };
    assert_eq!(layers(7), layers(7));
    assert_ne!(layers(7), layers(8));
    assert!(layers(7).iter().all(|it| (2..=9).contains(it)));
}

#[test]
fn nonsense_is_refused() {
    let kib = ByteSize::from_kib;
    let refuse = |change: &dyn Fn(&mut SyntheticSpec)| {
        let mut spec = SyntheticSpec::default();
        change(&mut spec);
        SyntheticSet::new(spec, 1).unwrap_err()
    };
    let size = |size: SizeSpec| refuse(&move |spec| spec.layer_size = size.clone());
    assert_eq!(refuse(&|spec| spec.count = 0), SpecError::Empty);
    assert!(matches!(
        refuse(&|spec| spec.count = usize::MAX),
        SpecError::TooManyLayers { .. }
    ));
    assert!(matches!(
        refuse(&|spec| spec.shared_base_layers = 9),
        SpecError::SharedBase { .. }
    ));
    assert!(matches!(
        size(SizeSpec::PerLayer(vec![kib(1)])),
        SpecError::PerLayer { .. }
    ));
    let layers = |layers: LayerCount| refuse(&move |spec| spec.layers = layers.clone());
    let per_image = layers(LayerCount::PerImage(vec![1, 2]));
    assert!(matches!(per_image, SpecError::PerImage { .. }));
    let range = layers(LayerCount::LogUniform { min: 3, max: 2 });
    assert!(matches!(range, SpecError::Layers { .. }));
    let range = layers(LayerCount::LogUniform { min: 0, max: 2 });
    assert!(matches!(range, SpecError::Layers { .. }));
    let below = refuse(&|spec| {
        spec.layers = LayerCount::LogUniform { min: 2, max: 9 };
        spec.shared_base_layers = 3;
    });
    assert!(matches!(below, SpecError::SharedBase { .. }));
    let sizes = refuse(&|spec| {
        spec.layers = LayerCount::Stored { max: 120 };
        spec.layer_size = SizeSpec::PerLayer(vec![kib(1)]);
    });
    assert_eq!(sizes, SpecError::PerLayerOfSome);
    let all = refuse(&|spec| {
        spec.count = 100_000;
        spec.layers = LayerCount::LogUniform { min: 20, max: 30 };
        spec.layer_size = SizeSpec::Fixed(kib(1));
    });
    assert!(matches!(all, SpecError::TooManyLayers { .. }));
    let (min, max) = (kib(2), kib(1));
    assert!(matches!(
        size(SizeSpec::Uniform { min, max }),
        SpecError::Range { .. }
    ));
    let (min, max) = (kib(0), kib(1));
    assert_eq!(
        size(SizeSpec::LogUniform { min, max }),
        SpecError::LogOfZero
    );
    let fixed = SizeSpec::Fixed(ByteSize::from_bytes(63));
    assert!(matches!(size(fixed), SpecError::LayerTooSmall { .. }));
    let (median, min, max) = (kib(1), kib(1), kib(1));
    let sigma = f64::NAN;
    let nan = SizeSpec::LogNormal {
        median,
        sigma,
        min,
        max,
    };
    assert!(matches!(size(nan), SpecError::Sigma(_)));
}

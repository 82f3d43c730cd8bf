//! The promises of layers that clients read in parts: other decoders unpack them, and their tables are true.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::*;
use crate::content::testing::assert_true;
use crate::content::{Blob, Image};
use crate::lazy::{
    Checker, ChunkFormat, ChunkedLayers, Landmark, Layout, LazyFormat, Table, estargz, zstd_chunked,
};
use crate::oci::{Content, Digest, ImageConfig, MediaType};
use crate::units::ByteSize;

const FORMATS: [ChunkFormat; 2] = [ChunkFormat::Estargz, ChunkFormat::ZstdChunked];

fn spec(format: ChunkFormat, sizes: &[u64], prefetch: f64) -> SyntheticSpec {
    SyntheticSpec {
        layers: LayerCount::Fixed(sizes.len()),
        layer_size: SizeSpec::PerLayer(sizes.iter().copied().map(ByteSize::from_bytes).collect()),
        lazy_format: Some(match format {
            ChunkFormat::Estargz => LazyFormat::Estargz,
            ChunkFormat::ZstdChunked => LazyFormat::ZstdChunked,
        }),
        prefetch: Some(prefetch),
        ..SyntheticSpec::default()
    }
}

fn image(format: ChunkFormat, sizes: &[u64], prefetch: f64) -> Image {
    let set = SyntheticSet::new(spec(format, sizes, prefetch), 42).unwrap();
    set.image(0)
}

fn bytes(blob: &Blob) -> Vec<u8> {
    let mut bytes = Vec::new();
    blob.reader().read_to_end(&mut bytes).unwrap();
    bytes
}

/// As a client reads it: by what the manifest and the layer itself say.
fn table(blob: &Blob) -> Table {
    let (bytes, descriptor) = (bytes(blob), blob.descriptor());
    let stated = |key: &str| descriptor.annotations[key].clone();
    let size = descriptor.size;
    let slice = |range: std::ops::Range<u64>| {
        &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    };
    if descriptor.annotations.contains_key(estargz::TOC_DIGEST) {
        let footer = slice(size - estargz::FOOTER..size);
        let toc = estargz::toc_place(footer, size).unwrap();
        let digest = stated(estargz::TOC_DIGEST).parse().unwrap();
        let member = slice(toc..size - estargz::FOOTER);
        return estargz::parse(member, digest, size).unwrap();
    }
    let key = zstd_chunked::MANIFEST_PLACE;
    let manifest = zstd_chunked::place(key, &stated(key), size).unwrap();
    let digest = stated(zstd_chunked::MANIFEST_DIGEST).parse().unwrap();
    let table = zstd_chunked::parse(slice(manifest), digest, size).unwrap();
    let key = zstd_chunked::TAR_SPLIT_PLACE;
    let split = zstd_chunked::place(key, &stated(key), size).unwrap();
    assert_eq!(table.tar_split, Some(Digest::sha256(slice(split))));
    table
}

#[test]
fn descriptors_are_true_and_sizes_are_as_asked() {
    let sizes = [16_384, 16_385, 20_000, 99_999, 1 << 20, 5_000_003];
    for format in FORMATS {
        for prefetch in [0.0, 0.3, 1.0] {
            let image = image(format, &sizes, prefetch);
            assert_true(&image);
            let made: Vec<u64> = image.layers().iter().map(Blob::size).collect();
            assert_eq!(made, sizes, "{format:?}");
        }
    }
}

#[test]
fn any_size_has_a_layout_that_fills_it() {
    for format in FORMATS {
        for size in
            (16_384..40_000)
                .step_by(7)
                .chain([300 << 20, (300 << 20) + 1, 4 << 30, Layout::MOST])
        {
            let prefetch = 0.25;
            let layout = Layout::of(ChunkedLayers { format, prefetch }, size);
            assert_eq!(layout.size(), size);
            let (padding, content) = (layout.padding(), layout.content());
            // Never more than a file with its entry would take.
            assert!(padding < 4_096, "{format:?} {size}: {padding}");
            assert!(format == ChunkFormat::Estargz || padding == 0 || padding >= 8);
            assert!(content % 512 == 0 && content < size);
            assert!(
                size < 100_000 || content * 100 > size * 97,
                "{format:?} {size}"
            );
        }
    }
}

#[test]
fn another_decoder_unpacks_what_the_config_says() {
    for format in FORMATS {
        let image = image(format, &[300_000, 90_000], 0.5);
        let config = ImageConfig::parse(&bytes(image.config().unwrap())).unwrap();
        for (layer, diff_id) in image.layers().iter().zip(&config.rootfs.diff_ids) {
            let packed = bytes(layer);
            let mut tar = Vec::new();
            match format {
                ChunkFormat::Estargz => {
                    MultiGzDecoder::new(&packed[..])
                        .read_to_end(&mut tar)
                        .unwrap();
                    let stated = &layer.descriptor().annotations[estargz::UNCOMPRESSED_SIZE];
                    assert_eq!(*stated, tar.len().to_string());
                }
                ChunkFormat::ZstdChunked => tar = zstd::decode_all(&packed[..]).unwrap(),
            }
            assert_eq!(Digest::sha256(&tar), *diff_id, "{format:?}");
            let mut archive = tar::Archive::new(&tar[..]);
            let files = archive.entries().unwrap().map(|entry| {
                let mut entry = entry.unwrap();
                let name = entry.path().unwrap().to_str().unwrap().to_owned();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                (name, Digest::sha256(&content))
            });
            let files: Vec<_> = files.collect();
            // What is in the table is in the tar, in that order.
            let table = table(layer);
            let named = files.iter().filter(|(name, _)| name.starts_with("file-"));
            let stated = table.chunks.iter().map(|it| it.payloads[0].digest);
            assert!(named.map(|(_, digest)| *digest).eq(stated), "{format:?}");
            let others = files.len() - table.chunks.len();
            assert_eq!(others, if format == ChunkFormat::Estargz { 2 } else { 0 });
        }
    }
}

#[test]
fn each_chunk_is_where_the_table_and_the_layout_say() {
    for (format, prefetch) in [
        (ChunkFormat::Estargz, 0.0),
        (ChunkFormat::Estargz, 0.4),
        (ChunkFormat::ZstdChunked, 0.0),
    ] {
        let size = 1_000_000;
        let spec = spec(format, &[size], prefetch);
        let layout = Layout::of(ChunkedLayers { format, prefetch }, size);
        let image = SyntheticSet::new(spec, 1).unwrap().image(0);
        let layer = &image.layers()[0];
        let (table, packed) = (table(layer), bytes(layer));
        let spans: Vec<_> = table.chunks.iter().map(|it| it.span.clone()).collect();
        assert_eq!(spans, layout.chunks().0);
        for chunk in &table.chunks {
            let mut checker = Checker::new(format, chunk).unwrap();
            let start = usize::try_from(chunk.span.start).unwrap();
            let end = usize::try_from(chunk.span.end).unwrap();
            checker.update(&packed[start..end]).unwrap();
            checker.finish().unwrap();
        }
        let expected = match (format, prefetch > 0.0) {
            (ChunkFormat::Estargz, true) => Landmark::Prefetch(layout.landmark_at()),
            (ChunkFormat::Estargz, false) => Landmark::NoPrefetch,
            (ChunkFormat::ZstdChunked, _) => Landmark::Absent,
        };
        assert_eq!(table.landmark, expected);
    }
}

#[test]
fn frames_from_any_byte_on_are_those_of_the_whole() {
    for format in FORMATS {
        let image = image(format, &[700_000], 0.5);
        let layer = &image.layers()[0];
        let whole = bytes(layer);
        for start in (0..whole.len())
            .step_by(9_973)
            .chain([1, 534, 535, 536, 699_999])
        {
            let end = whole.len().min(start + 70_001);
            let frames = layer.frames(start as u64..end as u64).unwrap();
            let read: Vec<u8> = frames.flat_map(|it| it.unwrap().to_vec()).collect();
            assert!(read == whole[start..end], "{format:?} from {start}");
        }
    }
}

#[test]
fn variants_are_unique_and_true() {
    let salt = |iteration| Salt {
        run: 1,
        vu: 2,
        iteration,
    };
    for format in FORMATS {
        let set = SyntheticSet::new(spec(format, &[200_000, 30_000], 0.2), 7).unwrap();
        let images = [
            set.image(0),
            set.unique_image(0, salt(1), 0),
            set.unique_image(0, salt(2), 0),
        ];
        let mut digests = std::collections::BTreeSet::new();
        for image in &images {
            assert_true(image);
            for layer in image.layers() {
                digests.insert(layer.descriptor().digest);
                assert!(!table(layer).chunks.is_empty());
            }
        }
        assert_eq!(digests.len(), 6, "{format:?}");
    }
}

#[test]
fn manifests_state_the_type_and_the_annotations() {
    for (format, media_type, key) in [
        (
            ChunkFormat::Estargz,
            MediaType::OciLayerGzip,
            estargz::TOC_DIGEST,
        ),
        (
            ChunkFormat::ZstdChunked,
            MediaType::OciLayerZstd,
            zstd_chunked::MANIFEST_DIGEST,
        ),
    ] {
        let image = image(format, &[50_000], 0.0);
        let Content::Image(manifest) = image.manifest().content() else {
            panic!("an image");
        };
        let layer = manifest.layer(0).unwrap();
        assert_eq!(layer.media_type, media_type);
        assert!(layer.annotations.contains_key(key));
    }
}

#[test]
fn what_is_impossible_is_refused() {
    let refuse = |change: &dyn Fn(&mut SyntheticSpec)| {
        let mut spec = spec(ChunkFormat::Estargz, &[50_000], 0.0);
        change(&mut spec);
        SyntheticSet::new(spec, 1).unwrap_err()
    };
    let docker = refuse(&|spec| spec.format = Format::Docker);
    assert_eq!(docker, SpecError::LazyDocker);
    let size = |size| refuse(&|spec| spec.layer_size = SizeSpec::Fixed(ByteSize::from_bytes(size)));
    assert!(matches!(size(16_383), SpecError::LayerTooSmall { .. }));
    assert!(matches!(
        size(Layout::MOST + 1),
        SpecError::LayerTooLarge { .. }
    ));
    let much = refuse(&|spec| {
        spec.count = 10_000;
        spec.layer_size = SizeSpec::Fixed(ByteSize::from_mib(64));
    });
    assert!(matches!(much, SpecError::TooMuchMetadata { .. }));
}

//! One layer that clients read in parts: its metadata, its digest, and what its manifest says of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use flate2::Crc;

use super::crc64::Crc64;
use super::lazy_stream::{FileSum, LazyStream, file_header, has_landmark, header, landmark};
use super::stream::Stream;
use crate::lazy::stored::{Wrapping, padded_gzip, skippable};
use crate::lazy::zstd_chunked::{self, TarSplit};
use crate::lazy::{self, ChunkFormat, Layout, estargz};
use crate::oci::{Algorithm, Descriptor, Digest, Hasher};

/// The end of a tar: two empty blocks.
const TAR_END: [u8; 1024] = [0; 1024];
const TAR_BLOCK: usize = 512;

/// A layer, and what its variants have in common: everything but the end of the last file, and the metadata.
#[derive(Debug)]
pub(super) struct LazyLayer {
    stream: LazyStream,
    body: Hasher, // has seen everything before the content of the last file
    tar: Hasher,  // the same of the uncompressed layer
}

/// A layer as it is pushed.
pub(super) struct Finished {
    pub(super) descriptor: Descriptor,
    /// The digest of the uncompressed layer.
    pub(super) diff_id: Digest,
    pub(super) stream: LazyStream,
}

/// The metadata of a layer, and what its manifest and config say of it.
struct Metadata {
    bytes: Vec<u8>,
    annotations: BTreeMap<String, String>,
    /// The end of the uncompressed layer.
    tar_end: Vec<u8>,
}

impl LazyLayer {
    /// Hashes the files of a layer, whose content has the length that the layout says.
    pub(super) fn new(layout: Layout, content: Stream) -> Self {
        let last = layout.files() - 1;
        let sums: Vec<_> = (0..last).map(|file| sum(&layout, &content, file)).collect();
        let stream = LazyStream {
            last: sum(&layout, &content, last),
            sums: sums.into(),
            metadata: Bytes::new(),
            layout,
            content,
        };
        let mut body = Algorithm::Sha256.hasher();
        feed(&stream, 0..layout.payload_at(last), &mut body);
        let mut tar = Algorithm::Sha256.hasher();
        for file in 0..=last {
            if has_landmark(&layout) && layout.landmark().1 == file {
                for part in &landmark(&layout) {
                    tar.update(part);
                }
            }
            tar.update(&file_header(&layout, file));
            if file < last {
                each(&stream.content, layout.content_of(file), |it| {
                    tar.update(it);
                });
            }
        }
        Self { stream, body, tar }
    }

    /// Returns the layer with this content, which differs in its end at most.
    pub(super) fn finish(&self, content: &Stream) -> Finished {
        let layout = self.stream.layout;
        let last = layout.files() - 1;
        let mut stream = LazyStream {
            content: content.clone(),
            last: sum(&layout, content, last),
            ..self.stream.clone()
        };
        let metadata = match layout.format() {
            ChunkFormat::Estargz => of_estargz(&stream),
            ChunkFormat::ZstdChunked => of_zstd_chunked(&stream),
        };
        stream.metadata = metadata.bytes.into();
        let mut body = self.body.clone();
        feed(&stream, layout.payload_at(last)..layout.size(), &mut body);
        let mut tar = self.tar.clone();
        each(content, layout.content_of(last), |it| tar.update(it));
        tar.update(&metadata.tar_end);
        let media_type = layout.format().layer();
        Finished {
            descriptor: Descriptor {
                annotations: metadata.annotations,
                ..Descriptor::new(media_type, body.finish(), layout.size())
            },
            diff_id: tar.finish(),
            stream,
        }
    }

    /// The content.
    pub(super) const fn content(&self) -> &Stream {
        &self.stream.content
    }
}

fn sum(layout: &Layout, content: &Stream, file: u64) -> FileSum {
    let mut digest = Algorithm::Sha256.hasher();
    let (mut crc, mut crc64) = (Crc::new(), Crc64::new());
    each(content, layout.content_of(file), |bytes| {
        digest.update(bytes);
        match layout.wrapping() {
            Wrapping::Gzip => crc.update(bytes),
            Wrapping::Zstd => crc64.update(bytes),
        }
    });
    FileSum {
        digest: digest.finish(),
        crc: crc.sum(),
        crc64: crc64.sum(),
    }
}

fn each(content: &Stream, part: std::ops::Range<u64>, mut take: impl FnMut(&[u8])) {
    let mut at = part.start;
    while at < part.end {
        let frame = content.frame(at, part.end);
        take(&frame);
        at += frame.len() as u64;
    }
}

fn feed(stream: &LazyStream, part: std::ops::Range<u64>, hasher: &mut Hasher) {
    let mut at = part.start;
    while at < part.end {
        let frame = stream.frame(at, part.end);
        hasher.update(&frame);
        at += frame.len() as u64;
    }
}

fn of_estargz(stream: &LazyStream) -> Metadata {
    let layout = &stream.layout;
    let json = lazy::estargz_toc(layout, |file| stream.sum(file).digest);
    let mut tar = header(estargz::TOC_NAME, json.len() as u64).to_vec();
    tar.extend_from_slice(json.as_bytes());
    tar.resize(tar.len().next_multiple_of(TAR_BLOCK), 0);
    tar.extend_from_slice(&TAR_END);
    let mut bytes = padded_gzip(&tar, layout.padding());
    bytes.extend_from_slice(&estargz::footer(layout.content_end()));
    let headers = (layout.files() + 1) * TAR_BLOCK as u64;
    // The landmark takes a block, too.
    let size = headers + layout.content() + TAR_BLOCK as u64 + tar.len() as u64;
    Metadata {
        bytes,
        annotations: BTreeMap::from([
            (
                estargz::TOC_DIGEST.to_owned(),
                Digest::sha256(json.as_bytes()).to_string(),
            ),
            (estargz::UNCOMPRESSED_SIZE.to_owned(), size.to_string()),
        ]),
        tar_end: tar,
    }
}

fn of_zstd_chunked(stream: &LazyStream) -> Metadata {
    let layout = &stream.layout;
    let mut split = TarSplit::default();
    for file in 0..layout.files() {
        split.segment(&file_header(layout, file));
        let crc = stream.sum(file).crc64;
        split.file(&lazy::file_name(file), layout.file_size(file), crc);
    }
    split.segment(&TAR_END);
    let split = Wrapping::Zstd.wrap(split.as_bytes());
    let json = lazy::zstd_manifest(layout, &Digest::sha256(&split), |file| {
        stream.sum(file).digest
    });
    let manifest = Wrapping::Zstd.wrap(json.as_bytes());
    let mut bytes = Wrapping::Zstd.wrap(&TAR_END);
    if layout.padding() > 0 {
        let empty = skippable(&[]).len();
        let padding = usize::try_from(layout.padding()).unwrap_or(empty);
        bytes.extend_from_slice(&skippable(&vec![0; padding - empty]));
    }
    let places = layout.places();
    let mut annotations = BTreeMap::from([(
        zstd_chunked::MANIFEST_DIGEST.to_owned(),
        Digest::sha256(&manifest).to_string(),
    )]);
    for (key, text) in places.annotations() {
        annotations.insert(key.to_owned(), text);
    }
    for frame in [manifest, split, places.footer()] {
        bytes.extend_from_slice(&skippable(&frame));
    }
    Metadata {
        bytes,
        annotations,
        tar_end: TAR_END.to_vec(),
    }
}

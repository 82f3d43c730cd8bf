//! One layer for SOCI: its digest, its variants, and its table.

use flate2::Crc;

use super::soci_stream::{SociStream, each, each_of_tar};
use super::stream::Stream;
use crate::content::blob::Blob;
use crate::lazy::soci::{self, SociLayers, SociLayout, WINDOW};
use crate::oci::{Algorithm, Descriptor, Digest, Hasher, MediaType};

/// A layer, and what its variants have in common: everything but the end of the last file.
#[derive(Debug)]
pub(super) struct SociLayer {
    layout: SociLayout,
    content: Stream,
    body: Hasher, // has seen everything before the content of the last file
    tar: Hasher,  // the same of the uncompressed layer
    crc: Crc,     // the same
}

/// A layer as it is pushed.
pub(super) struct Finished {
    pub(super) descriptor: Descriptor,
    /// The digest of the uncompressed layer.
    pub(super) diff_id: Digest,
    pub(super) stream: SociStream,
}

impl SociLayer {
    /// Hashes a layer, whose content has the length that the layout says.
    pub(super) fn new(layout: SociLayout, content: Stream) -> Self {
        let last = layout.payload_at(layout.files() - 1);
        let mut layer = Self {
            layout,
            content,
            body: Algorithm::Sha256.hasher(),
            tar: Algorithm::Sha256.hasher(),
            crc: Crc::new(),
        };
        each_of_tar(&layout, &layer.content, 0..last, |bytes| {
            layer.tar.update(bytes);
            layer.crc.update(bytes);
        });
        let stream = SociStream {
            layout,
            content: layer.content.clone(),
            crc: 0,
        };
        each(&stream, 0..layout.packed_at(last), |bytes| {
            layer.body.update(bytes);
        });
        layer
    }

    /// Returns the layer with this content, which differs in its end at most.
    pub(super) fn finish(&self, content: &Stream) -> Finished {
        let layout = self.layout;
        let last = layout.payload_at(layout.files() - 1);
        let (mut tar, mut crc) = (self.tar.clone(), Crc::new());
        crc.combine(&self.crc);
        each_of_tar(&layout, content, last..layout.tar(), |bytes| {
            tar.update(bytes);
            crc.update(bytes);
        });
        let stream = SociStream {
            layout,
            content: content.clone(),
            crc: crc.sum(),
        };
        let mut body = self.body.clone();
        let rest = layout.packed_at(last)..layout.size();
        each(&stream, rest, |bytes| body.update(bytes));
        Finished {
            descriptor: Descriptor::new(MediaType::OciLayerGzip, body.finish(), layout.size()),
            diff_id: tar.finish(),
            stream,
        }
    }

    /// The content.
    pub(super) const fn content(&self) -> &Stream {
        &self.content
    }

    /// Makes the table of a layer, which is [finished](Self::finish) with that stream.
    pub(super) fn table(layers: SociLayers, layer: &Descriptor, stream: &SociStream) -> Blob {
        let layout = &stream.layout;
        let digests = (0..layout.spans()).map(|span| {
            let mut hasher = Algorithm::Sha256.hasher();
            each(stream, layout.span(span), |bytes| hasher.update(bytes));
            hasher.finish()
        });
        let digests: Vec<Digest> = digests.collect();
        let window = |out: u64| {
            let mut window = vec![0; WINDOW];
            let start = out.saturating_sub(WINDOW as u64);
            let mut at = WINDOW - usize::try_from(out - start).unwrap_or(WINDOW);
            each_of_tar(layout, &stream.content, start..out, |bytes| {
                window[at..at + bytes.len()].copy_from_slice(bytes);
                at += bytes.len();
            });
            window
        };
        let checkpoints = soci::checkpoints(layout, layers.span_size, window);
        let bytes = soci::write(layout, &checkpoints, &digests);
        let descriptor = Descriptor::new(
            soci::TABLE.into(),
            Digest::sha256(&bytes),
            bytes.len() as u64,
        );
        let annotations = [
            (soci::LAYER_TYPE, layer.media_type.to_string()),
            (soci::LAYER_DIGEST, layer.digest.to_string()),
            (soci::SPAN_SIZE, layers.span_size.to_string()),
        ];
        let annotations = annotations.map(|(key, text)| (key.to_owned(), text));
        let descriptor = Descriptor {
            annotations: annotations.into(),
            ..descriptor
        };
        Blob::from_memory(descriptor, bytes.into())
    }
}

//! What a lazy pull of a synthetic layer asks for, without a registry.

use std::ops::Range;

use super::draw::drawn;
use super::estargz::Reader;
use super::format::{LazyFormat, LazyLayers};
use super::layout::Layout;
use super::table::Landmark;
use super::zstd_chunked;

/// The requests for one layer, and the bytes that they ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forecast {
    /// `HEAD` of the layer.
    pub heads: u64,
    /// `GET` of ranges of it.
    pub gets: u64,
    /// Bytes of it.
    pub bytes: u64,
}

impl Forecast {
    fn get(&mut self, ranges: &[Range<u64>]) {
        if !ranges.is_empty() {
            self.gets += 1;
            self.bytes += ranges.iter().map(|it| it.end - it.start).sum::<u64>();
        }
    }
}

/// Returns what is asked for of the layer at that place of an image, if the registry sends the ranges that it is asked for.
///
/// `share` of the files is read; `background`: so are the others, afterwards.
pub fn forecast(
    layers: LazyLayers,
    (place, size): (usize, u64),
    (share, background): (f64, bool),
) -> Forecast {
    let layout = Layout::of(layers, size);
    let (chunks, metadata) = layout.chunks();
    let lengths: Vec<u64> = chunks.iter().map(|it| it.end - it.start).collect();
    let mut forecast = Forecast::default();
    let read = drawn(place, &lengths, share);
    match layers.format {
        LazyFormat::Estargz => {
            let size = layout.size();
            let mut reader = Reader::new(size);
            forecast.heads = 1;
            forecast.get(std::slice::from_ref(&Reader::LOCATE));
            forecast.get(&reader.need(reader.footer()));
            forecast.get(&reader.need(metadata..reader.footer().start));
            let landmark = match layout.landmark() {
                (_, 0) => Landmark::NoPrefetch,
                _ => Landmark::Prefetch(layout.landmark_at()),
            };
            if let Some(range) = Reader::prefetch(landmark) {
                forecast.get(&reader.need(range));
            }
            let all = if background { chunks.len() } else { 0 };
            for chunk in read.into_iter().chain(0..all) {
                for window in Reader::windows(&chunks[chunk]) {
                    forecast.get(&reader.need(window));
                }
            }
        }
        LazyFormat::ZstdChunked => {
            forecast.get(&layout.tables());
            let missing: Vec<_> = read.into_iter().map(|it| chunks[it].clone()).collect();
            forecast.get(&zstd_chunked::ranges(&missing));
        }
    }
    forecast
}

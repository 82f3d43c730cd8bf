//! What a lazy pull of a synthetic layer asks for, without a registry.

use std::ops::Range;

use super::draw::drawn;
use super::estargz::Reader;
use super::format::{ChunkFormat, ChunkedLayers, LazyLayers};
use super::layout::Layout;
use super::soci::{SociLayers, SociLayout};
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
    match layers {
        LazyLayers::Chunked(layers) => chunked(layers, (place, size), (share, background)),
        LazyLayers::Soci(layers) => of_soci(layers, (place, size), (share, background)),
    }
}

/// A layer without a table is pulled.
fn of_soci(
    layers: SociLayers,
    (place, size): (usize, u64),
    (share, background): (f64, bool),
) -> Forecast {
    let mut forecast = Forecast::default();
    if !layers.has_table(size) {
        forecast.get(std::slice::from_ref(&(0..size)));
        return forecast;
    }
    let layout = SociLayout::of(layers, size);
    forecast.get(std::slice::from_ref(&(0..layout.table_length())));
    forecast.get(std::slice::from_ref(&Reader::LOCATE));
    forecast.get(std::slice::from_ref(&(0..layout.header())));
    let spans: Vec<Range<u64>> = (0..layout.spans()).map(|it| layout.span(it)).collect();
    let lengths: Vec<u64> = spans.iter().map(|it| it.end - it.start).collect();
    let all = (0..spans.len()).collect();
    let asked = if background {
        all
    } else {
        drawn(place, &lengths, share)
    };
    for span in asked {
        forecast.get(&spans[span..=span]);
    }
    forecast
}

fn chunked(
    layers: ChunkedLayers,
    (place, size): (usize, u64),
    (share, background): (f64, bool),
) -> Forecast {
    let layout = Layout::of(layers, size);
    let (chunks, metadata) = layout.chunks();
    let lengths: Vec<u64> = chunks.iter().map(|it| it.end - it.start).collect();
    let mut forecast = Forecast::default();
    let read = drawn(place, &lengths, share);
    match layers.format {
        ChunkFormat::Estargz => {
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
        ChunkFormat::ZstdChunked => {
            forecast.get(&layout.tables());
            let missing: Vec<_> = read.into_iter().map(|it| chunks[it].clone()).collect();
            forecast.get(&zstd_chunked::ranges(&missing));
        }
    }
    forecast
}

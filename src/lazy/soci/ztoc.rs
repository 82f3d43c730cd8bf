//! The table of a layer (zTOC): its files, and the spans that can be decompressed each by itself.

use std::ops::Range;

use super::flat_reader::{Broken, FlatTable};
use super::flat_writer::{FlatWriter, Place};
use super::{MAKER, SociLayout};
use crate::lazy::format::file_name;
use crate::lazy::table::TableError;
use crate::oci::Digest;

/// The content before a span that is needed to decompress it: bytes.
pub const WINDOW: usize = 32 * 1024;

const VERSION: &str = "0.9";
const GZIP: u8 = 1;
const UNCOMPRESSED: u8 = 2;
/// How many checkpoints there are, and the size of spans.
const CHECKPOINTS_HEAD: usize = 12;
/// Place in the layer, place in its content, bits, window.
const CHECKPOINT: usize = 8 + 8 + 1 + WINDOW;
/// Where the first span begins of which old tables say nothing: behind the shortest header of gzip.
const FIRST: u64 = 10;
/// The modes and times of synthetic files.
const MODE: u64 = 0o644;
const TIME: &str = "2000-01-01T00:00:00Z";

/// What a client needs of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ztoc {
    /// The spans, in ascending order, at least one.
    pub spans: Vec<Span>,
}

/// A part of a layer that is fetched as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where it is in the layer.
    pub range: Range<u64>,
    /// The digest of these bytes.
    pub digest: Digest,
}

impl Ztoc {
    /// The bytes before the first span: the header of gzip.
    pub fn header(&self) -> u64 {
        self.spans.first().map_or(0, |it| it.range.start)
    }
}

impl From<Broken> for TableError {
    fn from(_: Broken) -> Self {
        Self::Ztoc("it is cut off, or no flatbuffer")
    }
}

/// Reads the table of a layer of that size.
///
/// # Errors
/// Fails if it is none, or if its spans are not in the layer.
pub fn parse(bytes: &[u8], layer: u64) -> Result<Ztoc, TableError> {
    let table = FlatTable::root(bytes)?;
    let of = u64::try_from(table.long(2)?).unwrap_or_default();
    if of != layer {
        return Err(TableError::Ztoc("it is of a layer of another size"));
    }
    let info = table.table(5)?;
    let digests = info.list(2)?;
    let spans = u64::try_from(info.int(1)?).unwrap_or_default() + 1;
    if digests.len() as u64 != spans {
        return Err(TableError::Ztoc("it has not one digest for each span"));
    }
    let packed = info.bytes(3)?;
    let ranges = match info.byte(0, GZIP)? {
        GZIP => of_gzip(packed, spans, layer),
        UNCOMPRESSED => of_tar(packed, spans, layer),
        _ => Err(TableError::Ztoc(
            "its layer is compressed in an unknown way",
        )),
    }?;
    let spans = ranges
        .into_iter()
        .zip(digests.texts())
        .map(|(range, text)| {
            let digest = text?.parse();
            let digest = digest.map_err(|_| TableError::NoDigest("a span".to_owned()))?;
            Ok(Span { range, digest })
        });
    let spans = spans.collect::<Result<_, TableError>>()?;
    Ok(Ztoc { spans })
}

/// The spans between the checkpoints of a gzip layer.
fn of_gzip(packed: &[u8], spans: u64, layer: u64) -> Result<Vec<Range<u64>>, TableError> {
    let (head, rest) = packed.split_at_checked(CHECKPOINTS_HEAD).ok_or(Broken)?;
    let stated = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    // Old tables leave out the first one.
    let said = (rest.len() / CHECKPOINT) as u64;
    let is_old = said + 1 == spans;
    let is_whole = rest.len().is_multiple_of(CHECKPOINT);
    if u64::from(stated) != spans || !is_whole || !(is_old || said == spans) {
        return Err(TableError::Ztoc("it has not one checkpoint for each span"));
    }
    let first = is_old.then_some((FIRST, 0));
    let checkpoints = rest.as_chunks::<CHECKPOINT>().0.iter().map(|it| {
        let mut place = [0; 8];
        place.copy_from_slice(&it[..8]);
        (u64::from_le_bytes(place), it[16])
    });
    let checkpoints: Vec<(u64, u8)> = first.into_iter().chain(checkpoints).collect();
    let mut ranges = Vec::with_capacity(checkpoints.len());
    for (number, (place, bits)) in checkpoints.iter().enumerate() {
        let end = checkpoints.get(number + 1).map_or(layer, |it| it.0);
        // Where a span begins within a byte, that is in both.
        let start = place.checked_sub(u64::from(*bits != 0));
        let range = start.map(|start| start..end);
        let range = range.filter(|it| *place < it.end && it.end <= layer);
        ranges.push(range.ok_or(TableError::Ztoc("a span of it is not in the layer"))?);
    }
    Ok(ranges)
}

/// The spans of a layer that is not compressed: all of one size.
fn of_tar(packed: &[u8], spans: u64, layer: u64) -> Result<Vec<Range<u64>>, TableError> {
    let info = FlatTable::root(packed)?;
    let size = u64::try_from(info.long(1)?).unwrap_or_default();
    if size == 0 || layer.div_ceil(size) != spans {
        return Err(TableError::Ztoc(
            "it has another number of spans than the layer",
        ));
    }
    Ok((0..spans)
        .map(|span| span * size..layer.min((span + 1) * size))
        .collect())
}

/// Returns the checkpoints of a synthetic layer. `window` gives the [`WINDOW`] bytes before a place of its tar,
/// with zeros for what is not there.
pub fn checkpoints(
    layout: &SociLayout,
    span_size: u64,
    window: impl Fn(u64) -> Vec<u8>,
) -> Vec<u8> {
    let spans = u32::try_from(layout.spans()).unwrap_or(u32::MAX);
    let mut packed = spans.to_le_bytes().to_vec();
    packed.extend_from_slice(&span_size.to_le_bytes());
    for span in 0..layout.spans() {
        let out = layout.out(span);
        packed.extend_from_slice(&layout.span(span).start.to_le_bytes());
        packed.extend_from_slice(&out.to_le_bytes());
        // Stored blocks begin and end with a byte.
        packed.push(0);
        packed.extend_from_slice(&window(out));
    }
    packed
}

/// Returns the table of a synthetic layer.
pub fn write(layout: &SociLayout, checkpoints: &[u8], digests: &[Digest]) -> Vec<u8> {
    let files: Vec<_> = (0..layout.files())
        .map(|file| (layout.payload_at(file), layout.file_size(file)))
        .collect();
    let sizes = (layout.size(), layout.tar_end());
    table(sizes, &files, (checkpoints, digests))
}

fn table(
    (size, plain): (u64, u64),
    files: &[(u64, u64)],
    (checkpoints, digests): (&[u8], &[Digest]),
) -> Vec<u8> {
    let mut writer = FlatWriter::default();
    let version = writer.text(VERSION);
    let maker = writer.text(MAKER);
    let mut places: Vec<Place> = Vec::with_capacity(files.len());
    for (number, file) in files.iter().enumerate().rev() {
        places.push(entry(&mut writer, number as u64, *file));
    }
    places.reverse();
    let files = writer.list(&places);
    let mut fields = writer.begin(1);
    writer.refer(&mut fields, 0, files);
    let toc = writer.end(fields);
    let checkpoints = writer.bytes(checkpoints);
    let texts = digests.iter().map(ToString::to_string);
    let texts: Vec<Place> = texts.map(|it| writer.text(&it)).collect();
    let texts = writer.list(&texts);
    let mut fields = writer.begin(4);
    let last = u32::try_from(digests.len().saturating_sub(1)).unwrap_or(u32::MAX);
    writer.int(&mut fields, 1, last);
    writer.refer(&mut fields, 2, texts);
    writer.refer(&mut fields, 3, checkpoints);
    let info = writer.end(fields);
    let mut fields = writer.begin(6);
    writer.refer(&mut fields, 0, version);
    writer.refer(&mut fields, 1, maker);
    writer.refer(&mut fields, 4, toc);
    writer.long(&mut fields, 2, size);
    writer.long(&mut fields, 3, plain);
    writer.refer(&mut fields, 5, info);
    let root = writer.end(fields);
    writer.finish(root)
}

/// Writes a file of a table: owned by nobody in particular, as its header in the tar says.
fn entry(writer: &mut FlatWriter, number: u64, (at, size): (u64, u64)) -> Place {
    let name = writer.text(&file_name(number));
    let kind = writer.text("reg");
    let [link, user, group] = [0; 3].map(|_| writer.text(""));
    let time = writer.text(TIME);
    let attributes = writer.list(&[]);
    let mut fields = writer.begin(14);
    writer.refer(&mut fields, 0, name);
    writer.refer(&mut fields, 1, kind);
    writer.long(&mut fields, 2, at);
    writer.long(&mut fields, 3, size);
    writer.refer(&mut fields, 4, link);
    writer.long(&mut fields, 5, MODE);
    writer.refer(&mut fields, 8, user);
    writer.refer(&mut fields, 9, group);
    writer.refer(&mut fields, 10, time);
    writer.refer(&mut fields, 13, attributes);
    writer.end(fields)
}

impl SociLayout {
    /// The bytes of its table.
    pub fn table_length(&self) -> u64 {
        written_length(self.files(), self.spans())
    }
}

/// Returns the bytes of the table of a synthetic layer with so many files and spans.
///
/// What eight more files or spans add is the same each time, since nothing in it is aligned to more than eight bytes. So few
/// are written, and the rest is counted.
fn written_length(files: u64, spans: u64) -> u64 {
    const STEP: u64 = 8;
    let few = |all: u64| {
        if all < 2 * STEP {
            all
        } else {
            STEP + all % STEP
        }
    };
    let (few_files, few_spans) = (few(files), few(spans));
    let digest = Digest::Sha256([0; 32]);
    let packed = |spans: u64| CHECKPOINTS_HEAD as u64 + spans * CHECKPOINT as u64;
    let short = packed(few_spans) % STEP;
    let length = |files: u64, spans: u64| {
        let files: Vec<_> = (0..files).map(|_| (u64::MAX, u64::MAX)).collect();
        let digests: Vec<_> = (0..spans).map(|_| digest).collect();
        let checkpoints = vec![0; usize::try_from(short).unwrap_or_default()];
        table((1, 1), &files, (&checkpoints, &digests)).len() as u64
    };
    let base = length(few_files, few_spans);
    let more = |all: u64, few: u64, next: u64| (all - few) / STEP * (next - base);
    let mut total = base + packed(spans) - short;
    if files > few_files {
        total += more(files, few_files, length(few_files + STEP, few_spans));
    }
    if spans > few_spans {
        total += more(spans, few_spans, length(few_files, few_spans + STEP));
    }
    total
}

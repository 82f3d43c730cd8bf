//! Puts requests into the order of their starts, in bounded memory: sorted runs in a file, which are merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::frame::{Flaw, Kind, Packer, Unpacker};
use super::names::NameTable;
use super::request::Request;
use super::rows::{Block, Rows};
use super::time::Timestamp;

/// Requests that are held in memory: some 40 MB.
const HELD: usize = 1 << 18;
/// Names that are held in memory, at most some 16 MB.
const HELD_NAMES: usize = 1 << 15;
/// The level of zstd for runs, which are read once: literals are stored as they are.
const LEVEL: i32 = -5;
/// Requests of a block of a run. A merge holds one block of each run that it reads.
const BLOCK: usize = 1 << 12;
/// Bytes of a request in a trace, or more.
const MOST_ROW: usize = 112;
/// Bytes of a name, or more: they are alike, and packed.
const MOST_NAME: usize = 160;
/// The most runs that are merged at once. More are merged in several steps.
const MOST_OPEN: usize = 48;

/// Takes requests in any order. Those of equal starts stay in the order in which they came.
pub(super) struct Sorter {
    held: Vec<Request>,
    /// The starts of those that are held, with their places.
    order: Vec<(Timestamp, u32)>,
    names: NameTable,
    spill: Spill,
    runs: Vec<Run>,
    held_most: usize,
    /// A run could not be written. What comes then is held.
    is_stuck: bool,
}

/// Takes a request of a run, and the names behind its pseudonyms.
type Push<'a> = dyn FnMut(&Request, &NameTable) -> io::Result<()> + 'a;

/// A sorted run.
#[derive(Debug, Clone)]
struct Run {
    store: Store,
    start: u64,
    end: u64,
    first: Timestamp,
    last: Timestamp,
}

/// Where the bytes of runs are.
#[derive(Debug, Clone)]
enum Store {
    File(Arc<File>),
    /// Those of the last one: of what was held, packed, there is no need for a file, which may have no room.
    Memory(Arc<[u8]>),
}

/// Where runs are written to.
enum Sink {
    /// One behind the other.
    File(Arc<File>),
    /// One.
    Memory(Vec<u8>),
}

struct Spill {
    sink: Sink,
    length: u64,
    packer: Packer,
    content: Vec<u8>,
    packed: Vec<u8>,
}

impl Spill {
    fn new(file: File) -> io::Result<Self> {
        Self::to(Sink::File(Arc::new(file)))
    }

    fn to(sink: Sink) -> io::Result<Self> {
        Ok(Self {
            sink,
            length: 0,
            packer: Packer::new(LEVEL)?,
            content: Vec::new(),
            packed: Vec::new(),
        })
    }

    fn write(&mut self, rows: &mut Rows) -> io::Result<()> {
        rows.take(&mut self.content);
        self.packed.clear();
        self.packer
            .pack(Kind::Requests, &self.content, &mut self.packed)?;
        match &mut self.sink {
            Sink::File(file) => (&**file).write_all(&self.packed)?,
            Sink::Memory(bytes) => bytes.extend_from_slice(&self.packed),
        }
        self.length += self.packed.len() as u64;
        Ok(())
    }

    /// Writes a run of requests that are in order. One that cannot be written leaves nothing behind.
    fn run(
        &mut self,
        requests: impl FnOnce(&mut Push<'_>) -> io::Result<()>,
    ) -> io::Result<Option<Run>> {
        let start = self.length;
        let written = self.run_from(start, requests);
        if let (Err(_), Sink::File(file)) = (&written, &self.sink) {
            self.length = start;
            file.set_len(start)?;
            (&**file).seek(SeekFrom::Start(start))?;
        }
        written
    }

    fn run_from(
        &mut self,
        start: u64,
        requests: impl FnOnce(&mut Push<'_>) -> io::Result<()>,
    ) -> io::Result<Option<Run>> {
        let mut rows = Rows::default();
        let mut span: Option<(Timestamp, Timestamp)> = None;
        let mut in_block = 0;
        requests(&mut |request, names| {
            span = Some((span.map_or(request.start, |it| it.0), request.start));
            rows.push(request, names);
            in_block += 1;
            if in_block == BLOCK || rows.is_full() {
                in_block = 0;
                self.write(&mut rows)?;
            }
            Ok(())
        })?;
        if !rows.is_empty() {
            self.write(&mut rows)?;
        }
        let store = match &mut self.sink {
            Sink::File(file) => Store::File(Arc::clone(file)),
            Sink::Memory(bytes) => Store::Memory(std::mem::take(bytes).into()),
        };
        Ok(span.map(|(first, last)| Run {
            store,
            start,
            end: self.length,
            first,
            last,
        }))
    }
}

impl Sorter {
    /// With a file of its own.
    pub(super) fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            held: Vec::new(),
            order: Vec::new(),
            names: NameTable::default(),
            spill: Spill::new(file)?,
            runs: Vec::new(),
            held_most: HELD,
            is_stuck: false,
        })
    }

    /// The bytes that the requests so far take in a trace, or more.
    pub(super) fn most_bytes(&self) -> u64 {
        let held = self.held.len() * MOST_ROW + self.names.len() * MOST_NAME;
        self.spill.length + held as u64
    }

    /// Where the names of the next request are put.
    pub(super) const fn names(&mut self) -> &mut NameTable {
        &mut self.names
    }

    /// Takes a request.
    ///
    /// # Errors
    /// If those that are held cannot be written. They stay, with this one and those that follow.
    pub(super) fn push(&mut self, request: Request) -> io::Result<()> {
        self.held.push(request);
        if self.is_stuck {
            return Ok(());
        }
        if self.held.len() >= self.held_most || self.names.len() >= HELD_NAMES {
            let closed = self.close();
            self.is_stuck = closed.is_err();
            closed?;
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        let (held, names) = (&self.held, &self.names);
        // Places are sorted: a request is ten times as long as what it is sorted by.
        self.order.clear();
        self.order
            .extend((0..).zip(held).map(|(place, it)| (it.start, place)));
        self.order.sort_unstable();
        let ordered = self.order.iter().map(|(_, place)| &held[*place as usize]);
        let run = self
            .spill
            .run(|push| { ordered }.try_for_each(|request| push(request, names)))?;
        self.runs.extend(run);
        self.held.clear();
        self.names.clear();
        Ok(())
    }

    /// Returns all requests in order. `another` makes a file for a step between.
    pub(super) fn finish(mut self, another: &dyn Fn() -> io::Result<File>) -> io::Result<Merge> {
        // What the runs so far are in stays as long as they do.
        self.spill = Spill::to(Sink::Memory(Vec::new()))?;
        self.close()?;
        let mut runs = self.runs;
        while depth(&runs) > MOST_OPEN {
            let mut spill = Spill::new(another()?)?;
            let mut fewer = Vec::new();
            for some in runs.chunks(MOST_OPEN) {
                let mut merge = Merge::new(some.to_vec());
                let run = spill.run(|push| {
                    while let Some(request) = merge.next()? {
                        push(&request, merge.names())?;
                    }
                    Ok(())
                })?;
                fewer.extend(run);
            }
            runs = fewer;
        }
        Ok(Merge::new(runs))
    }
}

/// The most runs that a merge reads at one moment.
fn depth(runs: &[Run]) -> usize {
    let mut edges: Vec<(Timestamp, bool)> = Vec::new();
    for run in runs {
        edges.push((run.first, false));
        edges.push((run.last, true));
    }
    // At one moment, a run is opened before another one is closed.
    edges.sort_unstable();
    let (mut open, mut most) = (0_usize, 0);
    for (_, is_end) in edges {
        if is_end {
            open -= 1;
        } else {
            open += 1;
            most = most.max(open);
        }
    }
    most
}

/// Merges runs. A run is opened when its first request is next.
pub(super) struct Merge {
    /// Runs that are not open, the last one first.
    waiting: Vec<(usize, Run)>,
    open: Vec<Option<OpenRun>>,
    /// The next request of each open run: its start, the number of the run, and its place in `open`.
    next: BinaryHeap<Reverse<(Timestamp, usize, usize)>>,
    /// Where the request came from that was returned last.
    last: Option<usize>,
    no_names: NameTable,
}

impl Merge {
    fn new(runs: Vec<Run>) -> Self {
        let mut waiting: Vec<(usize, Run)> = runs.into_iter().enumerate().collect();
        waiting.sort_by_key(|(number, run)| Reverse((run.first, *number)));
        Self {
            waiting,
            open: Vec::new(),
            next: BinaryHeap::new(),
            last: None,
            no_names: NameTable::default(),
        }
    }

    /// The names behind the pseudonyms of the request that was returned last.
    pub(super) fn names(&self) -> &NameTable {
        let open = self.last.and_then(|it| self.open[it].as_ref());
        open.map_or(&self.no_names, |it| &it.names)
    }

    /// Returns the next request.
    pub(super) fn next(&mut self) -> io::Result<Option<Request>> {
        self.advance()?;
        let due = |run: &Run, next: Option<&Reverse<(Timestamp, usize, usize)>>| {
            next.is_none_or(|Reverse((start, ..))| run.first <= *start)
        };
        while self
            .waiting
            .last()
            .is_some_and(|(_, run)| due(run, self.next.peek()))
        {
            let Some((number, run)) = self.waiting.pop() else {
                break;
            };
            self.open(number, run)?;
        }
        let Some(Reverse((_, _, place))) = self.next.peek() else {
            return Ok(None);
        };
        self.last = Some(*place);
        let run = self.open[*place].as_mut();
        Ok(run.and_then(|it| it.block.next()))
    }

    /// Puts the run that was read from last back into its place.
    fn advance(&mut self) -> io::Result<()> {
        let Some(place) = self.last.take() else {
            return Ok(());
        };
        let Some(mut top) = self.next.peek_mut() else {
            return Ok(());
        };
        let start = match &mut self.open[place] {
            Some(run) => run.peek()?,
            None => None,
        };
        if let Some(start) = start {
            top.0.0 = start;
        } else {
            std::collections::binary_heap::PeekMut::pop(top);
            self.open[place] = None;
        }
        Ok(())
    }

    fn open(&mut self, number: usize, run: Run) -> io::Result<()> {
        let mut run = OpenRun::new(run);
        let Some(start) = run.peek()? else {
            return Ok(());
        };
        let free = self.open.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            self.open.push(None);
            self.open.len() - 1
        });
        self.open[place] = Some(run);
        self.next.push(Reverse((start, number, place)));
        Ok(())
    }
}

/// A run that is read.
struct OpenRun {
    run: Run,
    block: std::vec::IntoIter<Request>,
    names: NameTable,
    unpacker: Unpacker,
}

impl OpenRun {
    fn new(run: Run) -> Self {
        Self {
            run,
            block: Vec::new().into_iter(),
            names: NameTable::default(),
            unpacker: Unpacker::default(),
        }
    }

    /// The start of its next request; `None` at its end.
    fn peek(&mut self) -> io::Result<Option<Timestamp>> {
        while self.block.as_slice().is_empty() {
            if self.run.start >= self.run.end {
                return Ok(None);
            }
            let mut from = At(&self.run.store, self.run.start);
            let content = self.unpacker.unpack(Kind::Requests, &mut from);
            let block = content.and_then(|it| Block::read(it).map_err(Flaw::Damaged));
            let block = block.map_err(|flaw| match flaw {
                Flaw::Io(error) => error,
                Flaw::Damaged(reason) => io::Error::new(io::ErrorKind::InvalidData, reason),
            })?;
            self.run.start += self.unpacker.length();
            self.block = block.requests.into_iter();
            self.names.clear();
            self.names.extend(block.names);
        }
        Ok(self.block.as_slice().first().map(|it| it.start))
    }
}

/// Reads from a place on, without the own position of a file.
struct At<'a>(&'a Store, u64);

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.0 {
            Store::File(file) => file.read_at(buffer, self.1)?,
            Store::Memory(bytes) => {
                let start = usize::try_from(self.1).unwrap_or(usize::MAX);
                bytes.get(start..).unwrap_or_default().read(buffer)?
            }
        };
        self.1 += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::tests::a_request;

    fn sorted(starts: &[u64], held_most: usize) -> Vec<(u64, u64)> {
        let mut sorter = Sorter::new(tempfile::tempfile().unwrap()).unwrap();
        sorter.held_most = held_most;
        for (index, start) in starts.iter().enumerate() {
            let mut request = a_request(*start);
            request.session = index as u64;
            let name = format!("client {start}");
            sorter.names().insert(request.client, &name);
            sorter.push(request).unwrap();
        }
        let mut merge = sorter.finish(&tempfile::tempfile).unwrap();
        let mut all = Vec::new();
        while let Some(request) = merge.next().unwrap() {
            let name = format!("client {}", request.start.nanos());
            assert_eq!(merge.names().get(request.client), Some(&*name));
            all.push((request.start.nanos(), request.session));
        }
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// A stable sort by another program's hand.
        #[test]
        fn any_order_becomes_that_of_the_starts(
            starts in prop::collection::vec(0_u64..50, 0..400),
            held in 1_usize..60,
        ) {
            let mut wanted: Vec<(u64, u64)> = starts.iter().copied().zip(0..).collect();
            wanted.sort_unstable();
            prop_assert_eq!(sorted(&starts, held), wanted);
        }
    }

    #[test]
    fn a_file_without_room_loses_no_request() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut sorter = Sorter::new(full).unwrap();
        sorter.held_most = 3;
        let starts = [5, 3, 9, 1, 7];
        let pushed = starts.map(|start| sorter.push(a_request(start)).is_ok());
        assert_eq!(pushed, [true, true, false, true, true]);
        let mut merge = sorter.finish(&tempfile::tempfile).unwrap();
        let mut all = Vec::new();
        while let Some(request) = merge.next().unwrap() {
            all.push(request.start.nanos());
        }
        assert_eq!(all, [1, 3, 5, 7, 9]);
    }

    #[test]
    fn many_runs_that_overlap_are_merged_in_steps() {
        // 600 runs of two, each of which spans everything.
        let starts: Vec<u64> = (0..1_200)
            .map(|it| if it % 2 == 0 { it } else { 9_999 - it })
            .collect();
        let mut wanted: Vec<(u64, u64)> = starts.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        assert_eq!(sorted(&starts, 2), wanted);
    }
}

//! Writes a flatbuffer: from its end to its start, as the library does it that SOCI's tool is written with, so that the bytes are
//! the same.
//!
//! # Spec
//! flatbuffers.dev, "Internals".

/// A place in a buffer: how many bytes are behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// A flatbuffer in the making.
#[derive(Debug, Default)]
pub(super) struct FlatWriter {
    reversed: Vec<u8>,
    largest: usize,                // alignment of any number so far
    shapes: Vec<(Vec<u8>, usize)>, // of tables: the places of their fields, and where they are said
}

/// A table in the making.
#[derive(Debug)]
pub(super) struct Fields {
    end: usize,
    places: Vec<usize>, // 0: left out
}

impl FlatWriter {
    /// Fills up, so that a number of `size` bytes is aligned once so many other bytes are before it.
    fn align(&mut self, size: usize, before: usize) {
        self.largest = self.largest.max(size);
        let over = (self.reversed.len() + before) % size;
        if over > 0 {
            let padded = self.reversed.len() + size - over;
            self.reversed.resize(padded, 0);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.reversed.extend(bytes.iter().rev());
    }

    fn put_length(&mut self, length: usize) {
        self.put(&word(length).to_le_bytes());
    }

    fn put_reference(&mut self, to: Place) {
        self.align(4, 0);
        let offset = self.reversed.len() - to.0 + 4;
        self.put(&word(offset).to_le_bytes());
    }

    const fn here(&self) -> Place {
        Place(self.reversed.len())
    }

    /// Writes a text.
    pub(super) fn text(&mut self, text: &str) -> Place {
        self.align(4, text.len() + 1);
        self.put(&[0]);
        self.put(text.as_bytes());
        self.put_length(text.len());
        self.here()
    }

    /// Writes a list of bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Place {
        self.align(4, bytes.len());
        self.put(bytes);
        self.put_length(bytes.len());
        self.here()
    }

    /// Writes a list of references.
    pub(super) fn list(&mut self, to: &[Place]) -> Place {
        self.align(4, 4 * to.len());
        for place in to.iter().rev() {
            self.put_reference(*place);
        }
        self.put_length(to.len());
        self.here()
    }

    /// Begins a table of so many fields.
    pub(super) fn begin(&self, fields: usize) -> Fields {
        Fields {
            end: self.reversed.len(),
            places: vec![0; fields],
        }
    }

    /// Writes a reference of a table.
    pub(super) fn refer(&mut self, table: &mut Fields, field: usize, to: Place) {
        self.put_reference(to);
        table.places[field] = self.reversed.len();
    }

    /// Writes a number of eight bytes of a table; 0 is left out.
    pub(super) fn long(&mut self, table: &mut Fields, field: usize, number: u64) {
        if number != 0 {
            self.align(8, 0);
            self.put(&number.to_le_bytes());
            table.places[field] = self.reversed.len();
        }
    }

    /// Writes a number of four bytes of a table; 0 is left out.
    pub(super) fn int(&mut self, table: &mut Fields, field: usize, number: u32) {
        if number != 0 {
            self.align(4, 0);
            self.put(&number.to_le_bytes());
            table.places[field] = self.reversed.len();
        }
    }

    /// Ends a table: where its fields are is said before it, or where it was said of another of the same shape.
    pub(super) fn end(&mut self, mut table: Fields) -> Place {
        self.align(4, 0);
        self.put(&[0; 4]);
        let here = self.reversed.len();
        while table.places.last() == Some(&0) {
            table.places.pop();
        }
        let place = |at: &usize| short(if *at == 0 { 0 } else { here - at });
        let mut shape = short((table.places.len() + 2) * 2).to_vec();
        shape.extend(short(here - table.end));
        shape.extend(table.places.iter().flat_map(place));
        let known = self
            .shapes
            .iter()
            .rev()
            .find(|(it, _)| it[4..] == shape[4..]);
        let said = if let Some((_, at)) = known {
            *at
        } else {
            self.put(&shape);
            self.shapes.push((shape, self.reversed.len()));
            self.reversed.len()
        };
        // Signed: back to it, or on to it.
        let back = word(said).wrapping_sub(word(here));
        for (at, byte) in back.to_le_bytes().into_iter().rev().enumerate() {
            self.reversed[here - 4 + at] = byte;
        }
        Place(here)
    }

    /// Ends the buffer, whose table is that one.
    pub(super) fn finish(mut self, root: Place) -> Vec<u8> {
        self.align(self.largest.max(4), 4);
        self.put_reference(root);
        self.reversed.reverse();
        self.reversed
    }
}

/// Buffers are far below 2 GiB, which is the most that the format can say.
fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes()
}

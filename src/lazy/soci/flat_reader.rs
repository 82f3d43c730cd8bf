//! Reads a flatbuffer, in which nothing is believed: whatever it says, each byte that is read is one that it has.
//!
//! # Spec
//! flatbuffers.dev, "Internals".

/// A table of a flatbuffer: numbers, and references to what is elsewhere in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlatTable<'a> {
    buffer: &'a [u8],
    at: usize,
    places: &'a [u8], // of each field, relative to `at`, in two bytes; 0: it is not there
}

/// A list of references.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlatList<'a> {
    buffer: &'a [u8],
    at: usize,
    count: usize,
}

/// Bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

fn bytes<const N: usize>(buffer: &[u8], at: usize) -> Result<[u8; N], Broken> {
    let end = at.checked_add(N).ok_or(Broken)?;
    let bytes = buffer.get(at..end).ok_or(Broken)?;
    bytes.try_into().map_err(|_| Broken)
}

/// The place that a reference stands for.
fn follow(buffer: &[u8], at: usize) -> Result<usize, Broken> {
    let offset = u32::from_le_bytes(bytes(buffer, at)?);
    let offset = usize::try_from(offset).map_err(|_| Broken)?;
    at.checked_add(offset).ok_or(Broken)
}

/// Where a list begins behind its length, and that length.
fn list(buffer: &[u8], at: usize) -> Result<(usize, usize), Broken> {
    let length = u32::from_le_bytes(bytes(buffer, at)?);
    Ok((at + 4, usize::try_from(length).map_err(|_| Broken)?))
}

impl<'a> FlatTable<'a> {
    /// Returns the table that a buffer begins with.
    pub(super) fn root(buffer: &'a [u8]) -> Result<Self, Broken> {
        Self::at(buffer, follow(buffer, 0)?)
    }

    fn at(buffer: &'a [u8], at: usize) -> Result<Self, Broken> {
        let back = i64::from(i32::from_le_bytes(bytes(buffer, at)?));
        let places = i64::try_from(at).map_err(|_| Broken)? - back;
        let places = usize::try_from(places).map_err(|_| Broken)?;
        let length = usize::from(u16::from_le_bytes(bytes(buffer, places)?));
        let all = places.checked_add(length).ok_or(Broken)?;
        // Behind its own length and that of the table.
        let places = buffer.get(places + 4..all).ok_or(Broken)?;
        Ok(Self { buffer, at, places })
    }

    fn field(&self, number: usize) -> Option<usize> {
        let place = u16::from_le_bytes(bytes(self.places, 2 * number).ok()?);
        (place != 0).then(|| self.at + usize::from(place))
    }

    /// A number of eight bytes, 0 if it is left out.
    pub(super) fn long(&self, number: usize) -> Result<i64, Broken> {
        let at = self.field(number);
        at.map_or(Ok(0), |at| Ok(i64::from_le_bytes(bytes(self.buffer, at)?)))
    }

    /// A number of four bytes, 0 if it is left out.
    pub(super) fn int(&self, number: usize) -> Result<i32, Broken> {
        let at = self.field(number);
        at.map_or(Ok(0), |at| Ok(i32::from_le_bytes(bytes(self.buffer, at)?)))
    }

    /// A number of one byte, or what it is if it is left out.
    pub(super) fn byte(&self, number: usize, usual: u8) -> Result<u8, Broken> {
        let at = self.field(number);
        at.map_or(Ok(usual), |at| {
            Ok(u8::from_le_bytes(bytes(self.buffer, at)?))
        })
    }

    /// A table.
    pub(super) fn table(&self, number: usize) -> Result<Self, Broken> {
        let at = self.field(number).ok_or(Broken)?;
        Self::at(self.buffer, follow(self.buffer, at)?)
    }

    /// A list of bytes.
    pub(super) fn bytes(&self, number: usize) -> Result<&'a [u8], Broken> {
        let at = self.field(number).ok_or(Broken)?;
        let (at, length) = list(self.buffer, follow(self.buffer, at)?)?;
        let end = at.checked_add(length).ok_or(Broken)?;
        self.buffer.get(at..end).ok_or(Broken)
    }

    /// A list of references.
    pub(super) fn list(&self, number: usize) -> Result<FlatList<'a>, Broken> {
        let at = self.field(number).ok_or(Broken)?;
        let (at, count) = list(self.buffer, follow(self.buffer, at)?)?;
        let length = count.checked_mul(4).ok_or(Broken)?;
        let end = at.checked_add(length).ok_or(Broken)?;
        self.buffer.get(at..end).ok_or(Broken)?;
        Ok(FlatList {
            buffer: self.buffer,
            at,
            count,
        })
    }
}

impl<'a> FlatList<'a> {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// The texts that it refers to.
    pub(super) fn texts(self) -> impl Iterator<Item = Result<&'a str, Broken>> {
        (0..self.count).map(move |place| {
            let (at, length) = list(self.buffer, follow(self.buffer, self.at + 4 * place)?)?;
            let end = at.checked_add(length).ok_or(Broken)?;
            let text = self.buffer.get(at..end).ok_or(Broken)?;
            str::from_utf8(text).map_err(|_| Broken)
        })
    }
}

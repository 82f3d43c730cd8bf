//! Bytes of a socket that are read before they are requested.

use std::io;
use std::task::Poll;

use tokio::io::ReadBuf;

/// Bytes that were read before they were requested. The buffer grows while reads fill it, so that a thousand users
/// who request manifests hold little.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    bytes: Vec<u8>, // all of it is room; from..to is filled
    from: usize,
    to: usize,
}

impl ReadAhead {
    const LEAST: usize = 8 << 10;
    const MOST: usize = 64 << 10;

    pub(super) fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Returns room for the next read. Call it only when all bytes were handed on.
    fn room(&mut self) -> &mut [u8] {
        if self.to == self.bytes.len() && self.bytes.len() < Self::MOST {
            let more = (self.bytes.len() * 2).clamp(Self::LEAST, Self::MOST);
            self.bytes.resize(more, 0);
        }
        (self.from, self.to) = (0, 0);
        &mut self.bytes
    }

    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = buffer.remaining().min(self.to - self.from);
        buffer.put_slice(&self.bytes[self.from..self.from + length]);
        self.from += length;
    }

    /// Hands on the bytes, after another `read` if there are none.
    pub(super) fn serve(
        &mut self,
        buffer: &mut ReadBuf<'_>,
        read: impl FnOnce(&mut ReadBuf<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        if self.is_empty() {
            let mut room = ReadBuf::new(self.room());
            match read(&mut room) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
            self.to = room.filled().len();
        }
        self.hand_on(buffer);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_is_handed_on_in_order_and_the_room_grows_while_reads_fill_it() {
        let mut ahead = ReadAhead::default();
        let (mut given, mut taken, mut rooms) = (0_u8, Vec::new(), Vec::new());
        for _ in 0..6 {
            let room = ahead.room();
            rooms.push(room.len());
            room.fill(given);
            ahead.to = room.len();
            given += 1;
            while !ahead.is_empty() {
                let mut small = [0; 4096];
                let mut buffer = ReadBuf::new(&mut small);
                ahead.hand_on(&mut buffer);
                taken.extend_from_slice(buffer.filled());
            }
        }
        assert_eq!(
            rooms,
            [8 << 10, 16 << 10, 32 << 10, 64 << 10, 64 << 10, 64 << 10]
        );
        assert_eq!(taken.len(), rooms.iter().sum::<usize>());
        assert!(taken.is_sorted());
    }
}

//! Frames: the pieces in which content is read and sent.

/// The largest frame, in bytes. Smaller ones cost more calls, larger ones fall out of the processor's cache.
pub const FRAME_SIZE: usize = 256 * 1024;
pub(super) const FRAME: u64 = FRAME_SIZE as u64;

/// Converts a length that is at most a frame.
pub(super) fn frame_length(length: u64) -> usize {
    usize::try_from(length).expect("a frame fits in memory")
}

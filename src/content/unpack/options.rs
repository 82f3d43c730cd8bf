//! The limits of unpacking, and its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::files::Directory;
use crate::units::ByteSize;

/// The limits of unpacking: an image may be made to fill a disk.
#[derive(Debug, Clone)]
pub struct UnpackOptions {
    /// The bytes of all uncompressed layers, and of all files.
    pub max_bytes: ByteSize,
    /// The entries of all layers, and the directories in their names that are no entries.
    pub max_entries: u64,
    /// Set it to `true` to stop unpacking with [`UnpackError::Stopped`](super::UnpackError::Stopped).
    pub stop: Arc<AtomicBool>,
}

impl UnpackOptions {
    /// Returns the default, but at most nine tenths of the free space at the directory, if known.
    pub fn fitting(directory: &Directory) -> Self {
        let default = Self::default();
        let Some(free) = directory.free_space() else {
            return default;
        };
        Self {
            max_bytes: ByteSize::from_bytes(free / 10 * 9),
            ..default
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Default for UnpackOptions {
    /// 64 GiB and two million entries.
    fn default() -> Self {
        Self {
            max_bytes: ByteSize::from_mib(64 << 10),
            max_entries: 2_000_000,
            stop: Arc::default(),
        }
    }
}

/// The result of unpacking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Layers applied.
    pub layers: usize,
    /// Entries of all layers.
    pub entries: u64,
    /// Files written, including those that a later layer hides or replaces.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Whiteouts applied.
    pub whiteouts: u64,
    /// Devices and pipes that were not made.
    pub devices_skipped: u64,
    /// Entries of another owner or group than root; they belong to this user.
    pub owners_skipped: u64,
    /// Entries that had a set-user-id or set-group-id bit.
    pub set_id_bits_dropped: u64,
    /// Entries that had extended attributes, such as capabilities.
    pub attributes_skipped: u64,
}

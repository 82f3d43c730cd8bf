//! Files of `/proc` that are read again and again.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// A file that makes up its text anew for each reading from the start, kept open between readings.
///
/// Opening costs more than reading, and a thread's file stays that of this thread: once it is gone, reading fails
/// instead of telling about another thread with the same number.
#[derive(Debug)]
pub(in crate::health) struct ProcFile(Option<File>);

impl ProcFile {
    /// The file, if there is one that may be read.
    pub(in crate::health) fn open(path: impl AsRef<Path>) -> Self {
        Self(File::open(path).ok())
    }

    /// The first of these files that says what is wanted.
    pub(in crate::health) fn first_of<T>(
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Self {
        let mut buffer = Vec::new();
        let mut files = paths.into_iter().map(Self::open);
        files
            .find(|file| file.read(&mut buffer).and_then(&wanted).is_some())
            .unwrap_or(Self(None))
    }

    /// The text as it is now, in a buffer that can be used again.
    pub(in crate::health) fn read<'a>(&self, buffer: &'a mut Vec<u8>) -> Option<&'a str> {
        const STEP: usize = 8 << 10;
        const MOST: usize = 4 << 20;
        let file = self.0.as_ref()?;
        let mut length = 0;
        loop {
            if buffer.len() < length + STEP {
                buffer.resize(length + STEP, 0);
            }
            let offset = u64::try_from(length).ok()?;
            match file.read_at(&mut buffer[length..], offset) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            if length > MOST {
                return None;
            }
        }
        std::str::from_utf8(&buffer[..length]).ok()
    }
}

/// The number of descriptors that this process has open.
///
/// Since Linux 6.2 it is the size of the directory. Before, they are counted one by one, which takes about a
/// microsecond for each.
pub(in crate::health) fn open_files() -> Option<u64> {
    const DIRECTORY: &str = "/proc/self/fd";
    let size = fs::metadata(DIRECTORY).ok()?.len();
    if size > 0 {
        return Some(size);
    }
    let count = fs::read_dir(DIRECTORY).ok()?.count();
    // The one that reads the directory is not ours to count.
    u64::try_from(count).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn reads_from_the_start_each_time_and_grows() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let kept = ProcFile::open(file.path());
        let mut buffer = Vec::new();
        assert_eq!(kept.read(&mut buffer), Some(""));
        file.write_all(b"one").unwrap();
        assert_eq!(kept.read(&mut buffer), Some("one"));
        let long = "x".repeat(20_000);
        file.write_all(long.as_bytes()).unwrap();
        assert_eq!(kept.read(&mut buffer).map(str::len), Some(20_003));
        assert_eq!(kept.read(&mut buffer).map(str::len), Some(20_003));
        file.write_all(&[0xff]).unwrap();
        assert_eq!(kept.read(&mut buffer), None, "not a text");
    }

    #[test]
    fn what_is_not_there_says_nothing() {
        let mut buffer = Vec::new();
        assert_eq!(ProcFile::open("/nowhere").read(&mut buffer), None);
        assert_eq!(ProcFile::open("/").read(&mut buffer), None, "a directory");
        let file = tempfile::NamedTempFile::new().unwrap();
        let none = ProcFile::first_of(["/nowhere"], |_| Some(()));
        assert_eq!(none.read(&mut buffer), None);
        let some = ProcFile::first_of([Path::new("/nowhere"), file.path()], |_| Some(()));
        assert_eq!(some.read(&mut buffer), Some(""));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn descriptors_are_counted() {
        let held: Vec<File> = (0..50).map(|_| File::open("/dev/null").unwrap()).collect();
        let with = open_files().unwrap();
        // Other tests open and close files meanwhile, but not fifty less than ours.
        assert!(with >= 50, "{with}");
        drop(held);
    }
}

//! The trace inside the program: a minute of a small registry, made up by a test.

/// Its name, where a trace is named.
pub const SAMPLE: &str = "@sample";

/// Its bytes. The test `sample` of `tests/it/replays` makes them again and compares.
pub(super) static BYTES: &[u8] = include_bytes!("sample.trace");

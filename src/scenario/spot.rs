//! Where something was written.

use std::ops::Range;

/// Where something was written: in the file, or in an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// 0 is the file, then come the arguments in their order.
    pub(super) source: usize,
    /// Bytes of that source.
    pub(super) span: Range<usize>,
}

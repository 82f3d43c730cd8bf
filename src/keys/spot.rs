//! Where something was written.

use std::ops::Range;

/// Where something was written: in the file, or in an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// 0 is the file, then come the arguments in their order.
    pub(crate) source: usize,
    /// Bytes of that source.
    pub(crate) span: Range<usize>,
}

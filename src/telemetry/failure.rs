//! Why a reading gave nothing.

/// Why a reading gave nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) text: String,
    /// Whether the source is not to be read any more.
    pub(super) is_last: bool,
}

impl Failure {
    pub(super) const fn once(text: String) -> Self {
        Self {
            text,
            is_last: false,
        }
    }

    pub(super) const fn last(text: String) -> Self {
        Self {
            text,
            is_last: true,
        }
    }
}

//! How the evidence is looked at, once or at one of several times.

/// How to look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// The two-sided level, for intervals and decisions.
    pub alpha: f64,
    /// Whether no more evidence comes: then a gate passes by what it tolerates.
    pub is_last: bool,
    /// Whether it is one of so many that early ones have levels too low for the bootstrap.
    pub is_one_of_many: bool,
    /// The two-sided level that the last look has, or about so.
    pub last_alpha: f64,
    /// How much of the pairs that there will be are there, in `(0, 1]`.
    pub share: f64,
}

impl Look {
    /// The only look there is, at that level.
    pub const fn once(alpha: f64) -> Self {
        Self {
            alpha,
            is_last: true,
            is_one_of_many: false,
            last_alpha: alpha,
            share: 1.0,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of pairs and gates")]
pub(super) const fn real(count: usize) -> f64 {
    count as f64
}

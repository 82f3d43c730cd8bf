//! The images that a journey has to do with.

use crate::oci::RepositoryName;

/// The images that a journey has to do with.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The image set, an index into [`Scenario::images`](super::Scenario::images).
    pub set: usize,
    /// The repositories of the set start with this. Existing images say themselves where they are.
    pub repository: RepositoryName,
    /// Which image comes next.
    pub pick: Pick,
}

/// Which image of the set an iteration takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    /// One after the other.
    RoundRobin,
    /// Each with the same chance.
    Random,
    /// By rank: the n-th image with a chance in proportion to `n^-s`; `s` in (0, 10].
    Zipf(f64),
}

impl Default for Selection {
    /// The first set, one image after the other.
    fn default() -> Self {
        Self {
            set: 0,
            repository: "regstorm/images"
                .parse()
                .expect("two words of letters and a slash"),
            pick: Pick::RoundRobin,
        }
    }
}

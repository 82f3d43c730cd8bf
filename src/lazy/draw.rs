//! Which parts of a layer a container reads.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Draws chunks until they are that share of the bytes of all, and returns their places in ascending order.
///
/// The draw depends on the number of the layer in its image and on the chunks alone: every node that starts the image reads the
/// same, as it would, and so do all workers and shards of a run.
pub fn drawn(layer: usize, lengths: &[u64], share: f64) -> Vec<usize> {
    let all: u64 = lengths.iter().sum();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a number of bytes is not below 0, and the cast saturates"
    )]
    let wanted = (share * all as f64).ceil() as u64;
    let mut places: Vec<usize> = (0..lengths.len()).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(layer as u64);
    let (mut have, mut taken) = (0, 0);
    while have < wanted && taken < places.len() {
        let next = rng.random_range(taken..places.len());
        places.swap(taken, next);
        have += lengths[places[taken]];
        taken += 1;
    }
    places.truncate(taken);
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_as_much_as_is_asked_for_and_no_more_than_needed() {
        let lengths = [10; 1000];
        for (share, expected) in [(0.0, 0), (0.064, 64), (0.0641, 65), (1.0, 1000)] {
            let drawn = drawn(0, &lengths, share);
            assert_eq!(drawn.len(), expected, "{share}");
            assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert_eq!(drawn(3, &lengths, 0.1), drawn(3, &lengths, 0.1));
        assert_ne!(drawn(3, &lengths, 0.1), drawn(4, &lengths, 0.1));
        assert!(drawn(0, &[], 1.0).is_empty());
        // Spread over the whole layer: of four quarters none is left out.
        let quarters = drawn(0, &lengths, 0.1).into_iter().map(|it| it / 250);
        let quarters: std::collections::BTreeSet<_> = quarters.collect();
        assert_eq!(quarters.len(), 4);
    }
}

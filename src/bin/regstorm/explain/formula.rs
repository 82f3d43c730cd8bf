//! How many requests there are for any number of layers, from two numbers of layers.

use std::fmt;

/// So many requests for each layer, and so many besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Formula {
    each: i64,
    besides: i64,
}

impl Formula {
    /// From the requests for an image of so many layers, and for one of a layer more.
    pub(crate) fn of(layers: u16, requests: usize, with_one_more: usize) -> Self {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let each = count(with_one_more) - count(requests);
        Self {
            each,
            besides: count(requests) - each * i64::from(layers),
        }
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.each {
            0 => return write!(f, "{}", self.besides),
            1 => f.write_str("L")?,
            each => write!(f, "{each}L")?,
        }
        if self.besides == 0 {
            return Ok(());
        }
        write!(f, "{:+}", self.besides)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_make_a_line() {
        for (layers, requests, more, wanted) in [
            (3, 14, 17, "3L+5"),
            (3, 6, 7, "L+3"),
            (3, 3, 4, "L"),
            (3, 1, 1, "1"),
            (1, 1, 3, "2L-1"),
        ] {
            let formula = Formula::of(layers, requests, more);
            assert_eq!(formula.to_string(), wanted);
        }
    }
}

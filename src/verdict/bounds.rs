//! Between what a value lies for certain, and what that says of a limit.

use crate::plan::Operator;

/// Two ends between which a value lies, both possible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds<T> {
    pub(super) low: T,
    /// Nothing is known above when absent.
    pub(super) high: Option<T>,
}

/// What the bounds of a value say of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It holds, wherever between its bounds the value is.
    Holds,
    /// It does not.
    Broken,
    /// That depends.
    Open,
}

impl<T: PartialOrd + Copy> Bounds<T> {
    pub(super) const fn exactly(value: T) -> Self {
        Self {
            low: value,
            high: Some(value),
        }
    }

    pub(super) fn against(self, operator: Operator, limit: T) -> Decision {
        let less = self.high.is_some_and(|high| high < limit);
        let at_most = self.high.is_some_and(|high| high <= limit);
        let greater = self.low > limit;
        let at_least = self.low >= limit;
        let (holds, broken) = match operator {
            Operator::Less => (less, at_least),
            Operator::LessOrEqual => (at_most, greater),
            Operator::Greater => (greater, at_most),
            Operator::GreaterOrEqual => (at_least, less),
            Operator::Equal => (at_least && at_most, less || greater),
            Operator::NotEqual => (less || greater, at_least && at_most),
        };
        match (holds, broken) {
            (true, _) => Decision::Holds,
            (_, true) => Decision::Broken,
            (false, false) => Decision::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATORS: [Operator; 6] = [
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Equal,
        Operator::NotEqual,
    ];

    fn holds(value: u32, operator: Operator, limit: u32) -> bool {
        match operator {
            Operator::Less => value < limit,
            Operator::LessOrEqual => value <= limit,
            Operator::Greater => value > limit,
            Operator::GreaterOrEqual => value >= limit,
            Operator::Equal => value == limit,
            Operator::NotEqual => value != limit,
        }
    }

    /// All there is between 0 and 9, where 9 stands for anything above.
    #[test]
    fn a_decision_is_what_every_possible_value_says() {
        for low in 0..=8 {
            for high in (low..=8).map(Some).chain([None]) {
                let values = low..=high.unwrap_or(9);
                for limit in 0..=8 {
                    for operator in OPERATORS {
                        let mut said = values.clone().map(|it| holds(it, operator, limit));
                        let first = said.next().unwrap();
                        let wanted = match (said.all(|it| it == first), first) {
                            (true, true) => Decision::Holds,
                            (true, false) => Decision::Broken,
                            (false, _) => Decision::Open,
                        };
                        let found = Bounds { low, high }.against(operator, limit);
                        assert_eq!(found, wanted, "{low}..={high:?} {operator:?} {limit}");
                    }
                }
            }
        }
    }
}

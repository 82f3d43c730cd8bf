//! Words for the values of an enum, as scenarios, plans and arguments write them.

/// Gives each value of an enum its word.
macro_rules! words {
    ($type:ident { $($word:literal => $value:expr,)* }) => {
        impl $type {
            /// Every value with its word in scenarios, plans and arguments.
            pub const WORDS: &[(&'static str, Self)] = &[$(($word, $value),)*];

            /// Returns the word of this value.
            pub fn word(self) -> &'static str {
                let found = Self::WORDS.iter().find(|(_, value)| *value == self);
                found.map_or("", |(word, _)| word)
            }
        }
    };
}

pub(crate) use words;

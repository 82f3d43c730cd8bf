//! The words that habits have in scenarios and plans.

/// Gives each value of an enum its word.
macro_rules! words {
    ($type:ident { $($word:literal => $value:expr,)* }) => {
        impl $type {
            /// Every value with its word in scenarios and plans.
            pub const WORDS: &[(&'static str, Self)] = &[$(($word, $value),)*];

            /// The word of this value.
            pub fn word(self) -> &'static str {
                let found = Self::WORDS.iter().find(|(_, value)| *value == self);
                found.map_or("", |(word, _)| word)
            }
        }
    };
}

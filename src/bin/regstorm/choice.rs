//! Arguments whose values are the words of a library type.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A value parser that takes one of `words`; `meaning` is what `--help` says of each.
pub(crate) fn one_of<T>(
    words: impl IntoIterator<Item = &'static (&'static str, T)>,
    meaning: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let words: Vec<(&'static str, T)> = words.into_iter().copied().collect();
    let values: Vec<_> = words
        .iter()
        .map(|(word, value)| PossibleValue::new(*word).help(meaning(*value)))
        .collect();
    PossibleValuesParser::new(values).try_map(move |given| {
        let found = words.iter().find(|(word, _)| *word == given);
        found.map(|(_, value)| *value).ok_or("unknown word")
    })
}

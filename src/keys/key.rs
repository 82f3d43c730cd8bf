//! Keys: each is said once, and is read, shown, described and checked by that one definition.

use std::collections::BTreeSet;

use super::codec::Codec;
use super::form::{Described, Form};
use super::table::{Sink, Table};
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::tree::Item;

/// Puts a value into its place; `false` after a problem.
type Set<T> = dyn Fn(&Item, &Sink, &mut T) -> bool + Send + Sync;
/// Gives the value as it would be written.
type Show<T> = dyn Fn(&T) -> Option<Plain> + Send + Sync;

/// A key of a table that becomes a `T`, which has a default for it.
pub(crate) struct Key<T> {
    pub(crate) described: Described,
    hint: &'static str,
    set: Box<Set<T>>,
    show: Box<Show<T>>,
}

/// A key whose value is a field: `key!("ping", flag(), |it: Habits| it.ping, "true", "What it means.")`.
macro_rules! key {
    ($name:literal, $codec:expr, |$it:ident: $table:ty| $field:expr, $example:literal, $meaning:literal $(,)?) => {
        $crate::keys::key::Key::of(
            ($name, $example, $meaning),
            $codec,
            |$it: &$table| &$field,
            |$it: &mut $table| &mut $field,
        )
    };
}
pub(crate) use key;

impl<T: 'static> Key<T> {
    /// A key whose value is a field, which `get` and `edit` lead to.
    pub(crate) fn of<V: 'static>(
        words: (&'static str, &'static str, &'static str),
        codec: Codec<V>,
        get: fn(&T) -> &V,
        edit: fn(&mut T) -> &mut V,
    ) -> Self {
        let (read, show) = (codec.read, codec.show);
        let set = move |item: &Item, sink: &Sink, it: &mut T| match read(item, sink) {
            Some(value) => {
                *edit(it) = value;
                true
            }
            None => false,
        };
        Self::custom(words, codec.form, set, move |it| show(get(it)))
    }

    /// A key whose value is more or less than a field. `set` returns `false` after a problem.
    pub(crate) fn custom(
        (name, example, meaning): (&'static str, &'static str, &'static str),
        form: Form,
        set: impl Fn(&Item, &Sink, &mut T) -> bool + Send + Sync + 'static,
        show: impl Fn(&T) -> Option<Plain> + Send + Sync + 'static,
    ) -> Self {
        let described = Described {
            name,
            meaning,
            example,
            form,
            default: None,
            is_needed: false,
            only: &[],
        };
        Self {
            described,
            hint: "",
            set: Box::new(set),
            show: Box::new(show),
        }
    }

    /// The same key, which must be there.
    pub(crate) const fn needed(mut self) -> Self {
        self.described.is_needed = true;
        self
    }

    /// The same key, whose default depends on others: said in Markdown.
    pub(crate) fn defaults_to(mut self, words: &str) -> Self {
        self.described.default = Some(words.to_owned());
        self
    }

    /// The same key, which must be there; where it is not, this follows what to add.
    pub(crate) const fn needed_with(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self.needed()
    }

    /// The same key of a larger table, in which this one's value is a part.
    pub(crate) fn within<U: 'static>(
        self,
        get: fn(&U) -> &T,
        edit: fn(&mut U) -> &mut T,
    ) -> Key<U> {
        let (set, show) = (self.set, self.show);
        Key {
            described: self.described,
            hint: self.hint,
            set: Box::new(move |item, sink, it| set(item, sink, edit(it))),
            show: Box::new(move |it| show(get(it))),
        }
    }

    /// The same key, which belongs to the forms of the table that these words choose.
    pub(crate) const fn only(mut self, words: &'static [&'static str]) -> Self {
        self.described.only = words;
        self
    }

    /// The same key, which changes something else, too.
    pub(crate) fn then(mut self, change: fn(&mut T)) -> Self {
        let set = self.set;
        self.set = Box::new(move |item, sink, it| {
            let is_good = set(item, sink, it);
            if is_good {
                change(it);
            }
            is_good
        });
        self
    }
}

/// Reads the keys of a table into `it`, all of them even if one is wrong. Returns `false` after a problem.
pub(crate) fn read<'k, T: 'static>(
    table: &mut Table<'_>,
    keys: impl IntoIterator<Item = &'k Key<T>>,
    it: &mut T,
) -> bool {
    let mut is_good = true;
    for key in keys {
        let Described { name, example, .. } = key.described;
        match table.entry(name) {
            Some(entry) => is_good &= (key.set)(&entry.item, table.sink(), it),
            None if key.described.is_needed => {
                let problem = Problem::new(format!("missing key `{name}`"), table.spot().clone());
                let label = format!("add `{name} = {example}`{}", key.hint);
                table.sink().report(problem.label(label));
                is_good = false;
            }
            None => {}
        }
    }
    is_good
}

/// Reads those keys of a table that are there and were not seen before: where nobody knows which keys belong to it, what is
/// wrong with them is said all the same.
pub(crate) fn look<T: 'static>(
    table: &mut Table<'_>,
    keys: &[Key<T>],
    seen: &mut BTreeSet<&'static str>,
    it: &mut T,
) {
    for key in keys {
        let name = key.described.name;
        if seen.insert(name)
            && let Some(entry) = table.entry(name)
        {
            (key.set)(&entry.item, table.sink(), it);
        }
    }
}

/// The keys of a table with their values, as they would be written.
pub(crate) fn show<'k, T: 'static>(keys: impl IntoIterator<Item = &'k Key<T>>, it: &T) -> Fields {
    keys.into_iter().fold(Fields::default(), |fields, key| {
        fields.may(key.described.name, (key.show)(it))
    })
}

/// The names of the keys of a table.
pub(crate) fn names<T>(keys: &[Key<T>]) -> Vec<&'static str> {
    keys.iter().map(|key| key.described.name).collect()
}

/// What people are told of the keys of a table. The defaults are those of `it`.
pub(crate) fn describe<T: 'static>(keys: &[Key<T>], it: &T) -> Vec<Described> {
    let describe = |key: &Key<T>| Described {
        default: key.described.default.clone().or_else(|| {
            let value = (key.show)(it)?;
            Some(format!("`{}`", value.to_toml()))
        }),
        ..key.described.clone()
    };
    keys.iter().map(describe).collect()
}

/// A table of its own as the value of a key.
pub(crate) fn table<T: Clone + Default + 'static>(form: Form, keys: &'static [Key<T>]) -> Codec<T> {
    Codec::new(
        form,
        move |item: &Item, sink: &Sink| {
            let mut table = Table::open(item, sink)?;
            let mut it = T::default();
            let is_good = read(&mut table, keys, &mut it);
            table.finish();
            is_good.then_some(it)
        },
        move |it| Some(show(keys, it).into()),
    )
}

//! Keys: each is said once, and is read, shown, described and checked by that one definition.

use std::collections::BTreeSet;

use super::codec::{Codec, Editor, Set, Show};
use super::form::{Described, Form};
use super::table::{Sink, Table, Variant};
use crate::keys::plain::Fields;
use crate::keys::tree::Item;

/// A table of a file as a value: it has a default for each of its keys that need not be there.
pub(crate) trait Keyed: Default + 'static {
    /// Its keys, in the order in which they are read and shown.
    fn keys() -> &'static [Key<Self>];

    /// Reads the keys of a table, all of them even if one is wrong; `false` after a problem.
    fn read(table: &mut Table<'_>) -> (Self, bool) {
        let mut it = Self::default();
        let is_good = read(table, Self::keys(), &mut it);
        (it, is_good)
    }

    /// Its keys with their values, as they would be written.
    fn show(&self) -> Fields {
        show(Self::keys(), self)
    }

    /// What people are told of its keys.
    fn described() -> Vec<Described> {
        describe(Self::keys(), &Self::default())
    }

    /// The same where they belong to the form of a table that this word chooses.
    fn described_for(word: &'static str) -> impl Iterator<Item = Described> {
        let only = move |key| Described {
            only: vec![word],
            ..key
        };
        Self::described().into_iter().map(only)
    }

    /// The form of a table that has these keys, as the word that chooses it.
    fn variant(word: &'static str, meaning: &'static str) -> Variant {
        Variant {
            name: word,
            keys: Self::keys().iter().map(|key| key.described.name).collect(),
            meaning,
        }
    }

    /// The table as the value of a key, where it stands.
    fn inline() -> Codec<Self> {
        Self::codec(Form::Inline(Self::described()), |_, _| true)
    }

    /// The table as the value of a key. Between its keys there are these rules: `false` after a problem.
    fn codec(form: Form, rules: fn(&mut Table<'_>, &Self) -> bool) -> Codec<Self> {
        Codec::new(
            form,
            move |item: &Item, sink: &Sink| {
                let mut table = Table::open(item, sink)?;
                let (it, is_good) = Self::read(&mut table);
                let is_good = rules(&mut table, &it) && is_good;
                table.finish();
                is_good.then_some(it)
            },
            |it| Some(it.show().into()),
        )
    }
}

/// A key of a table that becomes a `T`, which has a default for it.
pub(crate) struct Key<T> {
    pub(crate) described: Described,
    set: Box<Set<T>>,
    show: Box<Show<T>>,
}

impl<T: 'static> Key<T> {
    /// A key that sets or changes the field to which `get` and `edit` lead: its name, an example, and its documentation,
    /// whose first paragraph says what it means.
    pub(crate) fn of<V: 'static>(
        (name, example, documentation): (&'static str, &'static str, &str),
        codec: impl Into<Editor<V>>,
        get: fn(&T) -> &V,
        edit: fn(&mut T) -> &mut V,
    ) -> Self {
        let Editor { form, set, show } = codec.into();
        Self {
            described: Described {
                name,
                meaning: first_paragraph(documentation),
                example,
                form,
                default: None,
                is_needed: false,
                hint: "",
                only: Vec::new(),
            },
            set: Box::new(move |item: &Item, sink: &Sink, it: &mut T| set(item, sink, edit(it))),
            show: Box::new(move |it| show(get(it))),
        }
    }

    /// The same key, which must be there.
    pub(crate) fn needed(mut self) -> Self {
        self.described.is_needed = true;
        self
    }

    /// The same key, whose default depends on others: said in Markdown.
    pub(crate) fn defaults_to(mut self, words: &str) -> Self {
        self.described.default = Some(words.to_owned());
        self
    }

    /// The same key, which must be there; where it is not, this follows what to add.
    pub(crate) fn needed_with(mut self, hint: &'static str) -> Self {
        self.described.hint = hint;
        self.needed()
    }

    /// The same key, which belongs to the forms of the table that these words choose.
    pub(crate) fn only(mut self, words: &[&'static str]) -> Self {
        self.described.only = words.to_vec();
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

/// The keys of a table that is a part of another one, as keys of that one.
pub(crate) fn flatten<T: 'static, U: Keyed>(
    get: fn(&T) -> &U,
    edit: fn(&mut T) -> &mut U,
) -> Vec<Key<T>> {
    let of = |key: &'static Key<U>| Key {
        described: key.described.clone(),
        set: Box::new(move |item: &Item, sink: &Sink, it: &mut T| (key.set)(item, sink, edit(it))),
        show: Box::new(move |it| (key.show)(get(it))),
    };
    U::keys().iter().map(of).collect()
}

/// What documentation says first, on one line.
fn first_paragraph(documentation: &str) -> String {
    let lines = documentation.lines().map(str::trim);
    let lines: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// Reads the keys of a table into `it`, all of them even if one is wrong. Returns `false` after a problem.
pub(crate) fn read<'k, T: 'static>(
    table: &mut Table<'_>,
    keys: impl IntoIterator<Item = &'k Key<T>>,
    it: &mut T,
) -> bool {
    let mut is_good = true;
    for key in keys {
        match table.entry(key.described.name) {
            Some(entry) => is_good &= (key.set)(&entry.item, table.sink(), it),
            None if key.described.is_needed => {
                table.sink().report(key.described.missing(table.spot()));
                is_good = false;
            }
            None => {}
        }
    }
    is_good
}

/// Reads those keys of a table that are there and were not seen before: where nobody knows which keys belong to it, what is
/// wrong with them is said all the same.
pub(crate) fn look<T: Keyed>(table: &mut Table<'_>, seen: &mut BTreeSet<&'static str>) {
    let mut it = T::default();
    for key in T::keys() {
        let name = key.described.name;
        if seen.insert(name)
            && let Some(entry) = table.entry(name)
        {
            (key.set)(&entry.item, table.sink(), &mut it);
        }
    }
}

/// The keys of a table with their values, as they would be written.
pub(crate) fn show<'k, T: 'static>(keys: impl IntoIterator<Item = &'k Key<T>>, it: &T) -> Fields {
    keys.into_iter().fold(Fields::default(), |fields, key| {
        fields.may(key.described.name, (key.show)(it))
    })
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

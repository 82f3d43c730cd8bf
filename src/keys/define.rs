//! `keys!`: tables by their keys, each said once: name, field, default, how it is read, an example, and what it means.

/// Defines the keys of a table.
///
/// ```text
/// keys! {
///     /// Users that start over until the time is up.
///     #[derive(Debug)]
///     pub struct ConstantVus {
///         /// Virtual users.
///         pub vus: u32 => whole(1..=1_000_000), 10, needed;
///         /// What becomes of layers.
///         ///
///         /// Only for readers of the code.
///         pub compression: Compression = Compression::Gzip => words("compression", WORDS), "keep";
///     }
/// }
/// ```
///
/// Each entry is a field, its default (that of its type, if none is named), the codec by which its key is read, an example
/// in TOML, and what else holds of the key: methods of `Key`. The first paragraph of its documentation is what the
/// reference and the schema say of the key; the rest is for users of the library. The macro writes the struct, its
/// `Default` and its `Keyed`. Other entries:
///
/// - `pub max_bytes as max_memory: ByteSize = ...`: a key with another name than its field;
/// - `pub images: Selection = ...;`: a field without a key;
/// - `pub pool: VuPool, flatten;`: the keys of that table belong to this one;
/// - `max_queue = on_no_vu => ..., 1000;`: a further key that changes a field, or with `self` the whole table.
///
/// `keys! { impl Type { ... } }` gives keys to a struct that is defined elsewhere, and `keys! { Type { ... } }` is a `Vec` of
/// keys: both have entries of the last kind only.
macro_rules! keys {
    ($(#[$meta:meta])* $vis:vis struct $table:ident { $($entries:tt)* }) => {
        $crate::keys::define::keys! { @struct [$(#[$meta])* $vis struct $table] $table [] [] [] $($entries)* }
    };
    (impl $table:ty { $($entries:tt)* }) => {
        impl $crate::keys::key::Keyed for $table {
            fn keys() -> &'static [$crate::keys::key::Key<Self>] {
                static KEYS: ::std::sync::LazyLock<Vec<$crate::keys::key::Key<$table>>> =
                    ::std::sync::LazyLock::new(|| $crate::keys::define::keys! { @list $table, $($entries)* });
                &KEYS
            }
        }
    };
    // A list of keys of a table that is defined elsewhere.
    (@list $table:ty, $(
        $(#[doc = $doc:literal])*
        $key:ident = $($field:ident).+ => $codec:expr, $example:tt
            $(, $rule:ident $(($($argument:tt)*))?)*;
    )*) => {
        vec![$(
            $crate::keys::key::Key::of(
                (stringify!($key), stringify!($example), concat!($($doc, "\n"),*)),
                $codec,
                |it: &$table| $crate::keys::define::keys!(@get it, $($field).+),
                |it: &mut $table| $crate::keys::define::keys!(@edit it, $($field).+),
            )
            $(.$rule($($($argument)*)?))*
        ),*]
    };
    // A further key.
    (@struct $head:tt $table:ident $fields:tt $defaults:tt [$($keys:tt)*]
        $(#[doc = $doc:literal])*
        $key:ident = $($field:ident).+ => $codec:expr, $example:tt $(, $rule:ident $(($($argument:tt)*))?)*;
        $($entries:tt)*
    ) => {
        $crate::keys::define::keys! { @struct $head $table $fields $defaults
            [$($keys)* {
                $(#[doc = $doc])* $key = $($field).+ => $codec, $example $(, $rule $(($($argument)*))?)*;
            }]
            $($entries)*
        }
    };
    // A field with a key of its name.
    (@struct $head:tt $table:ident [$($fields:tt)*] [$($defaults:tt)*] [$($keys:tt)*]
        $(#[doc = $doc:literal])*
        $vis:vis $field:ident: $type:ty $(= $default:expr)? =>
            $codec:expr, $example:tt $(, $rule:ident $(($($argument:tt)*))?)*;
        $($entries:tt)*
    ) => {
        $crate::keys::define::keys! { @struct $head $table
            [$($fields)*
                $(#[doc = $doc])*
                #[doc = concat!("\n\nKey: `", stringify!($codec), "`, such as `", stringify!($example), "`.")]
                $vis $field: $type,
            ]
            [$($defaults)* $field: $crate::keys::define::keys!(@default $($default)?),]
            [$($keys)* {
                $(#[doc = $doc])* $field = $field => $codec, $example $(, $rule $(($($argument)*))?)*;
            }]
            $($entries)*
        }
    };
    // A field with a key of another name.
    (@struct $head:tt $table:ident [$($fields:tt)*] [$($defaults:tt)*] [$($keys:tt)*]
        $(#[doc = $doc:literal])*
        $vis:vis $field:ident as $key:ident: $type:ty $(= $default:expr)? =>
            $codec:expr, $example:tt $(, $rule:ident $(($($argument:tt)*))?)*;
        $($entries:tt)*
    ) => {
        $crate::keys::define::keys! { @struct $head $table
            [$($fields)*
                $(#[doc = $doc])*
                #[doc = concat!(
                    "\n\nKey `", stringify!($key), "`: `", stringify!($codec), "`, such as `", stringify!($example), "`."
                )]
                $vis $field: $type,
            ]
            [$($defaults)* $field: $crate::keys::define::keys!(@default $($default)?),]
            [$($keys)* {
                $(#[doc = $doc])* $key = $field => $codec, $example $(, $rule $(($($argument)*))?)*;
            }]
            $($entries)*
        }
    };
    // A field with a table whose keys belong to this one.
    (@struct $head:tt $table:ident [$($fields:tt)*] [$($defaults:tt)*] [$($keys:tt)*]
        $(#[doc = $doc:literal])*
        $vis:vis $field:ident: $type:ty $(= $default:expr)?, flatten;
        $($entries:tt)*
    ) => {
        $crate::keys::define::keys! { @struct $head $table
            [$($fields)* $(#[doc = $doc])* $vis $field: $type,]
            [$($defaults)* $field: $crate::keys::define::keys!(@default $($default)?),]
            [$($keys)* (
                $crate::keys::key::flatten(|it: &$table| &it.$field, |it: &mut $table| &mut it.$field)
            )]
            $($entries)*
        }
    };
    // A field without a key.
    (@struct $head:tt $table:ident [$($fields:tt)*] [$($defaults:tt)*] $keys:tt
        $(#[doc = $doc:literal])*
        $vis:vis $field:ident: $type:ty $(= $default:expr)?;
        $($entries:tt)*
    ) => {
        $crate::keys::define::keys! { @struct $head $table
            [$($fields)* $(#[doc = $doc])* $vis $field: $type,]
            [$($defaults)* $field: $crate::keys::define::keys!(@default $($default)?),]
            $keys
            $($entries)*
        }
    };
    (@struct [$($head:tt)*] $table:ident [$($fields:tt)*] [$($defaults:tt)*] [$($keys:tt)*]) => {
        $($head)* { $($fields)* }

        impl Default for $table {
            fn default() -> Self {
                Self { $($defaults)* }
            }
        }

        impl $crate::keys::key::Keyed for $table {
            fn keys() -> &'static [$crate::keys::key::Key<Self>] {
                static KEYS: ::std::sync::LazyLock<Vec<$crate::keys::key::Key<$table>>> =
                    ::std::sync::LazyLock::new(|| {
                        let lists: Vec<Vec<$crate::keys::key::Key<$table>>> =
                            vec![$($crate::keys::define::keys!(@part $table, $keys)),*];
                        lists.into_iter().flatten().collect()
                    });
                &KEYS
            }
        }
    };
    (@part $table:ident, { $($entry:tt)* }) => { $crate::keys::define::keys! { @list $table, $($entry)* } };
    (@part $table:ident, ($keys:expr)) => { $keys };
    (@get $it:ident, self) => { $it };
    (@get $it:ident, $($field:ident).+) => { &$it.$($field).+ };
    (@edit $it:ident, self) => { $it };
    (@edit $it:ident, $($field:ident).+) => { &mut $it.$($field).+ };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };
    ($table:ty { $($entries:tt)* }) => { $crate::keys::define::keys! { @list $table, $($entries)* } };
}
pub(crate) use keys;

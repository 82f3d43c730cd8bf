//! What one source file defines and which paths it names, read from its text.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

/// A path with the name that it has in the file: `a::b as c` is `([a, b], c)`.
pub(super) type Import = (Vec<String>, String);

/// The names and paths of a file, without its tests.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The items that the file defines.
    pub(super) items: BTreeSet<String>,
    /// The paths of `use` without `pub`.
    pub(super) imports: Vec<Import>,
    /// The paths of `pub use`.
    pub(super) exports: Vec<Import>,
    /// The paths in the rest of the code.
    pub(super) paths: Vec<Vec<String>>,
    /// The modules that are compiled for tests only.
    pub(super) test_modules: BTreeSet<String>,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let tokens = tokens(text);
        let mut source = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            at = source.step(&tokens, at);
        }
        source
    }

    /// Reads what begins at a token. Returns the position after it.
    fn step(&mut self, tokens: &[String], at: usize) -> usize {
        const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        const ITEMS: [&str; 9] = [
            "struct",
            "enum",
            "union",
            "trait",
            "type",
            "fn",
            "const",
            "static",
            "macro_rules",
        ];
        let token = |at: usize| tokens.get(at).map_or("", String::as_str);
        if (0..TEST.len()).all(|it| token(at + it) == TEST[it]) {
            return self.skip_test(tokens, at + TEST.len());
        }
        match token(at) {
            "use" => {
                let mut imports = Vec::new();
                let end = tree(tokens, at + 1, &[], &mut imports);
                let is_public = at > 0 && matches!(token(at - 1), "pub" | ")");
                let list = if is_public {
                    &mut self.exports
                } else {
                    &mut self.imports
                };
                list.extend(imports);
                end
            }
            word if ITEMS.contains(&word) => {
                let name = if token(at + 1) == "!" { at + 2 } else { at + 1 };
                self.items.insert(token(name).to_owned());
                at + 1
            }
            word if is_word(word) && token(at + 1) == "::" => {
                let mut path = vec![word.to_owned()];
                let mut end = at + 1;
                while token(end) == "::" && is_word(token(end + 1)) {
                    path.push(token(end + 1).to_owned());
                    end += 2;
                }
                self.paths.push(path);
                end.max(at + 2)
            }
            _ => at + 1,
        }
    }

    /// Skips an item that is compiled for tests only.
    fn skip_test(&mut self, tokens: &[String], from: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in tokens.iter().enumerate().skip(from) {
            match token.as_str() {
                "mod" if depth == 0 && tokens[at + 2] == ";" => {
                    self.test_modules.insert(tokens[at + 1].clone());
                }
                ";" | "," if depth == 0 => return at + 1,
                "}" if depth == 0 => return at,
                "{" | "(" | "[" => depth += 1,
                "}" if depth == 1 => return at + 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
        }
        tokens.len()
    }
}

/// Reads the tree of a `use` into its paths. Returns the position after it.
fn tree(tokens: &[String], mut at: usize, before: &[String], found: &mut Vec<Import>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens[at].as_str() {
            "{" => {
                at += 1;
                while tokens[at] != "}" {
                    at = tree(tokens, at, &path, found);
                    if tokens[at] == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "::" => at += 1,
            "as" => {
                found.push((path, tokens[at + 1].clone()));
                return at + 2;
            }
            word if is_word(word) || word == "*" => {
                if word != "self" || path.is_empty() {
                    path.push(word.to_owned());
                }
                at += 1;
            }
            _ => {
                let name = path.last().cloned().unwrap_or_default();
                found.push((path, name));
                return at;
            }
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words and signs of a text, without comments, strings and characters.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match c {
            '/' if next == Some('/') => while rest.next_if(|it| *it != '\n').is_some() {},
            '"' => string(&mut rest),
            '\'' => character(&mut rest),
            ':' if next == Some(':') => {
                rest.next();
                tokens.push("::".to_owned());
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut word = c.to_string();
                while let Some(c) = rest.next_if(|it| it.is_alphanumeric() || *it == '_') {
                    word.push(c);
                }
                let is_raw = matches!(rest.peek(), Some('"' | '#'));
                if is_raw && matches!(word.as_str(), "r" | "br") {
                    raw_string(&mut rest);
                } else {
                    tokens.push(word);
                }
            }
            c if c.is_whitespace() => {}
            c => tokens.push(c.to_string()),
        }
    }
    tokens
}

fn string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

/// Skips a character, or the quote of a lifetime.
fn character(rest: &mut Peekable<Chars<'_>>) {
    let mut ahead = rest.clone();
    let is_escaped = ahead.next() == Some('\\');
    if is_escaped {
        rest.nth(1);
        while rest.next_if(|it| *it != '\'').is_some() {}
        rest.next();
    } else if ahead.next() == Some('\'') {
        rest.nth(1);
    }
}

fn raw_string(rest: &mut Peekable<Chars<'_>>) {
    let mut fence = 0;
    while rest.next_if_eq(&'#').is_some() {
        fence += 1;
    }
    if rest.next_if_eq(&'"').is_none() {
        return; // a raw identifier
    }
    let mut hashes = None;
    for c in rest.by_ref() {
        hashes = match (c, hashes) {
            ('"', _) => Some(0),
            ('#', Some(so_far)) => Some(so_far + 1),
            _ => None,
        };
        if hashes == Some(fence) {
            return;
        }
    }
}

#[test]
fn reads_imports_exports_items_and_paths() {
    let source = Source::read(
        r##"
        //! use super::commented;
        use super::{one::{self, Two}, three as four};
        pub(super) use five::Six;
        struct Seven<'a>(&'a str, super::eight::Nine);
        const TEN: &str = "use super::quoted; \" it";
        fn eleven() -> char { r#"use super::raw;"#; '"'; twelve::thirteen(); '\'' }
        #[cfg(test)]
        mod testing;
        #[cfg(test)]
        mod tests { use super::*; fn fourteen() { { } } }
        enum Fifteen {}
        "##,
    );
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let import = |text: &str, name: &str| (path(text), name.to_owned());
    let wanted = [
        import("super::one", "one"),
        import("super::one::Two", "Two"),
        import("super::three", "four"),
    ];
    assert_eq!(source.imports, wanted);
    assert_eq!(source.exports, [import("five::Six", "Six")]);
    let items: Vec<&str> = source.items.iter().map(String::as_str).collect();
    assert_eq!(items, ["Fifteen", "Seven", "TEN", "eleven"]);
    let wanted = [path("super::eight::Nine"), path("twelve::thirteen")];
    assert_eq!(source.paths, wanted);
    assert!(source.test_modules.contains("testing"));
}

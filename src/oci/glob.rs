//! Images that a registry is asked for: one by its name, or all whose names match a glob.

use std::fmt;
use std::str::FromStr;

use super::reference::{ImageName, NameError, RepositoryName};

/// Why a text names no images.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Neither a name nor a glob.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A glob with a digest.
    #[error(
        "`{0}` is a glob with a digest: a digest names one image, so write its repository without `*` and `?`"
    )]
    Digest(String),
    /// Its repository is none, whatever stands for the wildcards.
    #[error(
        "`{0}` is not a glob of repositories: lower-case letters, digits, `.`, `_`, `-` and `/`, with `*` for any characters but \
         `/`, `**` for any characters, and `?` for one"
    )]
    Repository(String),
    /// Its tag is none, whatever stands for the wildcards.
    #[error(
        "`{0}` is not a glob of tags: letters, digits, `.`, `_` and `-`, with `*` for any characters and `?` for one"
    )]
    Tag(String),
}

/// One image by its name, or all whose names match a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSelector {
    /// `NAME:TAG` or `NAME@DIGEST`.
    Name(ImageName),
    /// `team/*`, `lab/web:1.*`.
    Glob(ImageGlob),
}

/// A glob of image names: of repositories, and of their tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageGlob {
    repository: Glob,
    tag: Option<Glob>,
}

/// A text in which `*` stands for any characters but `/`, `**` for any, and `?` for one that is no `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob(Box<str>);

/// The longest glob, in bytes: a repository, a colon and a tag.
const LONGEST: usize = 255 + 1 + 128;

impl ImageGlob {
    /// Returns the repository, if the glob is of the tags of one.
    pub fn one_repository(&self) -> Option<RepositoryName> {
        let text = &self.repository;
        text.0.parse().ok().filter(|_| !text.is_wild())
    }

    /// Returns the beginning of every repository that matches, up to the last `/` before a wildcard, without it.
    pub fn namespace(&self) -> &str {
        let text = &*self.repository.0;
        match text.find(is_wildcard) {
            Some(wildcard) => text[..wildcard].rsplit_once('/').map_or("", |(it, _)| it),
            None => text,
        }
    }

    /// Returns `true` if a repository of that name matches.
    pub fn takes_repository(&self, name: &str) -> bool {
        self.repository.matches(name)
    }

    /// Returns `true` if a tag of a repository that matches does so, too: every tag, where the glob says nothing of tags.
    pub fn takes_tag(&self, tag: &str) -> bool {
        self.tag.as_ref().is_none_or(|it| it.matches(tag))
    }
}

impl Glob {
    fn is_wild(&self) -> bool {
        self.0.contains(is_wildcard)
    }

    /// Takes time in proportion to the product of both lengths, whatever they are.
    fn matches(&self, text: &str) -> bool {
        let pattern = self.0.as_bytes();
        // Whether the pattern up to each of its places matches the text so far.
        let mut reached = vec![false; pattern.len() + 1];
        reached[0] = true;
        skip_stars(pattern, &mut reached);
        for byte in text.bytes() {
            let mut next = vec![false; pattern.len() + 1];
            for (at, symbol) in pattern.iter().enumerate() {
                if !reached[at] {
                    continue;
                }
                match symbol {
                    b'*' => next[at] |= byte != b'/' || is_double(pattern, at),
                    b'?' => next[at + 1] |= byte != b'/',
                    symbol => next[at + 1] |= *symbol == byte,
                }
            }
            reached = next;
            skip_stars(pattern, &mut reached);
        }
        reached[pattern.len()]
    }
}

/// Lets every star that is reached stand for nothing.
fn skip_stars(pattern: &[u8], reached: &mut [bool]) {
    for (at, symbol) in pattern.iter().enumerate() {
        if *symbol == b'*' && reached[at] {
            reached[at + 1] = true;
        }
    }
}

/// Returns `true` for a star beside another.
fn is_double(pattern: &[u8], at: usize) -> bool {
    let star = |at: Option<usize>| at.and_then(|at| pattern.get(at)) == Some(&b'*');
    star(at.checked_sub(1)) || star(at.checked_add(1))
}

const fn is_wildcard(c: char) -> bool {
    matches!(c, '*' | '?')
}

impl FromStr for ImageSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.contains(is_wildcard) {
            text.parse().map(Self::Glob)
        } else {
            Ok(Self::Name(text.parse()?))
        }
    }
}

impl FromStr for ImageGlob {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let shown = || text.chars().take(400).collect();
        if text.contains('@') {
            return Err(SelectorError::Digest(shown()));
        }
        // A tag has no `/`; a colon before one belongs to no repository.
        let (repository, tag) = match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (text, None),
        };
        let of_name =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let part =
            |part: &str| !part.is_empty() && part.chars().all(|c| of_name(c) || is_wildcard(c));
        if text.len() > LONGEST || !repository.split('/').all(part) {
            return Err(SelectorError::Repository(shown()));
        }
        let of_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_tag =
            |tag: &str| !tag.is_empty() && tag.chars().all(|c| of_tag(c) || is_wildcard(c));
        if !tag.is_none_or(is_tag) {
            return Err(SelectorError::Tag(shown()));
        }
        let glob = Self {
            repository: Glob(repository.into()),
            tag: tag.map(|tag| Glob(tag.into())),
        };
        // What is no glob is a name.
        if !glob.repository.is_wild() {
            repository.parse::<RepositoryName>()?;
        }
        Ok(glob)
    }
}

impl fmt::Display for ImageSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Glob(glob) => glob.fmt(f),
        }
    }
}

impl fmt::Display for ImageGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository.0)?;
        match &self.tag {
            Some(tag) => write!(f, ":{}", tag.0),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(text: &str) -> ImageGlob {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_star_stays_within_a_part_and_two_do_not() {
        for (pattern, matching, others) in [
            (
                "team/*",
                &["team/a", "team/web-1"][..],
                &["team", "team/a/b", "other/a", "xteam/a"][..],
            ),
            ("team/**", &["team/a", "team/a/b"], &["team", "teams/a"]),
            ("*", &["a", "web"], &["team/a"]),
            ("**", &["a", "team/a/b"], &[]),
            ("**/web", &["team/web", "a/b/web"], &["web", "team/web2"]),
            ("team/*/web", &["team/a/web"], &["team/web", "team/a/b/web"]),
            (
                "team/we?",
                &["team/web"],
                &["team/we", "team/webs", "team/we/"],
            ),
            ("a*a*a", &["aaa", "abaca"], &["aa", "aba"]),
        ] {
            let glob = glob(pattern);
            for name in matching {
                assert!(glob.takes_repository(name), "{pattern} {name}");
            }
            for name in others {
                assert!(!glob.takes_repository(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn tags_are_all_unless_the_glob_says_which() {
        assert!(glob("team/*").takes_tag("latest") && glob("team/*").takes_tag("V1"));
        let ones = glob("lab/web:1.*");
        assert!(ones.takes_tag("1.") && ones.takes_tag("1.2.3"));
        assert!(!ones.takes_tag("1") && !ones.takes_tag("11.0"));
        assert_eq!(ones.one_repository(), "lab/web".parse().ok());
        assert_eq!(glob("lab/w*:1").one_repository(), None);
    }

    #[test]
    fn the_namespace_is_what_all_matches_begin_with() {
        for (pattern, namespace) in [
            ("team/*", "team"),
            ("team/sub/w*:1", "team/sub"),
            ("te*/web", ""),
            ("**", ""),
            ("lab/web:1.*", "lab/web"),
        ] {
            assert_eq!(glob(pattern).namespace(), namespace, "{pattern}");
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        let refused = |text: &str| text.parse::<ImageSelector>().unwrap_err();
        for text in [
            "Team/*",
            "team//*",
            "/*",
            "team/*/",
            "http://h/*",
            "lab/web:1/*",
            "a*:1:2",
            "a b*",
        ] {
            let error = refused(text);
            assert!(
                matches!(error, SelectorError::Repository(_)),
                "{text}: {error}"
            );
        }
        for text in ["team/*:", "lab/web:1 *", "lab/web:é*"] {
            assert!(matches!(refused(text), SelectorError::Tag(_)), "{text}");
        }
        let digest = format!("team/*@sha256:{}", "0".repeat(64));
        assert!(matches!(refused(&digest), SelectorError::Digest(_)));
        assert!(matches!(refused("lab/web"), SelectorError::Name(_)));
        assert!(matches!(refused("lab..web:*"), SelectorError::Name(_)));
        assert!(matches!(
            refused(&"*".repeat(385)),
            SelectorError::Repository(_)
        ));
    }

    proptest! {
        #[test]
        fn matching_ends_and_agrees_with_a_search(pattern in "[ab*?/]{1,9}", text in "[ab/]{0,9}") {
            // Another route: every star is tried with every length.
            fn tried(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.first() {
                    None => text.is_empty(),
                    Some(b'*') => {
                        let stars = pattern.iter().take_while(|it| **it == b'*').count();
                        let within = |it: &[u8]| stars > 1 || !it.contains(&b'/');
                        (0..=text.len()).any(|at| within(&text[..at]) && tried(&pattern[stars..], &text[at..]))
                    }
                    Some(b'?') => text.first().is_some_and(|it| *it != b'/') && tried(&pattern[1..], &text[1..]),
                    Some(symbol) => text.first() == Some(symbol) && tried(&pattern[1..], &text[1..]),
                }
            }
            let glob = Glob(pattern.as_str().into());
            prop_assert_eq!(glob.matches(&text), tried(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in ".*") {
            let _ = text.parse::<ImageSelector>();
        }
    }
}

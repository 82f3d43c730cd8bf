//! Blanks the secrets out of a source text before any line of it is shown.
//!
//! It works on the text and not on the parsed tree, because a line is also shown when it could not be parsed. Where
//! it is in doubt it blanks too much. Lengths stay as they are, so that places stay where they are.

use std::ops::Range;

/// A scenario file without its secrets.
pub(crate) fn file(text: &str) -> String {
    let mut scanner = Scanner::new(text);
    scanner.run();
    let masked = mask(text, &scanner.secrets, '*');
    // Blanks at the end of a line are not shown at all.
    let masked = mask(&masked, &scanner.comments, ' ');
    mask_addresses(&masked)
}

/// An argument, `--set key.path=value`, `--target url` or `--gate metric`, without its secrets.
pub(crate) fn argument(text: &str) -> String {
    let (option, rest) = text.split_once(' ').unwrap_or(("", text));
    let start = text.len() - rest.len();
    if option == "--gate" {
        return mask_addresses(text); // the name of a metric is no secret
    }
    if option == "--target" || option == "--proxy" {
        return mask_addresses(&mask(text, &user_of_address(rest, start), '*'));
    }
    let (path, value) = rest.split_once('=').unwrap_or((rest, ""));
    let words: Vec<String> = path
        .split('.')
        .map(|word| word.trim().trim_matches(['"', '\'']).to_owned())
        .collect();
    let mut secrets = Vec::new();
    if secrecy(&words) == Secrecy::Secret {
        secrets.push(text.len() - value.len()..text.len());
    }
    // What holds no TOML is a plain string, which may have blanks in it.
    if value.contains(['{', '[', '"', '\'']) || !rest.contains('=') {
        let mut scanner = Scanner::new(rest);
        scanner.run();
        let shift = |range: Range<usize>| range.start + start..range.end + start;
        secrets.extend(scanner.secrets.into_iter().map(shift));
    } else if secrecy(&words) == Secrecy::Address {
        secrets.extend(user_of_address(value, text.len() - value.len()));
    }
    mask_addresses(&mask(text, &secrets, '*'))
}

/// A value without the user and the query of any address in it.
pub(crate) fn value(text: &str) -> String {
    mask_addresses(text)
}

/// How much of a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Open,
    /// All but the user of the address.
    Address,
    Secret,
}

/// What a key path says of its value.
fn secrecy(path: &[String]) -> Secrecy {
    // The second word under these is a name that people choose.
    let chosen = matches!(
        path.first().map(String::as_str),
        Some("images" | "journey" | "load")
    );
    let words = || {
        path.iter()
            .enumerate()
            .filter(move |(index, _)| !(chosen && *index == 1))
            .map(|(_, word)| word.to_lowercase())
    };
    if words().any(|word| is_secret_word(&word) || near(&word, "headers")) {
        return Secrecy::Secret;
    }
    let last = path.last().map_or("", String::as_str);
    if let Some(at) = words().position(|word| word == "auth") {
        // `auth = "basic"` of the embedded registry is no secret, and neither is a user's name.
        let scalar = at + 1 == path.len();
        let embedded = scalar && at > 0 && path[at - 1] == "embedded";
        if !embedded && (scalar || last != "username") {
            return Secrecy::Secret;
        }
    }
    if near(last, "url") || near(last, "target") || near(last, "proxy") || last == "prometheus" {
        return Secrecy::Address;
    }
    Secrecy::Open
}

fn is_secret_word(word: &str) -> bool {
    const PARTS: [&str; 10] = [
        "passw",
        "passphrase",
        "pwd",
        "secret",
        "token",
        "credential",
        "authorization",
        "api_key",
        "apikey",
        "api-key",
    ];
    word == "pass" || PARTS.iter().any(|part| word.contains(part)) || near(word, "password")
}

/// Returns whether it is the word, or the word mistyped.
fn near(word: &str, wanted: &str) -> bool {
    strsim::osa_distance(word, wanted) <= wanted.len() / 4
}

/// The most open brackets that are followed.
const MAX_FRAMES: usize = 64;
/// The most words, and bytes, of a path that is followed. What lies deeper is hidden: a path is looked at for each value.
const MAX_WORDS: usize = 64;
const MAX_PATH: usize = 512;

/// Returns `true` if a path is longer than what is followed.
fn is_long(path: &[String]) -> bool {
    path.len() > MAX_WORDS || path.iter().map(String::len).sum::<usize>() > MAX_PATH
}

/// An open bracket and what it inherits.
struct Frame {
    is_table: bool,
    path: Vec<String>,
    secrecy: Secrecy,
}

/// Reads TOML as far as it is TOML, and collects what must not be shown.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    section: Vec<String>,
    frames: Vec<Frame>,
    /// The words of the key being read.
    key: Vec<String>,
    /// What the value being read may show; `None` while a key is read.
    value: Option<Secrecy>,
    /// Where the line ends that was looked at last.
    line_end: usize,
    secrets: Vec<Range<usize>>,
    comments: Vec<Range<usize>>,
}

impl<'a> Scanner<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            section: Vec::new(),
            frames: Vec::new(),
            key: Vec::new(),
            value: None,
            line_end: 0,
            secrets: Vec::new(),
            comments: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.text[self.at..].chars().next() {
            match c {
                '\n' => {
                    self.at += 1;
                    self.next_key();
                }
                '#' => self.comment(),
                c if c.is_whitespace() || c == '.' => self.at += c.len_utf8(),
                ']' | '}' => self.close(),
                ',' => {
                    self.at += 1;
                    if !self.frames.is_empty() {
                        self.next_key();
                    }
                }
                _ if self.is_out_of_place() => self.give_up(),
                '"' | '\'' => self.string(c),
                '[' if self.at_line_start() => self.header(),
                '[' | '{' if self.value.is_some() => self.open(c == '{'),
                '=' if self.value.is_none() && !self.key.is_empty() => {
                    self.at += 1;
                    let path = self.path();
                    if is_long(&path) {
                        self.hide_rest();
                    } else {
                        self.value = Some(secrecy(&path));
                    }
                }
                '[' | '{' | '=' => self.give_up(),
                _ => self.word(),
            }
        }
    }

    /// Returns whether something stands where a value has ended already.
    fn is_out_of_place(&self) -> bool {
        let before = self.text[..self.at].trim_end_matches([' ', '\t']);
        self.value.is_some() && !before.ends_with(['=', '[', ',', '\n', '.'])
    }

    /// Hides the rest of a line that is no TOML.
    fn give_up(&mut self) {
        let end = self.rest_of_line();
        self.secrets.push(self.at..end);
        self.at = end;
    }

    fn at_line_start(&self) -> bool {
        self.frames.is_empty() && self.value.is_none() && self.key.is_empty()
    }

    /// Where this line ends. It is looked for once.
    fn rest_of_line(&mut self) -> usize {
        if self.at > self.line_end || self.line_end == 0 {
            let length = self.text[self.at..].find('\n');
            self.line_end = length.map_or(self.text.len(), |length| self.at + length);
        }
        self.line_end
    }

    /// Hides everything that is left, where nobody can say any more what it is.
    fn hide_rest(&mut self) {
        self.secrets.push(self.at..self.text.len());
        self.at = self.text.len();
    }

    /// The path of the value that is being read.
    fn path(&self) -> Vec<String> {
        let outer = self
            .frames
            .last()
            .map_or(&self.section, |frame| &frame.path);
        let mut path = outer.clone();
        // A point may stand between the letters of a word.
        let joined = self.key.concat();
        if self.key.len() > 1 && (near(&joined, "headers") || near(&joined, "password")) {
            path.push(joined);
        }
        path.extend_from_slice(&self.key);
        path
    }

    /// Returns whether what was just read is in the place of a key, in a secret table, and yet no key.
    fn stands_for_a_value(&self) -> bool {
        let after = self.text[self.at..].trim_start_matches([' ', '\t']);
        let secret = |frame: &Frame| frame.secrecy == Secrecy::Secret;
        self.frames.last().is_some_and(secret) && !after.starts_with(['=', '.'])
    }

    fn next_key(&mut self) {
        self.key.clear();
        self.value = match self.frames.last() {
            Some(frame) if !frame.is_table => Some(frame.secrecy),
            _ => None,
        };
    }

    /// A comment has nothing to say in a problem, and may hold what the line held before.
    fn comment(&mut self) {
        let end = self.rest_of_line();
        self.comments.push(self.at..end);
        self.at = end;
    }

    fn header(&mut self) {
        let end = self.rest_of_line();
        let line = &self.text[self.at..end];
        let name = line.split(['=', '#', '"', '\'']).next().unwrap_or(line);
        self.section = name
            .split(['[', ']', '.', ' ', '\t', '\r'])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        if is_long(&self.section) {
            self.section = vec!["secret".to_owned()];
        }
        let shown = line.find('=').unwrap_or(line.len());
        self.secrets.push(self.at + shown..end);
        self.at = end;
    }

    fn close(&mut self) {
        match self.frames.pop() {
            // What follows on the line is no TOML, and is treated as a part of the value.
            Some(frame) => {
                self.at += 1;
                self.value = Some(frame.secrecy);
            }
            None => self.give_up(),
        }
    }

    fn open(&mut self, is_table: bool) {
        self.at += 1;
        let secrecy = self.value.unwrap_or(Secrecy::Open);
        let path = self.path();
        if self.frames.len() >= MAX_FRAMES || is_long(&path) {
            self.hide_rest();
            return;
        }
        self.frames.push(Frame {
            is_table,
            path,
            secrecy,
        });
        self.next_key();
    }

    fn string(&mut self, quote: char) {
        let start = self.at;
        let rest = &self.text[start..];
        let triple: String = [quote; 3].iter().collect();
        let (open, end) = if rest.starts_with(&triple) {
            let end = rest[3..].find(&triple).map(|at| at + 3);
            (3, end.unwrap_or(rest.len()))
        } else {
            let line = self.rest_of_line() - start;
            (1, closing(&rest[1..line], quote).map_or(line, |at| at + 1))
        };
        let inside = start + open..start + end;
        self.at = (start + end + open).min(self.text.len());
        // The end of an unclosed string is the end of its line.
        let unclosed = end + open > rest.len() || !rest[end..].starts_with(quote);
        if unclosed {
            self.at = start + end;
        }
        let content = &self.text[inside.clone()];
        // A quote in the wrong place may have put whole keys and values into a string.
        let swallowed = content.contains('=') && (unclosed || content.contains(['"', '\'']));
        let joined = self.text[..start]
            .trim_end_matches([' ', '\t'])
            .ends_with('.');
        match self.value {
            Some(Secrecy::Secret) => self.hide_but_variables(inside),
            Some(Secrecy::Address) => {
                let users = user_of_address(content, inside.start);
                self.secrets.extend(users);
            }
            Some(Secrecy::Open) if swallowed => self.secrets.push(inside),
            Some(Secrecy::Open) => {}
            None if is_long(&self.key) => {
                self.at = start;
                self.hide_rest();
            }
            None if self.key.is_empty() || joined => {
                // `"X-A: value"` is no name of a header.
                let mixed = content.contains([':', ' ', '=']);
                self.key.push(content.to_owned());
                let before = &self.key[..self.key.len() - 1];
                if mixed || is_secret_path(before) || self.stands_for_a_value() {
                    self.secrets.push(inside);
                }
            }
            None => {
                self.at = start;
                self.give_up();
            }
        }
    }

    /// `${NAME}` says where a secret is, not what it is, and is what one needs to see.
    fn hide_but_variables(&mut self, inside: Range<usize>) {
        let content = &self.text[inside.clone()];
        let mut start = 0;
        while start < content.len() {
            let rest = &content[start..];
            let variable = rest.find("${").and_then(|at| {
                let length = rest[at..].find('}')? + 1;
                let name = &rest[at + 2..at + length - 1];
                let plain = name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit());
                plain.then_some((at, at + length))
            });
            let (hidden, next) = variable.unwrap_or((rest.len(), rest.len()));
            self.secrets
                .push(inside.start + start..inside.start + start + hidden);
            start += next;
        }
    }

    fn word(&mut self) {
        let start = self.at;
        let length = self.text[start..]
            .find(|c: char| c.is_whitespace() || "\"'[]{},=#.".contains(c))
            .unwrap_or(self.text.len() - start);
        let before = self.text[..start].trim_end_matches([' ', '\t']);
        match self.value {
            Some(Secrecy::Address) if before.ends_with('=') => {
                let end = self.rest_of_line();
                let users = user_of_address(&self.text[start..end], start);
                self.secrets.extend(users);
                self.at = end;
            }
            Some(Secrecy::Open | Secrecy::Address) => self.at += length,
            None if is_long(&self.key) => self.hide_rest(),
            None if self.key.is_empty() || before.ends_with('.') => {
                self.at += length;
                self.key.push(self.text[start..self.at].to_owned());
                if self.stands_for_a_value() {
                    self.secrets.push(start..self.at);
                }
            }
            // A bare word is no TOML string: whatever it is, it ends with the line.
            Some(Secrecy::Secret) | None => self.give_up(),
        }
    }
}

/// Returns whether one of these words stands for a secret itself.
fn is_secret_path(words: &[String]) -> bool {
    words
        .iter()
        .any(|word| is_secret_word(&word.to_lowercase()))
}

/// Where a string ends, in the text behind its first quote.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == quote && !escaped {
            return Some(at);
        }
        escaped = c == '\\' && quote == '"' && !escaped;
    }
    None
}

/// The user and the password in front of the `@` of an address, and its query.
fn user_of_address(text: &str, at: usize) -> Vec<Range<usize>> {
    let start = text.find("://").map_or(0, |scheme| scheme + 3);
    let rest = &text[start..];
    let mut secrets = Vec::new();
    if let Some(end) = rest.rfind('@') {
        secrets.push(at + start..at + start + end);
    } else {
        // Behind the host comes a number; anything else may be a password whose `@` is missing.
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let port = host.split_once(':').map_or("", |(_, port)| port);
        let plain = port.bytes().all(|b| b.is_ascii_digit()) || port.starts_with("${");
        if !plain && !host.starts_with('[') {
            let end = at + start + host.len();
            secrets.push(end - port.len()..end);
        }
    }
    secrets.extend(text.find('?').map(|query| at + query + 1..at + text.len()));
    secrets
}

/// Blanks the user and the query of every address with a scheme, wherever it stands.
fn mask_addresses(text: &str) -> String {
    const MOST: usize = 16; // schemes in one word
    let mut secrets = Vec::new();
    let (mut end, mut in_word) = (0, 0);
    for (scheme, _) in text.match_indices("://") {
        let start = scheme + 3;
        if start <= end {
            in_word += 1;
        } else {
            in_word = 0;
            let length = text[start..].find(|c: char| c.is_whitespace() || c == '"' || c == '\'');
            end = length.map_or(text.len(), |length| start + length);
        }
        match in_word {
            0..MOST => secrets.extend(user_of_address(&text[start..end], start)),
            // No address: the rest of the word is hidden, once.
            MOST => secrets.push(start..end),
            _ => {}
        }
    }
    mask(text, &secrets, '*')
}

/// Fills the ranges, byte for byte.
fn mask(text: &str, secrets: &[Range<usize>], with: char) -> String {
    let mut hidden = vec![false; text.len()];
    for range in secrets {
        hidden[range.clone()].fill(true);
    }
    let mut masked = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if hidden[at] && c != '\n' && c != '\r' {
            masked.extend(std::iter::repeat_n(with, c.len_utf8()));
        } else {
            masked.push(c);
        }
    }
    masked
}

#[cfg(test)]
mod tests;

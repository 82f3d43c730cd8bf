//! Two runs, by what their witnesses saw, session by session. The names of repositories differ: each session of the first run has
//! one of the second with the same requests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::documented::{Exception, Exceptions};
use crate::support::{AccessLine, Seen};

/// What is sent before a client has to read any of it.
const BUFFER: u64 = 64 << 10;

/// How many bytes a body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Size {
    Is(u64),
    AtLeast(u64),
    AtMost(u64),
    Any,
}

/// A request, by what both runs have in common: the endpoint, the class of the status, and the sizes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    operation: &'static str,
    class: u16,
    size: Size,
}

/// The requests of a run by repository and session, those of no repository under an empty name.
#[derive(Debug)]
pub(crate) struct Lines(BTreeMap<String, Vec<Line>>);

impl Lines {
    /// As they were seen.
    pub(crate) fn of(seen: &[Seen]) -> Self {
        let mut lines = Self(BTreeMap::new());
        for it in seen {
            lines.add(it, Size::Is);
        }
        lines
    }

    fn add(&mut self, seen: &Seen, size: impl Fn(u64) -> Size) {
        let operation = operation(seen);
        let line = Line {
            operation,
            class: seen.status / 100,
            size: content(seen).map_or(Size::Any, size),
        };
        let mut place = repository(&seen.path).to_owned();
        if !place.is_empty() {
            let _ = write!(place, " {}", seen.session);
        }
        self.0.entry(place).or_default().push(line);
    }

    /// What is in one and not in the other; `None` if each repository has its like.
    pub(crate) fn difference(&self, other: &Self) -> Option<String> {
        let mut left: BTreeMap<&String, &Vec<Line>> = other.0.iter().collect();
        let mut missed = Vec::new();
        // What is known exactly first: a session of any sizes must not take the only one that another can have.
        let mut wanted: Vec<_> = self.0.iter().collect();
        let is_exact = |line: &&Line| matches!(line.size, Size::Is(_));
        wanted.sort_by_key(|(_, lines)| Reverse(lines.iter().filter(is_exact).count()));
        for (name, lines) in wanted {
            let mut like = left.iter().filter(|(of_other, found)| {
                of_other.is_empty() == name.is_empty() && is_like(lines, found)
            });
            match like.next().map(|(found, _)| *found) {
                Some(found) => drop(left.remove(found)),
                None => missed.push((name, lines)),
            }
        }
        if missed.is_empty() && left.is_empty() {
            return None;
        }
        // The likeliest ones beside each other.
        let mut told = String::new();
        for (name, lines) in missed {
            let count = |found: &Vec<Line>| differing(lines, found).len();
            let near = left.iter().min_by_key(|(_, found)| count(found));
            let near = near.map(|(name, found)| (*name, differing(lines, found)));
            if let Some((found, _)) = &near {
                left.remove(found);
            }
            let _ = write!(told, "\n{name}: {near:#?}");
        }
        Some(format!("{told}\nbeside these: {left:#?}"))
    }
}

/// Whether every request has its like in the other list, and nothing is left.
fn is_like(wanted: &[Line], found: &[Line]) -> bool {
    wanted.len() == found.len() && differing(wanted, found).is_empty()
}

/// The requests that have no like: `-` in front of what is wanted, `+` of what was found.
fn differing(wanted: &[Line], found: &[Line]) -> Vec<String> {
    let mut wanted = wanted.to_vec();
    // Exact ones first, then the largest: what is left for the others fits if anything does.
    wanted.sort_by_key(|it| match it.size {
        Size::Is(size) => (0, u64::MAX - size),
        Size::AtLeast(size) => (1, u64::MAX - size),
        Size::AtMost(size) => (2, u64::MAX - size),
        Size::Any => (3, 0),
    });
    let mut left = found.to_vec();
    left.sort_by_key(|it| Reverse(it.size));
    let mut differing = Vec::new();
    for line in wanted {
        let fits = |it: &Line| {
            let is_size = match (line.size, it.size) {
                (Size::Any, _) | (_, Size::Any) => true,
                (Size::AtLeast(least), Size::Is(size)) => size >= least,
                (Size::AtMost(most), Size::Is(size)) => size <= most,
                (wanted, found) => wanted == found,
            };
            (it.operation, it.class) == (line.operation, line.class) && is_size
        };
        match left.iter().position(fits) {
            Some(place) => drop(left.remove(place)),
            None => differing.push(format!("- {line:?}")),
        }
    }
    differing.extend(left.iter().map(|line| format!("+ {line:?}")));
    differing
}

/// The requests that a log has, unless it lacks those to an endpoint.
pub(crate) fn logged(seen: &[Seen], lacks: &str) -> Vec<Seen> {
    let is_there = |it: &&Seen| !lacks.contains(&format!("`{}`", operation(it)));
    seen.iter().filter(is_there).cloned().collect()
}

/// How many sessions have no request that is sent again.
pub(super) fn left_out_whole(seen: &[Seen], exceptions: &Exceptions) -> u64 {
    let mut sent = BTreeMap::new();
    for it in seen {
        let is_sent = exception(it, exceptions) != Some(Exception::LeftOut);
        let session = (repository(&it.path), &it.session);
        *sent.entry(session).or_insert(false) |= is_sent;
    }
    sent.values().filter(|is_sent| !**is_sent).count() as u64
}

/// What the second run of a log must have: what the first one had, but for the exceptions.
pub(crate) fn expected(seen: &[Seen], exceptions: &Exceptions, lacks: &str) -> Lines {
    let mut largest: BTreeMap<&str, u64> = BTreeMap::new();
    for it in seen.iter().filter(|it| operation(it) == "blob-get") {
        let size = largest.entry(digest(&it.path)).or_default();
        *size = (*size).max(it.received);
    }
    let small = exceptions.of("blobs of fewer than 64 bytes");
    let mut lines = Lines(BTreeMap::new());
    let mut over = BTreeSet::new();
    for it in seen {
        let id = upload(&it.path).filter(|id| !id.is_empty());
        if id.is_some_and(|id| over.contains(id)) {
            assert_eq!(
                exceptions.of("uploads after their end"),
                Some(Exception::LeftOut)
            );
            continue;
        }
        if ends(it, exceptions) {
            over.extend(id);
        }
        let of = exception(it, exceptions);
        let is_untold = is_upload(it)
            && (lacks.contains("size of uploads")
                || lacks.contains("size of chunked uploads") && it.is_chunked);
        match of {
            Some(Exception::LeftOut) => {}
            Some(Exception::Well) => {
                let well = Seen {
                    status: 200,
                    ..it.clone()
                };
                lines.add(&well, |_| Size::Any);
            }
            _ if is_untold => lines.add(it, |_| Size::Any),
            Some(Exception::OtherSize) => lines.add(it, |_| Size::Any),
            Some(Exception::Larger(less)) => {
                lines.add(it, |size| Size::AtLeast(size.saturating_sub(less)));
            }
            Some(Exception::Whole) if it.status == 200 => {
                let whole = largest[digest(&it.path)];
                lines.add(it, |_| Size::Is(whole));
            }
            // The client may have left when the last bytes were on their way: the logs in front of it have fewer.
            _ if it.status == 206
                && it.received > BUFFER
                && exceptions.of("206 that was cut off") == Some(Exception::OtherSize) =>
            {
                lines.add(it, Size::AtMost);
            }
            // A part may be as small as it was.
            _ if is_of_blob(it) && it.status != 206 && small == Some(Exception::AtLeast64) => {
                lines.add(it, |size| Size::Is(if size > 0 { size.max(64) } else { 0 }));
            }
            _ => lines.add(it, Size::Is),
        }
    }
    if exceptions.of("upload-cancel") == Some(Exception::Added) {
        for it in left_open(seen, exceptions) {
            let cancel = Seen {
                method: "DELETE".to_owned(),
                path: format!("/v2/{}/blobs/uploads/left", repository(&it.path)),
                status: 204,
                ..it.clone()
            };
            lines.add(&cancel, Size::Is);
        }
    }
    lines
}

/// What is excepted of a request: by its status, or by its endpoint.
fn exception(seen: &Seen, exceptions: &Exceptions) -> Option<Exception> {
    let status = match seen.status {
        404 if operation(seen).starts_with("upload-") => "404 of uploads".to_owned(),
        206 if seen.is_cut_off => "206 that was cut off".to_owned(),
        status => status.to_string(),
    };
    let class = format!("{}xx", seen.status / 100);
    let mut kinds = [&status, &class, operation(seen)].into_iter();
    kinds.find_map(|kind| exceptions.of(kind))
}

/// The identifier of an upload in a path; empty where one is opened.
fn upload(path: &str) -> Option<&str> {
    let (_, id) = path.split_once("/blobs/uploads/")?;
    Some(id.split('?').next().unwrap_or_default())
}

/// Whether an upload was over after a request, or is when it is sent again.
fn ends(seen: &Seen, exceptions: &Exceptions) -> bool {
    let is_well = seen.status < 300 || exception(seen, exceptions) == Some(Exception::Well);
    is_well && matches!(operation(seen), "upload-put" | "upload-cancel")
}

/// A request for each upload that was neither finished nor cancelled.
fn left_open<'a>(seen: &'a [Seen], exceptions: &Exceptions) -> Vec<&'a Seen> {
    let mut named: BTreeMap<&str, &Seen> = BTreeMap::new();
    let mut over = BTreeSet::new();
    let mut nameless: BTreeMap<_, Vec<&Seen>> = BTreeMap::new();
    for it in seen {
        let session = (repository(&it.path), &it.session);
        match upload(&it.path) {
            Some("") if it.status == 202 => nameless.entry(session).or_default().push(it),
            None | Some("") => {}
            Some(id) => {
                // An upload has its name from its first request on.
                if named.insert(id, it).is_none()
                    && let Some(of_one) = nameless.get_mut(&session)
                {
                    of_one.pop();
                }
                if ends(it, exceptions) {
                    over.insert(id);
                }
            }
        }
    }
    named.retain(|id, _| !over.contains(id));
    let nameless = nameless.into_values().flatten();
    named.into_values().chain(nameless).collect()
}

/// The bytes of content that a request moves; `None` if it moves none.
fn content(seen: &Seen) -> Option<u64> {
    let is_well = seen.status < 300;
    match operation(seen) {
        "blob-get" | "manifest-get" if is_well => Some(seen.received),
        "upload-post" | "upload-patch" | "upload-put" | "manifest-put" if is_well => {
            Some(seen.sent)
        }
        _ => None,
    }
}

/// Whether a request stores something.
fn is_upload(seen: &Seen) -> bool {
    matches!(
        operation(seen),
        "upload-post" | "upload-patch" | "upload-put" | "manifest-put"
    )
}

/// Whether what a request moves is of a blob.
fn is_of_blob(seen: &Seen) -> bool {
    operation(seen) == "blob-get" || is_upload(seen) && operation(seen) != "manifest-put"
}

/// The endpoint, as the tests' own table has it.
fn operation(seen: &Seen) -> &'static str {
    let line = AccessLine {
        method: seen.method.clone(),
        path: seen.path.clone(),
        status: seen.status,
        bytes: seen.received,
    };
    line.operation()
}

fn repository(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    let Some(rest) = path.strip_prefix("/v2/") else {
        return "";
    };
    let nouns = ["/blobs/", "/manifests/", "/tags/list", "/referrers/"];
    let ends = nouns.iter().filter_map(|noun| rest.find(noun));
    ends.min().map_or("", |end| &rest[..end])
}

fn digest(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

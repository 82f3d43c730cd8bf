//! The requests as a table, and below it what they have in common.

use std::fmt::Write as _;

use regstorm::profile::Evidence;

use super::capture::Capture;
use super::formula::Formula;
use super::request::{Body, Request};
use regstorm::plan::Action;

use super::{Args, words};

/// No line is longer.
const WIDTH: usize = 100;

/// The widest path before it goes on below itself.
const PATH: usize = 60;

/// Everything that is printed.
pub(crate) fn show(args: &Args, shown: &Capture, formula: &Formula) -> String {
    let client = shown.client.profile;
    let layers = args.layers;
    let state = match (args.again, args.mount) {
        (true, _) => ", which it knows",
        (_, true) => ", whose blobs another repository has",
        _ => "",
    };
    let mut text = String::new();
    let title = format!(
        "{} · {} · an image of {layers} layers{state} · {} authentication",
        client.name,
        shown.journey.action.word(),
        args.auth.word()
    );
    wrapped(&mut text, "", &title);
    wrapped(&mut text, "", client.reproduces);
    if client.evidence == Evidence::Source {
        text.push_str("known from its source, and not from a recording\n");
    }
    text.push('\n');
    table(&mut text, &shown.requests);
    text.push('\n');
    let count = shown.requests.len();
    let requests = format!("{count}, and {formula} for L layers");
    labelled(&mut text, "requests", &requests);
    labelled(
        &mut text,
        "at once",
        &words::at_once(&shown.journey, &shown.client.habits),
    );
    let connections = words::connections(&shown.client.habits);
    let connections = format!("{connections}; {} here", shown.connections);
    labelled(&mut text, "connections", &connections);
    if matches!(shown.journey.action, Action::Delete(_)) {
        labelled(
            &mut text,
            "first",
            "the manifest that is deleted is stored, so that there is one each time",
        );
    }
    labelled(
        &mut text,
        "order",
        "as it came this time; what runs at once comes in another order the next time",
    );
    text.push('\n');
    headers(&mut text, &shown.requests);
    text
}

fn table(text: &mut String, requests: &[Request]) {
    let _ = writeln!(
        text,
        "{:>3}  {:6}  {:PATH$}  {:6}  {:10}  conn",
        "#", "method", "path", "status", "body"
    );
    for request in requests {
        let mut parts = parts(&request.path).into_iter();
        let _ = writeln!(
            text,
            "{:>3}  {:6}  {:PATH$}  {:<6}  {:10}  {:>4}",
            request.number,
            request.method,
            parts.next().unwrap_or_default(),
            request.status,
            body(request),
            request.connection
        );
        for part in parts {
            let _ = writeln!(text, "{:15}{part}", "");
        }
    }
}

/// What goes up, or what comes down.
fn body(request: &Request) -> String {
    match (request.sends, request.gets) {
        (Body::None, Body::None) => "-".to_owned(),
        (Body::None, gets) => format!("< {}", gets.word()),
        (sends, _) => format!("> {}", sends.word()),
    }
}

/// A path in lines of [`PATH`], broken in front of a part of its query.
fn parts(path: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in path.split_inclusive(['?', '&']) {
        let last = lines.last().map_or(0, String::len);
        if last > 0 && last + piece.len() > PATH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
    }
    lines
}

/// The headers of each kind of request, those that all have but once.
fn headers(text: &mut String, requests: &[Request]) {
    let Some(first) = requests.first() else {
        return;
    };
    let everywhere = |line: &(String, String)| {
        let mut all = requests.iter();
        all.all(|request| request.headers.contains(line))
    };
    let common: Vec<_> = first.headers.iter().filter(|it| everywhere(it)).collect();
    text.push_str("headers of every request\n");
    for line in &common {
        header(text, line);
    }
    let mut seen: Vec<(String, Vec<&(String, String)>)> = Vec::new();
    for request in requests {
        let own = request.headers.iter();
        let own: Vec<_> = own.filter(|line| !common.contains(line)).collect();
        let kind = kind(request);
        if !own.is_empty() && seen.iter().all(|(it, lines)| *it != kind || *lines != own) {
            seen.push((kind, own));
        }
    }
    for (kind, lines) in seen {
        let _ = writeln!(text, "{kind}");
        for line in lines {
            header(text, line);
        }
    }
}

/// The method and the path without what tells one request of a kind from the next.
fn kind(request: &Request) -> String {
    let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let path = match path.split_once("DIGEST(layer") {
        Some((path, _)) => format!("{path}DIGEST(layer)"),
        None => path.to_owned(),
    };
    format!("{} {path}", request.method)
}

/// A line of a header, its name as people write it.
fn header(text: &mut String, (name, value): &(String, String)) {
    let capital = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    let name: Vec<String> = name.split('-').map(capital).collect();
    let name = name.join("-");
    wrapped(text, "    ", &format!("{name}: {value}"));
}

fn labelled(text: &mut String, label: &str, value: &str) {
    wrapped(text, &format!("{label:13}"), value);
}

/// Words behind a margin; the lines that follow the first are indented as far as it.
fn wrapped(text: &mut String, margin: &str, words: &str) {
    let room = WIDTH - margin.chars().count();
    let mut line = String::new();
    let mut margin = margin.to_owned();
    let indent = " ".repeat(margin.chars().count());
    for piece in pieces(words) {
        if !line.is_empty() && line.chars().count() + piece.trim_end().chars().count() > room {
            let _ = writeln!(text, "{margin}{}", line.trim_end());
            margin.clone_from(&indent);
            line.clear();
        }
        line.push_str(piece);
    }
    let _ = writeln!(text, "{margin}{}", line.trim_end());
}

/// Where a line may be broken: behind a blank and behind a comma.
fn pieces(words: &str) -> impl Iterator<Item = &str> {
    words.split_inclusive([' ', ','])
}

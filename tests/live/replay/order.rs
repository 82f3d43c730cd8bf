//! The partial order of a recording: what a client must have finished before it begins something else.

use std::collections::HashSet;

use super::lines::{Request, Role};

/// An order that one client keeps and others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The config begins when all layers are done.
    ConfigAfterLayers,
    /// The layers begin when the config is there.
    ConfigBeforeLayers,
}

/// One order: a name and both sides.
type Order<'a> = (
    &'static str,
    Box<dyn Fn(&Request<'_>) -> bool + 'a>,
    Box<dyn Fn(&Request<'_>) -> bool + 'a>,
);

/// What is out of order, a line for each order that is broken.
pub(crate) fn broken(requests: &[Request<'_>], rules: &[Rule]) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, before, after) in orders(requests, rules) {
        let found = requests.iter().filter(|it| before(it)).find_map(|first| {
            let late = |it: &&Request<'_>| {
                after(it) && it.record.seq != first.record.seq && !ends(first, it)
            };
            requests.iter().find(late).map(|second| (first, second))
        });
        if let Some((first, second)) = found {
            broken.push(format!(
                "{name}: #{} {} began before #{} {} had ended",
                second.record.seq,
                second.verb(),
                first.record.seq,
                first.verb()
            ));
        }
    }
    broken
}

/// Whether one request ended before the other began. A recording without ends only tells what began first.
fn ends(first: &Request<'_>, second: &Request<'_>) -> bool {
    match (first.record.ended, second.record.began) {
        (Some(ended), Some(began)) => ended <= began,
        _ => first.record.seq < second.record.seq,
    }
}

fn orders<'a>(requests: &'a [Request<'_>], rules: &[Rule]) -> Vec<Order<'a>> {
    let configs: HashSet<_> = requests
        .iter()
        .filter(|it| it.role == Role::Config)
        .map(|it| it.digest.as_deref())
        .collect();
    // Of several images each has its manifest read when its turn comes, but the index is read first.
    let one = configs.len() <= 1;
    let first = requests
        .iter()
        .find(|it| reads(it) && it.role == Role::Manifest);
    let first = first.map(|it| it.record.seq);
    let is_ping = |it: &Request<'_>| it.record.path == "/v2/";
    let mut orders: Vec<Order<'a>> = vec![
        (
            "the manifest is read before its blobs",
            Box::new(move |it| {
                reads(it) && it.role == Role::Manifest && (one || Some(it.record.seq) == first)
            }),
            Box::new(|it| reads(it) && it.record.method == "GET" && it.role.is_blob()),
        ),
        (
            "all blobs are there before the tag is put",
            Box::new(|it| it.role.is_blob()),
            Box::new(puts_tag),
        ),
        (
            "the images of an index are put before it",
            Box::new(|it| {
                it.record.method == "PUT" && it.record.path.ends_with("/manifests/{digest}")
            }),
            Box::new(puts_tag),
        ),
    ];
    if let Some(first) = requests.iter().find(|it| it.record.seq == 1)
        && is_ping(first)
    {
        orders.push((
            "the ping comes first",
            Box::new(|it| it.record.seq == 1),
            Box::new(|_| true),
        ));
    }
    let config = |it: &Request<'_>| it.role == Role::Config;
    let layer = |it: &Request<'_>| it.role == Role::Layer;
    for rule in rules {
        orders.push(match rule {
            Rule::ConfigAfterLayers => (
                "the config follows the layers",
                Box::new(layer),
                Box::new(config),
            ),
            Rule::ConfigBeforeLayers => (
                "the layers follow the config",
                Box::new(config),
                Box::new(layer),
            ),
        });
    }
    orders
}

/// Got what it asked for, or where it is.
fn reads(it: &Request<'_>) -> bool {
    let ok = matches!(it.record.status, Some(200 | 206 | 307));
    ok && matches!(it.record.method.as_str(), "GET" | "HEAD")
}

fn puts_tag(it: &Request<'_>) -> bool {
    it.record.method == "PUT" && it.record.path.ends_with("/manifests/{tag}")
}

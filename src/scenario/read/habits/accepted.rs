//! The key of the statuses that a client takes for success beside those of the specification.

use crate::keys::codec::{Codec, flag, list};
use crate::keys::form::{Described, Form};
use crate::keys::key::{self, Key, key};
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::profile::{Accepted, Habits, Statuses};
use std::sync::LazyLock;

const MOST: usize = 64;

static KEYS: LazyLock<Vec<Key<Accepted>>> = LazyLock::new(|| {
    vec![
        key!(
            "ping",
            statuses(),
            |it: Accepted| it.ping,
            r#"["404"]"#,
            "The ping."
        ),
        key!(
            "token",
            statuses(),
            |it: Accepted| it.token,
            r#"["201"]"#,
            "Token requests."
        ),
        key!(
            "manifest_get",
            statuses(),
            |it: Accepted| it.manifest_get,
            r#"["203"]"#,
            "`GET` of a manifest.",
        ),
        key!(
            "manifest_head",
            statuses(),
            |it: Accepted| it.manifest_head,
            r#"["204"]"#,
            "`HEAD` of a manifest.",
        ),
        key!(
            "manifest_put",
            statuses(),
            |it: Accepted| it.manifest_put,
            r#"["200", "202"]"#,
            "`PUT` of a manifest.",
        ),
        key!(
            "delete",
            statuses(),
            |it: Accepted| it.delete,
            r#"["200"]"#,
            "`DELETE` of a manifest, a tag or a blob.",
        ),
        key!(
            "blob_get",
            statuses(),
            |it: Accepted| it.blob_get,
            r#"["203"]"#,
            "`GET` of a blob.",
        ),
        key!(
            "blob_head",
            statuses(),
            |it: Accepted| it.blob_head,
            r#"["204"]"#,
            "`HEAD` of a blob.",
        ),
        key!(
            "session",
            statuses(),
            |it: Accepted| it.session,
            r#"["200"]"#,
            "`POST` that opens an upload session, or asks for a mount and gets a session.",
        ),
        key!(
            "patch",
            statuses(),
            |it: Accepted| it.patch,
            r#"["204"]"#,
            "`PATCH` of an upload session.",
        ),
        key!(
            "patch_without_location",
            flag(),
            |it: Accepted| it.patch_without_location,
            "true",
            "A session stays where it is after a `PATCH` without `Location`; otherwise that is a failure.",
        ),
        key!(
            "blob_put",
            statuses(),
            |it: Accepted| it.blob_put,
            r#"["200", "204"]"#,
            "`PUT` of an upload session.",
        ),
        key!(
            "cancel",
            statuses(),
            |it: Accepted| it.cancel,
            r#"["404"]"#,
            "`DELETE` of an upload session.",
        ),
        key!(
            "list",
            statuses(),
            |it: Accepted| it.list,
            r#"["203"]"#,
            "`GET` of a list."
        ),
    ]
});

/// What the keys are, for the reference.
pub(super) fn described() -> Vec<Described> {
    KEYS.iter().map(|key| key.described.clone()).collect()
}

pub(super) fn key() -> Key<Habits> {
    Key::custom(
        (
            "accepted",
            r#"{ manifest_put = ["200-299"] }"#,
            "Statuses that the client takes for success beside those of the specification, by kind of request.",
        ),
        Form::Inline(described()),
        |item: &Item, sink: &Sink, it: &mut Habits| {
            let Some(mut table) = Table::open(item, sink) else {
                return false;
            };
            let is_good = key::read(&mut table, &*KEYS, &mut it.accepted);
            table.finish();
            is_good
        },
        |it| Some(key::show(&*KEYS, &it.accepted).into()),
    )
}

/// Ranges of statuses: `"200-299"`, `"404"`.
fn statuses() -> Codec<Statuses> {
    let range = Codec::new(
        Form::Text("status or range of statuses, such as `\"200-299\"`"),
        read_range,
        |(from, to): &(u16, u16)| {
            Some(if from == to {
                from.to_string().into()
            } else {
                Plain::Text(format!("{from}-{to}"))
            })
        },
    );
    list(range, "texts such as \"200-299\"", MOST)
        .map(Statuses::from, |it: &Statuses| it.ranges().to_vec())
}

fn read_range(item: &Item, sink: &Sink) -> Option<(u16, u16)> {
    let text = text(item, sink)?;
    let status = |text: &str| {
        let status: u16 = text.trim().parse().ok()?;
        (100..=599).contains(&status).then_some(status)
    };
    let (from, to) = text
        .value
        .split_once('-')
        .unwrap_or((&text.value, &text.value));
    let range = status(from).zip(status(to)).filter(|(from, to)| from <= to);
    if range.is_none() {
        let problem = Problem::new("this is not a range of statuses", item.spot.clone());
        sink.report(problem.label("write \"404\" or \"200-299\", from 100 to 599"));
    }
    range
}

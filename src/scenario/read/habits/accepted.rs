//! The key of the statuses that a client takes for success beside those of the specification.

use std::sync::LazyLock;

use crate::keys::codec::{Codec, Editor, flag, list};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::key::{self, Key};
use crate::keys::plain::Plain;
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::Item;
use crate::keys::value::text;
use crate::profile::{Accepted, Habits, Statuses};

const MOST: usize = 64;

static KEYS: LazyLock<Vec<Key<Accepted>>> = LazyLock::new(|| {
    keys! { Accepted {
        /// The ping.
        ping = ping => statuses(), ["404"];
        /// Token requests.
        token = token => statuses(), ["201"];
        /// `GET` of a manifest.
        manifest_get = manifest_get => statuses(), ["203"];
        /// `HEAD` of a manifest.
        manifest_head = manifest_head => statuses(), ["204"];
        /// `PUT` of a manifest.
        manifest_put = manifest_put => statuses(), ["200", "202"];
        /// `DELETE` of a manifest, a tag or a blob.
        delete = delete => statuses(), ["200"];
        /// `GET` of a blob.
        blob_get = blob_get => statuses(), ["203"];
        /// `HEAD` of a blob.
        blob_head = blob_head => statuses(), ["204"];
        /// `POST` that opens an upload session, or asks for a mount and gets a session.
        session = session => statuses(), ["200"];
        /// `PATCH` of an upload session.
        patch = patch => statuses(), ["204"];
        /// A session stays where it is after a `PATCH` without `Location`; otherwise that is a failure.
        patch_without_location = patch_without_location => flag(), true;
        /// `PUT` of an upload session.
        blob_put = blob_put => statuses(), ["200", "204"];
        /// `DELETE` of an upload session.
        cancel = cancel => statuses(), ["404"];
        /// `GET` of a list.
        list = list => statuses(), ["203"];
    }}
});

pub(super) fn key() -> Vec<Key<Habits>> {
    let form = Form::Inline(KEYS.iter().map(|key| key.described.clone()).collect());
    keys! { Habits {
        /// Statuses that the client takes for success beside those of the specification, by kind of request.
        accepted = accepted => Editor::new(form, set, |it: &Accepted| Some(key::show(&*KEYS, it).into())),
            { manifest_put = ["200-299"] };
    }}
}

fn set(item: &Item, sink: &Sink, it: &mut Accepted) -> bool {
    let Some(mut table) = Table::open(item, sink) else {
        return false;
    };
    let is_good = key::read(&mut table, &*KEYS, it);
    table.finish();
    is_good
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

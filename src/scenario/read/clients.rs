//! The clients of a journey: one, or several with their weights.

use super::habits;
use crate::exchange::HttpVersion;
use crate::keys::codec::Codec;
use crate::keys::form::Form;
use crate::keys::plain::{Fields, Plain};
use crate::keys::problem::Problem;
use crate::keys::table::{Sink, Table};
use crate::keys::tree::{Entry, Item, Text, Value};
use crate::keys::value::{text, unknown, whole};
use crate::profile::Profile;
use crate::scenario::Journey;
use crate::scenario::client::JourneyClient;

/// The largest weight of a client.
const MOST_WEIGHT: u32 = 1_000_000;

/// What is read beside one name, as it is written.
const SEVERAL: &str = "{ docker = 3, containerd = 7 }";

/// The clients that a journey names, with their weights.
pub(super) fn clients() -> Codec<Vec<(Profile, u32)>> {
    let several = Form::Map {
        key: "names of clients",
        of: Box::new(Form::Whole {
            least: 1,
            most: MOST_WEIGHT.into(),
        }),
    };
    let one = Form::Words(Profile::ALL.map(|it| it.name).to_vec());
    Codec::new(
        Form::Either(vec![one, several]),
        read_weights,
        |clients: &Vec<(Profile, u32)>| {
            Some(match clients.as_slice() {
                [(only, _)] => only.name.into(),
                several => {
                    let weights = several.iter();
                    let weights =
                        weights.map(|(it, weight)| (it.name.to_owned(), (*weight).into()));
                    Plain::Table(weights.collect())
                }
            })
        },
    )
}

fn read_weights(item: &Item, sink: &Sink) -> Option<Vec<(Profile, u32)>> {
    let entries = match &item.value {
        Value::Table(entries) => entries,
        Value::Text(_) => {
            let name = text(item, sink)?;
            return named(&name, item, sink).map(|client| vec![(client, 1)]);
        }
        _ => {
            sink.expected(
                item,
                &format!("the name of a client, or a table such as {SEVERAL}"),
            );
            return None;
        }
    };
    if entries.is_empty() {
        let problem = Problem::new("no client is named", item.spot.clone());
        sink.report(problem.label(format!("write {SEVERAL}")));
        return None;
    }
    let weighted = |entry: &Entry| {
        let weight = whole(1..=MOST_WEIGHT)(&entry.item, sink);
        let name = Text {
            value: entry.key.clone(),
            as_written: entry.key.clone(),
            verbatim: None,
        };
        let key = Item {
            value: Value::Text(name.clone()),
            spot: entry.key_spot.clone(),
        };
        let client = named(&name, &key, sink);
        client.zip(weight)
    };
    let clients: Vec<Option<(Profile, u32)>> = entries.iter().map(weighted).collect();
    let mut clients: Vec<(Profile, u32)> = clients.into_iter().collect::<Option<_>>()?;
    if let [(_, weight)] = clients.as_mut_slice() {
        // One of one is that client, whatever its weight: one meaning, one form.
        *weight = 1;
    }
    Some(clients)
}

fn named(name: &Text, item: &Item, sink: &Sink) -> Option<Profile> {
    let found = Profile::named(&name.value);
    if found.is_none() {
        let names = Profile::ALL.iter().map(|profile| profile.name);
        sink.report(unknown("client", name, item, names));
    }
    found
}

/// The clients with the habits that they have if the journey changes none.
pub(super) fn usual(clients: &[(Profile, u32)], http: Option<HttpVersion>) -> Vec<JourneyClient> {
    let usual = |(profile, weight): &(Profile, u32)| {
        let mut habits = profile.habits();
        habits.http = http.unwrap_or(habits.http);
        JourneyClient {
            profile: *profile,
            weight: *weight,
            habits,
        }
    };
    clients.iter().map(usual).collect()
}

/// Reads the habits that the journey changes, which all of its clients have then. `None` after a problem: what is wrong with
/// the first of them is reported, and not once more for the others.
pub(super) fn read(
    table: &mut Table<'_>,
    action: Option<&str>,
    usual: &[JourneyClient],
) -> Option<Vec<JourneyClient>> {
    let mut clients = Vec::with_capacity(usual.len());
    for client in usual {
        clients.push(JourneyClient {
            habits: habits::read(table, action, client.habits.clone())?,
            ..client.clone()
        });
    }
    Some(clients)
}

/// The habits that all clients of a journey have, as they would be written.
pub(super) fn show(journey: &Journey) -> Fields {
    let mut shown = each(journey).into_iter().map(|(_, habits)| habits.0);
    let mut common = shown.next().unwrap_or_default();
    for other in shown {
        common.retain(|it| other.contains(it));
    }
    Fields(common)
}

/// The habits of each client of a journey, as they would be written.
pub(super) fn each(journey: &Journey) -> Vec<(&'static str, Fields)> {
    let word = journey.action.word();
    let clients = journey.clients.iter();
    let each = clients.map(|it| (it.profile.name, habits::show(&it.habits, word)));
    each.collect()
}

use regstorm::profile::{ConnectionPolicy, Habits, Profile, PushMethod};

use crate::scenario::load;

const CLIENTS: &str = include_str!("../../../docs/guide/clients.md");
const JOURNEYS: &str = include_str!("../../../docs/guide/journeys.md");

/// The cells of the table below a heading of a page, without its head.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = page
        .split_once(&format!("\n## {heading}\n"))
        .expect("the section is there");
    let lines = section.lines();
    let mut rows = lines
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        });
    // The names of the columns, and the rule below them.
    rows.nth(1).expect("a table has a head");
    rows.collect()
}

fn connections(habits: &Habits) -> &'static str {
    match habits.connections {
        ConnectionPolicy::PerVu => "`per-vu`",
        ConnectionPolicy::PerIteration => "`per-iteration`",
        ConnectionPolicy::PerRequest => "`per-request`",
        ConnectionPolicy::Shared { .. } => "`shared`",
    }
}

fn method(habits: &Habits) -> &'static str {
    match habits.push.method {
        PushMethod::Post => "`post`",
        PushMethod::Put => "`put`",
        PushMethod::Patch => "`patch`",
        PushMethod::PatchChunked => "`patch-chunked`",
        PushMethod::Chunks { .. } => "`chunks`",
    }
}

#[test]
fn the_table_of_clients_is_that_of_the_profiles() {
    let wanted: Vec<Vec<String>> = Profile::ALL
        .iter()
        .map(|profile| {
            let habits = profile.habits();
            let ping = if habits.ping { "yes" } else { "no" };
            vec![
                format!("`{}`", profile.name),
                profile.reproduces.to_owned(),
                profile.evidence.name().to_owned(),
                ping.to_owned(),
                format!("`{}`", habits.pull.resolve.word()),
                method(&habits).to_owned(),
                format!("{} / {}", habits.pull.parallel, habits.push.parallel),
                connections(&habits).to_owned(),
                format!("`{}`", habits.http.word()),
            ]
        })
        .collect();
    let lines = |rows: &[Vec<String>]| {
        let rows = rows.iter().map(|row| format!("| {} |", row.join(" | ")));
        rows.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        lines(&table(CLIENTS, "Profiles")),
        lines(&wanted),
        "docs/guide/clients.md has other lines than the profiles make:\n{}\n",
        lines(&wanted)
    );
}

/// Every action that is described is one, and every key of its own belongs to it.
#[test]
fn the_table_of_journeys_has_the_keys_that_there_are() {
    let rows = table(JOURNEYS, "Actions");
    assert_eq!(rows.len(), 9);
    for row in rows {
        let action = row[0].trim_matches('`');
        let keys = row[3]
            .split(", ")
            .filter_map(|it| it.strip_prefix('`')?.strip_suffix('`'));
        for key in keys {
            let journey = format!("action = \"{action}\"\nimages = \"web\"\n{key} = []");
            let Err(problems) = load(&super::scenario(&journey)) else {
                panic!("an array is no value of {key}");
            };
            let problems = problems.to_string();
            for wrong in ["unknown key", "unknown action", "does not belong"] {
                assert!(!problems.contains(wrong), "{action} {key}: {problems}");
            }
        }
    }
}

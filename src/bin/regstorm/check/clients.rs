//! How many users, or which share of iterations, are which client, where a journey has several.

use std::fmt::Write as _;

use regstorm::plan::{Journey, Load, Plan};
use regstorm::units;

/// A line for each journey with several clients in each load, and how the habits are seen that these do not have in common.
pub(super) fn show(plan: &Plan) -> String {
    let mut text = String::new();
    for load in &plan.loads {
        for share in &load.mix {
            let journey = &plan.journeys[share.journey];
            if journey.clients.len() > 1 {
                let clients = clients(load, journey).join(", ");
                let _ = writeln!(
                    text,
                    "clients      {}, {}: {clients}",
                    load.name, journey.name
                );
            }
        }
    }
    let mut journeys = plan.journeys.iter();
    if let Some(journey) = journeys.find(|it| it.clients.len() > 1) {
        let (name, client) = (&journey.name, journey.clients[0].profile.name);
        let _ = writeln!(
            text,
            "             the plan lists the habits that they have in common; --set journey.{name}.client={client} lists all of one"
        );
    }
    text
}

fn clients(load: &Load, journey: &Journey) -> Vec<String> {
    let users = journey.users(load.executor.vus());
    let clients = journey.clients.iter().zip(users).enumerate();
    let each = clients.map(|(place, (client, users))| {
        let name = client.profile.name;
        if load.numbers_iterations() {
            format!(
                "{name} {} of iterations",
                units::share(journey.share(place))
            )
        } else {
            format!("{name} {} users", units::count(users.into()))
        }
    });
    each.collect()
}

//! What the log of one run does not show: the client's limits, in words.

use regstorm::plan::{Action, Journey};
use regstorm::profile::{
    ConfigOrder, ConnectionPolicy, Habits, LayerOrder, PullHabits, PushHabits,
};

/// What may run at once.
pub(crate) fn at_once(journey: &Journey, habits: &Habits) -> String {
    match &journey.action {
        Action::Pull(_) => pull(&habits.pull),
        Action::Push(_) => push(&habits.push),
        _ => match journey.in_flight() {
            1 => "one request after the other".to_owned(),
            many => format!("up to {many} requests"),
        },
    }
}

fn pull(habits: &PullHabits) -> String {
    let layers = habits.parallel;
    match habits.config {
        ConfigOrder::First => format!("the config, then up to {layers} layers at once"),
        ConfigOrder::Among => format!("config and layers together, up to {layers} at once"),
        ConfigOrder::Beside => format!("up to {layers} layers at once, and the config beside them"),
        ConfigOrder::Last => format!("up to {layers} layers at once, then the config"),
    }
}

fn push(habits: &PushHabits) -> String {
    let first = match habits.layers {
        LayerOrder::BottomFirst => "bottom",
        LayerOrder::TopFirst => "top",
    };
    let parallel = habits.parallel;
    if habits.config_last {
        format!(
            "up to {parallel} layers at once, the {first} one first, then the config, then the manifest"
        )
    } else {
        format!(
            "layers and config together, up to {parallel} at once, the {first} layer first, then the manifest"
        )
    }
}

/// How connections are kept.
pub(crate) fn connections(habits: &Habits) -> String {
    let kept = match habits.connections {
        ConnectionPolicy::PerRequest => "a new one for each request".to_owned(),
        ConnectionPolicy::PerIteration => "kept until the operation is over".to_owned(),
        ConnectionPolicy::PerVu => "kept as long as the user lives".to_owned(),
        ConnectionPolicy::Shared { pool_size } => {
            format!("shared by the users of a worker, at most {pool_size}")
        }
    };
    let idle = match habits.max_idle {
        Some(most) => format!(", at most {most} of them idle"),
        None => String::new(),
    };
    let http = habits.http.meaning();
    format!("{kept}{idle}; {http}")
}

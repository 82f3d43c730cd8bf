//! Which client is emulated: the argument of `pull`, `push` and `explain`.

use regstorm::profile::{Habits, Profile};

/// Which client is emulated.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    /// Client to emulate
    #[arg(long, value_name = "PROFILE", default_value = Profile::PLAIN.name, value_parser = names())]
    client: String,
}

/// The names of all profiles, so that help lists them and a wrong one is refused.
fn names() -> clap::builder::PossibleValuesParser {
    let values =
        Profile::ALL.map(|it| clap::builder::PossibleValue::new(it.name).help(it.reproduces));
    clap::builder::PossibleValuesParser::new(values)
}

impl ClientArgs {
    /// The profile.
    pub(crate) fn profile(&self) -> Profile {
        Profile::named(&self.client).unwrap_or(Profile::PLAIN)
    }

    /// Its habits.
    pub(crate) fn habits(&self) -> Habits {
        self.profile().habits()
    }
}

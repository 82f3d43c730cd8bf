//! The journeys beside pull and push: what they ask, what they need, and how their keys are read.

/// Pulls and pushes of what is there already, in part or as a whole, and pushes that mount.
mod cached;
/// Copies from one repository to another.
mod copied;
/// How many requests of each kind there are, against a registry that counts them, too.
mod counts;
/// What the guide says of clients and journeys.
mod guide;
/// The keys of these journeys: to a plan and back, and what is refused.
mod keys;
/// Two clients in one load, each with connections as it keeps them.
mod mixed;
/// Pulls in parts.
mod parted;
/// Lists that never end, and deletions that a registry refuses.
mod refused;
/// A journey with several clients, by weight.
mod weighted;

/// Two images of three layers; two users do five iterations each of the journey `j`.
fn scenario(journey: &str) -> String {
    format!(
        "name = \"test\"\n\
         [target]\nurl = \"embedded\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 3\nlayer_size = \"1000B\"\n\
         [journey.j]\n{journey}\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\nmax_duration = \"1m\"\n"
    )
}

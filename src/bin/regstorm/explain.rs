//! `regstorm explain`: the requests that a client sends, as it sends them.
//!
//! Nothing here knows what a client does. The journey is run once, by the code that any load runs, against the embedded
//! registry on a loopback port, and the registry's log of it is shown.

mod capture;
mod formula;
mod request;
mod text;
mod words;

use anyhow::anyhow;
use clap::builder::{PossibleValue, PossibleValuesParser};
use regstorm::embedded::AuthScheme;
use regstorm::lazy::LazyFormat;
use regstorm::plan::Action;

use self::capture::{Capture, capture};
use self::formula::Formula;
use crate::choice::one_of;
use crate::client_args::ClientArgs;
use crate::exit::{self, Exit, Failure, OrExit as _};

/// More layers than most clients move at once.
const MANY: u16 = 8;

/// Print the requests that a client sends
///
/// regstorm runs the journey once against an embedded registry and prints the log of that registry, which holds one image and
/// nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  regstorm explain --client containerd pull
  regstorm explain --client docker push --layers 6 --auth bearer
  regstorm explain --client crane push --mount")]
pub(crate) struct Args {
    /// Action of the client
    #[arg(value_name = "ACTION", value_parser = action())]
    action: String,

    #[command(flatten)]
    client: ClientArgs,

    /// Layers of the image
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    layers: u16,

    /// Requests of a client that has pulled or pushed the image before
    #[arg(long, alias = "known")]
    again: bool,

    /// Requests of a client that knows the layers to be in another repository
    #[arg(long, conflicts_with = "again")]
    mount: bool,

    /// Format of the layers that a lazy pull reads in parts [default: what the client reads]
    #[arg(long, value_name = "FORMAT", value_parser = one_of(LazyFormat::WORDS, LazyFormat::meaning))]
    lazy_format: Option<LazyFormat>,

    /// Authentication that the registry requires
    #[arg(long, default_value = "open", value_parser = one_of(AuthScheme::WORDS, AuthScheme::meaning))]
    auth: AuthScheme,

    /// JSON output
    #[arg(long)]
    json: bool,
}

/// Takes the word of an action, as scenarios have it.
fn action() -> PossibleValuesParser {
    let value = |(word, text): (&'static str, &'static str)| {
        PossibleValue::new(word).help(text.trim_end_matches('.'))
    };
    // A replay sends what its trace says.
    let words = Action::words().filter(|(word, _)| *word != "replay");
    PossibleValuesParser::new(words.map(value))
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let moves = matches!(args.action.as_str(), "pull" | "push");
    if args.again && !moves {
        let error = anyhow!("--again: only a pull or a push is another one the second time");
        return Err(error).or_exit(Exit::Usage);
    }
    if args.mount && !matches!(args.action.as_str(), "push" | "copy") {
        return Err(anyhow!("--mount: only a push or a copy mounts")).or_exit(Exit::Usage);
    }
    if args.lazy_format.is_some() && args.action != "lazy-pull" {
        let error = anyhow!("--lazy-format: only a lazy pull reads layers in parts");
        return Err(error).or_exit(Exit::Usage);
    }
    let shown = capture(args, args.layers)?;
    // A token is asked for once for each of the first few that run at once; the formula is for more than these.
    let many = args.layers.max(MANY);
    let requests = if many == args.layers {
        shown.requests.len()
    } else {
        capture(args, many)?.requests.len()
    };
    let with_one_more = capture(args, many + 1)?.requests.len();
    let formula = Formula::of(many, requests, with_one_more);
    if args.json {
        let json = serde_json::to_string_pretty(&Explained::new(args, &shown, &formula))
            .or_exit(Exit::Defect)?;
        exit::print(&format!("{json}\n"))?;
    } else {
        exit::print(&text::show(args, &shown, &formula))?;
    }
    Ok(Exit::Passed)
}

/// Everything that is shown, for programs.
#[derive(serde::Serialize)]
struct Explained<'a> {
    client: &'a str,
    action: &'a str,
    layers: u16,
    again: bool,
    mount: bool,
    auth: &'a str,
    /// The requests for L layers, such as `3L+5`.
    formula: String,
    at_once: String,
    connections: String,
    requests: &'a [request::Request],
}

impl<'a> Explained<'a> {
    fn new(args: &Args, shown: &'a Capture, formula: &Formula) -> Self {
        Self {
            client: shown.client.profile.name,
            action: shown.journey.action.word(),
            layers: args.layers,
            again: args.again,
            mount: args.mount,
            auth: args.auth.word(),
            formula: formula.to_string(),
            at_once: words::at_once(&shown.journey, &shown.client.habits),
            connections: words::connections(&shown.client.habits),
            requests: &shown.requests,
        }
    }
}

//! One iteration of a journey, run against the embedded registry, and the requests of it.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use regstorm::content::SyntheticSet;
use regstorm::embedded::{AuthScheme, Registry, Running, Settings};
use regstorm::engine::{self, Progress};
use regstorm::lazy::LazyFormat;
use regstorm::measure::Period;
use regstorm::plan::{self, Action, ImageSource, Journey, JourneyClient, Plan};
use regstorm::scenario::{self, Overrides};
use regstorm::units::Secret;

use super::Args;
use super::request::{Names, Request};
use crate::exit::{Exit, Failure, OrExit as _};

/// Layers that are read in parts.
const ESTARGZ: &str = "layer_size = \"1MiB\"\nlazy_format = \"estargz\"";
const CHUNKED: &str = "layer_size = \"1MiB\"\nlazy_format = \"zstd-chunked\"";
const SOCI: &str = "layer_size = \"1MiB\"\nlazy_format = \"soci\"\nspan_size = \"400KiB\"\nmin_layer_size = \"1MiB\"";

/// Who asks. Nobody else can ask this registry, which lives as long as the run.
const USER: &str = "explain";
const PASSWORD: &str = "explain";

/// The requests that are kept; more than a journey of a hundred layers sends.
const KEPT: usize = 8192;

/// The repository that blobs are mounted from.
const MOUNTED_FROM: &str = "library/base";

/// The repository of the image that is copied.
const COPIED_FROM: &str = "library/base/0";

/// What a journey has sent.
pub(crate) struct Capture {
    pub(crate) requests: Vec<Request>,
    pub(crate) journey: Journey,
    /// The only client of the journey.
    pub(crate) client: JourneyClient,
    /// Different connections that it took.
    pub(crate) connections: usize,
}

/// Runs the journey once, with an image of so many layers.
pub(crate) fn capture(args: &Args, layers: u16) -> Result<Capture, Failure> {
    let registry = Registry::start(settings(args.auth)).or_exit(Exit::Target)?;
    let plan = plan(args, layers, &registry.url())?;
    // What comes before the load is not the client's: the ping, and the images that it is to find.
    let mut before = 0;
    let mut tell = |progress: Progress<'_>| {
        if let Progress::Ready { .. } | Progress::Seeding(_) = progress {
            before = registry.requests().len();
        }
    };
    let (_stopper, stop) = engine::stop();
    let finished =
        engine::run(&Arc::new(plan.clone()), 0, &stop, &mut tell).or_exit(Exit::Defect)?;
    let iterations = finished.record.totals(Period::Measure).iterations;
    if iterations.ok != 1 {
        let notes = finished.notes.join("; ");
        let error = anyhow!("the journey did not end well against the embedded registry: {notes}");
        return Err(error).or_exit(Exit::Defect);
    }
    requests(&plan, &registry, before)
}

/// What the registry has seen since then, in the words of the plan.
fn requests(plan: &Plan, registry: &Running, before: usize) -> Result<Capture, Failure> {
    let journey = plan.journeys.first().cloned();
    let journey = journey.ok_or_else(|| anyhow!("the plan has no journey"));
    let journey = journey.or_exit(Exit::Defect)?;
    let client = journey.clients.first().cloned();
    let client = client.ok_or_else(|| anyhow!("the journey has no client"));
    let client = client.or_exit(Exit::Defect)?;
    let ImageSource::Synthetic(spec) = &plan.images[0].source else {
        return Err(anyhow!("the image is not synthetic")).or_exit(Exit::Defect);
    };
    let set = SyntheticSet::new(spec.clone(), plan.image_seed(0)).or_exit(Exit::Defect)?;
    let authority = registry.addr().to_string();
    let from = if matches!(journey.action, Action::CopyImage(_)) {
        COPIED_FROM
    } else {
        MOUNTED_FROM
    };
    let mut names = Names::new(&set.image(0), from, &authority, USER);
    if let Some(index) = set.soci_index(0) {
        names.add_soci_index(&index);
    }
    let log = registry.requests();
    let log = log.get(before..).unwrap_or_default();
    let mut connections: Vec<u64> = Vec::new();
    let mut requests = Vec::with_capacity(log.len());
    for record in log {
        let place = connections.iter().position(|it| *it == record.connection);
        let connection = place.unwrap_or_else(|| {
            connections.push(record.connection);
            connections.len() - 1
        });
        requests.push(Request::of(
            record,
            requests.len() + 1,
            connection + 1,
            &names,
        ));
    }
    Ok(Capture {
        requests,
        journey,
        client,
        connections: connections.len(),
    })
}

fn settings(auth: AuthScheme) -> Settings {
    let (user, password) = (USER.to_owned(), Secret::new(PASSWORD));
    Settings {
        auth: auth.with_user(user, password, Duration::from_mins(5)),
        record_requests: Some(KEPT),
        ..Settings::default()
    }
}

fn plan(args: &Args, layers: u16, url: &str) -> Result<Plan, Failure> {
    let text = scenario_text(args, layers, url);
    let overrides = Overrides::default();
    let loaded = scenario::load(&text, "explain", Path::new(""), &overrides, &|_| None);
    let scenario = loaded
        .map_err(|problems| anyhow!("{problems}"))
        .or_exit(Exit::Defect)?;
    Ok(plan::resolve(scenario, NonZeroUsize::MIN))
}

/// The journey as a scenario, in which nothing is said of what the client does.
fn scenario_text(args: &Args, layers: u16, url: &str) -> String {
    let auth = match args.auth {
        AuthScheme::Open => String::new(),
        _ => format!("auth = {{ username = \"{USER}\", password = \"{PASSWORD}\" }}\n"),
    };
    let action = &args.action;
    let mut rest = String::new();
    if args.again {
        rest.push_str("cache = \"warm\"\n");
    }
    if args.action == "push" {
        // The very image of the set, whose digests are known.
        rest.push_str("unique = false\n");
    }
    if args.action == "copy" {
        let mount = if args.mount { "mount = true\n" } else { "" };
        rest = format!("to = \"library/copy\"\n{mount}{rest}");
    } else if args.mount {
        rest.push_str("fresh_repository = false\n");
        rest = format!("mount_from = \"{MOUNTED_FROM}\"\n{rest}");
    }
    let client = args.client.profile().name;
    // What is copied is at the place that mounts are from.
    let repository = if args.action == "copy" {
        "library/base"
    } else {
        "library/app"
    };
    let layer = match (args.action.as_str(), args.lazy_format, client) {
        ("lazy-pull", Some(LazyFormat::Soci), _) => SOCI,
        // A layer of several files, in the format that the client reads.
        ("lazy-pull", Some(LazyFormat::ZstdChunked), _) | ("lazy-pull", None, "podman") => CHUNKED,
        ("lazy-pull", _, _) => ESTARGZ,
        _ => "layer_size = \"64KiB\"",
    };
    format!(
        "name = \"explain\"\n\
         [target]\nurl = \"{url}\"\n{auth}\
         [images.image]\nsource = \"synthetic\"\ncount = 1\nlayers = {layers}\n{layer}\n\
         [journey.explained]\naction = \"{action}\"\nclient = \"{client}\"\nimages = \"image\"\nrepository = \"{repository}\"\n{rest}\
         [[load]]\njourney = \"explained\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = 1\nmax_duration = \"1m\"\n\
         [audit]\nsample = \"none\"\n"
    )
}

//! `regstorm load`: a load without a scenario file. It makes the scenario of its arguments, and runs it as `run` does.

mod draft;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use regstorm::exchange::HttpVersion;
use regstorm::scenario::{self, Overrides, Scenario};
use regstorm::units;

pub(crate) use self::draft::Table;
use self::draft::{Draft, Set};
use crate::choice::one_of;
use crate::client_args::ClientArgs;
use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::proxy::ProxyArgs;
use crate::run::RunArgs;
use crate::tls_args::TlsArgs;
use crate::user_args::UserArgs;
use crate::{docker_config, scenario_file};

/// Pull or push images without a scenario file
///
/// Without IMAGE, synthetic images are pushed first, and pulled. `--vus` alone is a closed load: each user waits for its pull.
/// `--rate` is an open one: pulls begin at that rate, whether or not the registry keeps up. `--print` prints the scenario, to
/// start from.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  regstorm load http://127.0.0.1:5000 lab/web:1 --vus 10 --duration 10s\n  \
                  regstorm load http://127.0.0.1:5000 'lab/*' --rate 20\n  \
                  regstorm load http://127.0.0.1:5000 --push --rate 5\n  \
                  regstorm load http://127.0.0.1:5000 lab/web:1 --print > scenario.toml"
)]
pub(crate) struct Args {
    /// URL of the registry, up to /v2/: http[s]://HOST[:PORT][/PATH], or `embedded`
    #[arg(value_name = "URL")]
    url: String,
    /// Images: references that the registry has, such as lab/web:1, globs of them, such as 'lab/*', or archives, such as ./image.tar
    /// [default: synthetic images]
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    /// File with references and globs of images that the registry has, one a line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["images", "push"])]
    images_from: Option<PathBuf>,
    /// Push in place of pull: archives, or synthetic images with new content each time
    #[arg(long)]
    push: bool,
    /// Print the scenario in place of running it
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    synthetic: SyntheticArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// How much, and for how long.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
struct LoadArgs {
    /// Virtual users; with --rate the most that may be busy at once [default: 10; with --rate as many as start in a second, 10 to 10,000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    vus: Option<u32>,
    /// Pulls or pushes that begin in a second, such as 50 or 0.5
    #[arg(long, value_name = "N", value_parser = rate, allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Measured time
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    duration: String,
    /// Time before that, which is not measured: connections open, caches fill
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = time)]
    warmup: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// What synthetic images are like.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Synthetic images")]
struct SyntheticArgs {
    /// Images
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        conflicts_with_all = ["images", "images_from"]
    )]
    count: u32,
    /// Layers of each image
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with_all = ["images", "images_from"])]
    layers: u32,
    /// Size of a layer
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "1MiB",
        conflicts_with_all = ["images", "images_from"]
    )]
    layer_size: String,
}

/// How to speak to the registry.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Registry")]
struct TargetArgs {
    #[command(flatten)]
    user: UserArgs,
    /// Credentials from docker's config.json (or PATH, or `podman` for its auth.json), or from the credential helper that it names
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, conflicts_with = "user")]
    #[expect(clippy::option_option, reason = "absent, without a path, and with one")]
    docker_config: Option<Option<PathBuf>>,
    #[command(flatten)]
    proxy: ProxyArgs,
    #[command(flatten)]
    tls: TlsArgs,
    /// HTTP version [default: the client's]
    #[arg(long, value_parser = one_of(HttpVersion::WORDS, HttpVersion::meaning))]
    http: Option<HttpVersion>,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let text = draft(args)?.to_string();
    if args.print {
        // What is printed has no mistakes.
        return match read(args, &text)? {
            Some(_) => exit::print(&text).map(|()| Exit::Passed),
            None => Ok(Exit::Usage),
        };
    }
    let images = args.images.iter().filter(is_path).map(PathBuf::from);
    let inputs = args.run.inputs(images.chain(args.images_from.clone()));
    args.run
        .report
        .with_summary("load", &inputs, || match read(args, &text)? {
            Some(scenario) => args.run.measure(scenario),
            None => Ok(Exit::Usage),
        })
}

/// Reads the scenario that was made, as any other. Its problems are printed here.
fn read(args: &Args, text: &str) -> Result<Option<Scenario>, Failure> {
    let credentials = args
        .target
        .user
        .clone()
        .credentials()
        .or_exit(Exit::Usage)?;
    // The text names a variable in place of the password, which may have come from elsewhere.
    let variable = |name: &str| match name {
        PASSWORD => Some("replaced".to_owned()),
        other => scenario_file::variable(other),
    };
    args.target.proxy.resolve().or_exit(Exit::Usage)?;
    let overrides = Overrides::default();
    match scenario::load(
        text,
        "the scenario of these arguments",
        Path::new(""),
        &overrides,
        &variable,
    ) {
        Ok(mut scenario) => {
            if credentials.is_some() {
                scenario.target.auth.credentials = credentials;
            }
            docker_config::fill_in(&mut scenario, Path::new("")).or_exit(Exit::Usage)?;
            Ok(Some(scenario))
        }
        Err(problems) => {
            scenario_file::tell(&problems, "nothing was sent");
            Ok(None)
        }
    }
}

/// The variable that stands for the password in the scenario.
const PASSWORD: &str = "REGSTORM_PASSWORD";

fn draft(args: &Args) -> Result<Draft<'_>, Failure> {
    Ok(Draft {
        target: args.target.tables(&args.url),
        sets: sets(args).or_exit(Exit::Usage)?,
        push: args.push,
        client: args.load.client.profile().name,
        load: args.load.table(),
    })
}

/// Archives are named as files are, with a path; anything else is a reference.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the shape that iterators call for"
)]
fn is_path(image: &&String) -> bool {
    ["/", "./", "../"].iter().any(|it| image.starts_with(it))
}

fn sets(args: &Args) -> anyhow::Result<Vec<Set<'_>>> {
    let (archives, references): (Vec<_>, Vec<_>) = args.images.iter().partition(is_path);
    if let (true, Some(reference)) = (args.push, references.first()) {
        return Err(anyhow!(
            "--push: `{reference}` is in the registry already; name archives (./image.tar), or no image for synthetic ones"
        ));
    }
    let mut sets: Vec<Set<'_>> = archives
        .into_iter()
        .map(|it| Set::Archive(Path::new(it)))
        .collect();
    if !references.is_empty() {
        sets.push(Set::Existing(
            references.into_iter().map(String::as_str).collect(),
        ));
    }
    if let Some(file) = &args.images_from {
        sets.push(Set::Listed(file));
    }
    if sets.is_empty() {
        sets.push(Set::Synthetic {
            count: args.synthetic.count,
            layers: args.synthetic.layers,
            layer_size: &args.synthetic.layer_size,
        });
    }
    Ok(sets)
}

impl LoadArgs {
    /// The keys of the load.
    fn table(&self) -> Table {
        let table = Table::more();
        let table = match self.rate {
            Some(rate) => {
                let in_a_second = rate.ceil().clamp(10.0, 10_000.0);
                table
                    .text("executor", "constant-arrival-rate")
                    .bare("rate", rate)
                    .bare("max_vus", self.vus.map_or(in_a_second, f64::from))
            }
            None => table
                .text("executor", "constant-vus")
                .bare("vus", self.vus.unwrap_or(10)),
        };
        table
            .text("warmup", &self.warmup)
            .text("duration", &self.duration)
    }
}

impl TargetArgs {
    /// The tables of the target.
    fn tables(&self, url: &str) -> Vec<Table> {
        let mut target = Table::new("[target]").text("url", url);
        if let Some(http) = self.http {
            target = target.text("http", http.word());
        }
        if let Some(proxy) = self.proxy.written() {
            target = target.text("proxy", proxy);
        }
        let auth = match (self.user.name(), &self.docker_config) {
            (Some(name), _) => Some(
                Table::new("[target.auth]")
                    .text("username", name)
                    .text("password", &format!("${{{PASSWORD}}}")),
            ),
            (None, Some(None)) => Some(Table::new("[target.auth]").bare("docker_config", "true")),
            (None, Some(Some(path))) => {
                let path = path.to_string_lossy();
                Some(Table::new("[target.auth]").text("docker_config", &path))
            }
            (None, None) => None,
        };
        let tls = self.tls.table();
        [Some(target), auth, tls].into_iter().flatten().collect()
    }
}

/// A number; the scenario says which ones are rates.
fn rate(text: &str) -> Result<f64, &'static str> {
    let number = text
        .parse()
        .ok()
        .filter(|it: &f64| it.is_finite() && *it > 0.0);
    number.ok_or("write the number of iterations in a second, such as 50 or 0.5")
}

/// A time that a scenario can be written with.
fn time(text: &str) -> Result<String, String> {
    let time: Duration = units::parse_duration(text).map_err(|error| error.to_string())?;
    Ok(humantime::format_duration(time)
        .to_string()
        .replace(' ', ""))
}

//! `regstorm push`: one image from a file or directory into a registry.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::anyhow;
use regstorm::client::{self, Known, PushOptions, Pushed, Uploaded, Watch};
use regstorm::content::{Blob, Compression, ContentError, Image, OpenOptions, open};
use regstorm::oci::{ImageName, Platform, Reference, RepositoryName};
use regstorm::profile::{Checks, PushMethod};
use regstorm::transport::Sent;
use regstorm::units::{self, ByteSize};
use tokio::time::Instant;

use crate::blob_progress::BlobProgress;
use crate::client_args::ClientArgs;
use crate::diagnosis::{self, FailedTransfer};
use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::target_args::{TargetArgs, URL_HELP};
use crate::transfer::{self, ResponseSeen};

/// Push one image to a registry
///
/// SOURCE is the output of `docker save` or an OCI layout, as a directory or as a tar. regstorm reads and checks all of it
/// before it sends anything. Blobs that the registry has are not sent again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  regstorm push app.tar http://localhost:5000 team/app:1.0
  regstorm push layout http://localhost:8081/link/to/docker/registry app:1.0 --method chunks --chunk-size 4MiB")]
pub(crate) struct Args {
    /// Image: output of `docker save` or an OCI layout, directory or tar
    #[arg(value_name = "SOURCE")]
    source: PathBuf,

    #[arg(value_name = "URL", help = URL_HELP)]
    url: String,

    /// Name in the registry: NAME:TAG, or NAME@DIGEST with the digest of the image
    #[arg(value_name = "NAME:TAG")]
    reference: ImageName,

    #[command(flatten)]
    client: ClientArgs,

    /// Upload method for blobs [default: the client's]
    #[arg(long, value_enum)]
    method: Option<MethodName>,

    /// Chunk size of --method chunks [default: 8MiB]
    #[arg(long, value_name = "SIZE")]
    chunk_size: Option<ByteSize>,

    /// Treatment of the uncompressed layers of `docker save`
    #[arg(long, value_enum, default_value_t = Compress::Gzip)]
    compress: Compress,

    /// Image to take from a SOURCE with several: its name in there, or a digest
    #[arg(long = "reference", value_name = "NAME")]
    name: Option<String>,

    /// Platform to push from an index: os/arch[/variant] [default: the index and all its images]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,

    /// Repository to mount blobs from, where it has them
    #[arg(long, value_name = "REPO")]
    mount_from: Option<RepositoryName>,

    /// Skip the check whether a blob exists, and send all of them
    #[arg(long)]
    no_exists_check: bool,

    /// Requests of a client that has pushed the image there before
    #[arg(long)]
    known: bool,

    /// Blobs sent at once [default: the client's number]
    #[arg(long, value_name = "N", value_parser = transfer::at_least_one)]
    parallel: Option<NonZeroUsize>,

    /// Errors only
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum MethodName {
    /// POST with all bytes; POST and PUT if the registry does not accept that
    Post,
    /// POST, then PUT with all bytes
    Put,
    /// POST, PATCH with all bytes, then PUT
    Patch,
    /// Like `patch`, without a length (chunked transfer encoding), as docker does
    PatchChunked,
    /// POST, one PATCH per chunk, then PUT
    Chunks,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Compress {
    /// Compress them as `docker push` does, always to the same bytes
    Gzip,
    /// Send them uncompressed
    Keep,
}

/// Shows each blob as it goes.
struct Shown(Rc<BlobProgress>);

impl Watch for Shown {
    fn sending(&self, blob: &Blob, offset: u64, sent: Sent) {
        let digest = &blob.descriptor().digest;
        self.0.sending(digest, blob.size(), offset, sent);
    }

    fn uploaded(&self, blob: &Blob, how: Uploaded) {
        let how = match how {
            Uploaded::Existed => "already there",
            Uploaded::Mounted => "mounted",
            Uploaded::Sent => "sent",
        };
        self.0
            .done(&blob.descriptor().digest, Some(blob.size()), how);
    }
}

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let mut habits = args.client.habits();
    let push = &mut habits.push;
    push.parallel = args.parallel.unwrap_or(push.parallel);
    let chosen = method(&args, push.method).or_exit(Exit::Usage)?;
    if chosen != push.method {
        (push.method, push.config_method) = (chosen, chosen);
    }
    if args.no_exists_check {
        (push.layer_checks, push.config_checks) = (Checks::Never, Checks::Never);
    }
    let options = PushOptions {
        mount_from: args.mount_from.clone(),
        known: if args.known {
            Known::Everything
        } else {
            Known::Nothing
        },
    };
    let target = args.target.resolve(&args.url, &args.reference, habits)?;
    let progress = BlobProgress::new(args.quiet);
    progress.line(&format!("read {}", args.source.display()));
    let open_options = OpenOptions {
        compression: match args.compress {
            Compress::Gzip => Compression::Gzip,
            Compress::Keep => Compression::Keep,
        },
        reference: args.name,
        platform: args.platform,
        ..OpenOptions::default()
    };
    // Nothing catches Ctrl-C yet: it ends the reading at once, and there is nothing to tidy up.
    let image = open(&args.source, &open_options).map_err(unreadable)?;
    let reference = args.reference;
    fits(&reference, &image).or_exit(Exit::Usage)?;
    let (blobs, bytes) = load(&image);
    progress.expect(blobs, bytes);

    transfer::block_on(async |mut interrupts| {
        let began = Instant::now();
        let seen = Rc::new(ResponseSeen::default());
        let client = target.client(seen.clone());
        let base = target.base();
        progress.line(&format!(
            "push {reference} to {base}: {blobs} blobs, {}",
            units::bytes(bytes)
        ));
        let shown = Shown(Rc::clone(&progress));
        let work = client::push(&client, &reference, &image, &options, &shown);
        let ended = transfer::watched(&mut interrupts, &progress, work).await;
        let cancelled = match &ended {
            Some(Ok(_)) => None,
            _ => transfer::cancel(&client, &mut interrupts).await,
        };
        match ended {
            None => {
                let cancelled = cancelled.map_or_else(String::new, |it| format!("; {it}"));
                progress.line(&format!("interrupted{cancelled}"));
                Ok(Exit::Interrupted)
            }
            Some(Err(error)) => {
                if let Some(cancelled) = cancelled {
                    progress.line(&cancelled);
                }
                let transfer = FailedTransfer {
                    target: &target,
                    reference: &reference,
                    got_response: seen.get(),
                };
                Err(diagnosis::failure(error, &client, &transfer).await)
            }
            Some(Ok(pushed)) => {
                if !args.quiet {
                    let digest = image.descriptor().digest;
                    let sum = sum(&pushed);
                    let speed = transfer::speed(pushed.blobs.bytes, began.elapsed());
                    let line = format!("pushed {reference} {digest} to {base} · {sum} · {speed}");
                    exit::print(&format!("{line}\n"))?;
                }
                Ok(Exit::Passed)
            }
        }
    })
}

fn method(args: &Args, default: PushMethod) -> anyhow::Result<PushMethod> {
    const DEFAULT_CHUNK: ByteSize = ByteSize::from_mib(8);
    if args.chunk_size.is_some() && !matches!(args.method, Some(MethodName::Chunks)) {
        return Err(anyhow!("--chunk-size belongs to --method chunks"));
    }
    let size = args.chunk_size.unwrap_or(DEFAULT_CHUNK);
    if size.get() == 0 {
        return Err(anyhow!("--chunk-size: a chunk has at least one byte"));
    }
    Ok(match args.method {
        None => default,
        Some(MethodName::Post) => PushMethod::Post,
        Some(MethodName::Put) => PushMethod::Put,
        Some(MethodName::Patch) => PushMethod::Patch,
        Some(MethodName::PatchChunked) => PushMethod::PatchChunked,
        Some(MethodName::Chunks) => PushMethod::Chunks { size },
    })
}

fn unreadable(error: ContentError) -> Failure {
    match error {
        // Nothing is wrong with the image; this machine has no room to compress it.
        ContentError::Spool { .. } => Failure::new(Exit::Failed, error),
        ContentError::Ambiguous { .. } => {
            Failure::new(Exit::Usage, anyhow!("{error} (--reference NAME)"))
        }
        error => Failure::new(Exit::Usage, error),
    }
}

/// Who pushes by digest must name the one that the image has: it cannot have another.
fn fits(reference: &ImageName, image: &Image) -> anyhow::Result<()> {
    let Reference::Digest(wanted) = &reference.reference else {
        return Ok(());
    };
    let found = image.manifest().digest(wanted.algorithm());
    if found == *wanted {
        return Ok(());
    }
    Err(anyhow!(
        "the image has the digest {found}, and cannot be pushed as {wanted}; give a tag, or its own digest"
    ))
}

/// How many blobs are to be in the registry, and their bytes. What two images of an index share is asked for twice.
fn load(image: &Image) -> (usize, u64) {
    let own = image.blobs().fold((0, 0), |(count, bytes), blob| {
        (count + 1, bytes + blob.size())
    });
    image
        .children()
        .iter()
        .map(load)
        .fold(own, |sum, child| (sum.0 + child.0, sum.1 + child.1))
}

fn sum(pushed: &Pushed) -> String {
    let blobs = &pushed.blobs;
    let many = if blobs.sent == 1 { "" } else { "s" };
    // Writing to a string cannot fail.
    let mut text = format!("{} blob{many} sent, {} present", blobs.sent, blobs.existed);
    if blobs.mounted > 0 {
        let _ = write!(text, ", {} mounted", blobs.mounted);
    }
    if pushed.manifests_existed > 0 {
        text.push_str(", the manifest was there");
    }
    if pushed.manifests > 1 {
        let _ = write!(text, ", {} manifests", pushed.manifests);
    }
    text
}

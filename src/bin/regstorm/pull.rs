//! `regstorm pull`: one image from a registry into a directory.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::anyhow;
use regstorm::client::{self, PullOptions, Pulled, PulledImage};
use regstorm::content::{
    OpenOptions, UnpackError, UnpackOptions, Unpacked, open, unpack, unpack_files,
};
use regstorm::files::Directory;
use regstorm::oci::{Algorithm, ImageName, Platform, Reference, Verify};
use regstorm::units::{self, ByteSize};
use tokio::time::Instant;

use crate::blob_progress::BlobProgress;
use crate::client_args::ClientArgs;
use crate::diagnosis::{self, FailedTransfer};
use crate::exit::{self, Exit, Failure, OrExit as _};
use crate::pull_store::{Form, Kept, PullStore};
use crate::staging::Staging;
use crate::target_args::{TargetArgs, URL_HELP};
use crate::transfer::{self, Interrupts, ResponseSeen};

/// Pull one image into a directory
///
/// DIR becomes an OCI layout. The image is added to those in it, named by its tag, and replaces an image of the same tag. Every
/// digest is checked before a blob gets its name. Rerun an interrupted pull to resume it: complete blobs are skipped, a partial
/// blob is continued.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  regstorm pull http://localhost:5000 library/debian:12 debian
  regstorm pull http://localhost:8081/link/to/docker/registry app:1.0 rootfs --unpack --user ci --password-file secret")]
pub(crate) struct Args {
    #[arg(value_name = "URL", help = URL_HELP)]
    url: String,

    /// Image: NAME:TAG or NAME@DIGEST
    #[arg(value_name = "NAME:TAG")]
    reference: ImageName,

    /// Output directory: new, empty, or filled by a pull of the same form
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// One file per layer, numbered from the bottom one, with the config and the manifest
    #[arg(long, conflicts_with = "unpack")]
    layers: bool,

    /// Root file system: the layers in order, whiteouts applied
    ///
    /// DIR appears when everything is unpacked. Until then the blobs are kept in `.DIR.regstorm` beside it or, if DIR exists
    /// and is empty, such as a mount point, in `.regstorm-pull` inside it. Owners, devices and extended attributes are not kept.
    #[arg(long)]
    unpack: bool,

    /// Limit for the unpacked bytes, holes included [default: nine tenths of the free space]
    #[arg(long, value_name = "SIZE", requires = "unpack")]
    max_unpacked: Option<ByteSize>,

    /// Platform to take from an index: os/arch[/variant]
    #[arg(long, value_name = "PLATFORM", default_value = "linux/amd64")]
    platform: Platform,

    /// Layers fetched at once [default: the client's number]
    #[arg(long, value_name = "N", value_parser = transfer::at_least_one)]
    parallel: Option<NonZeroUsize>,

    /// Size of the parts that each layer is fetched in [default: the whole layer]
    #[arg(long, value_name = "SIZE")]
    part_size: Option<ByteSize>,

    #[command(flatten)]
    client: ClientArgs,

    /// Errors only
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// What the command works on, once all of the command line is understood.
struct Job {
    reference: ImageName,
    options: PullOptions,
    form: Form,
    max_unpacked: Option<ByteSize>,
    progress: Rc<BlobProgress>,
    quiet: bool,
}

pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let mut habits = args.client.habits();
    habits.pull.parallel = args.parallel.unwrap_or(habits.pull.parallel);
    habits.pull.part_size = part_size(args.part_size)
        .or_exit(Exit::Usage)?
        .or(habits.pull.part_size);
    let target = args.target.resolve(&args.url, &args.reference, habits)?;
    let form = match (args.layers, args.unpack) {
        (_, true) => {
            let staging = Staging::of(&args.directory).or_exit(Exit::Usage)?;
            Form::Either(Rc::new(staging))
        }
        (true, false) => Form::Layers(args.directory),
        (false, false) => Form::Layout(args.directory),
    };
    let job = Job {
        reference: args.reference,
        options: PullOptions {
            // The digest is checked by what writes the blob to the disk.
            verify: Verify::Length,
            platform: args.platform,
        },
        form: form.clone(),
        max_unpacked: args.max_unpacked,
        progress: BlobProgress::new(args.quiet),
        quiet: args.quiet,
    };
    let store = PullStore::open(form, Rc::clone(&job.progress)).or_exit(Exit::Usage)?;

    transfer::block_on(async |mut interrupts| {
        let began = Instant::now();
        let seen = Rc::new(ResponseSeen::default());
        let client = target.client(seen.clone());
        job.progress
            .line(&format!("pull {} from {}", job.reference, target.base()));
        let work = client::pull(&client, &job.reference, &job.options, &store);
        match transfer::watched(&mut interrupts, &job.progress, work).await {
            None => {
                job.progress.line(
                    "interrupted; what has come is kept, and the same command goes on from there",
                );
                Ok(Exit::Interrupted)
            }
            Some(Err(error)) => {
                let transfer = FailedTransfer {
                    target: &target,
                    reference: &job.reference,
                    got_response: seen.get(),
                };
                Err(diagnosis::failure(error, &client, &transfer).await)
            }
            Some(Ok(Pulled::UpToDate(digest))) => {
                if let Reference::Tag(tag) = &job.reference.reference {
                    store.name(&digest, tag).or_exit(Exit::Failed)?;
                }
                job.progress.line(&format!(
                    "up to date: {} is {digest}, which is here",
                    job.reference
                ));
                Ok(Exit::Passed)
            }
            Some(Ok(Pulled::Image(pulled))) => {
                keep(&job, store, &pulled, (began, &mut interrupts)).await
            }
        }
    })
}

/// A part must be long enough to be worth a request.
fn part_size(given: Option<ByteSize>) -> anyhow::Result<Option<ByteSize>> {
    if given.is_some_and(|size| size.get() < 1024) {
        return Err(anyhow!("--part-size: at least 1KiB"));
    }
    Ok(given)
}

/// Makes of the blobs what was asked for, and says how it went.
async fn keep(
    job: &Job,
    store: PullStore,
    pulled: &PulledImage,
    (began, interrupts): (Instant, &mut Interrupts),
) -> Result<Exit, Failure> {
    let moved_in = began.elapsed();
    let tag = match &job.reference.reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(_) => None,
    };
    let was_chosen = store.was_chosen();
    let left_out = store.left_out();
    let kept = store
        .finish(&pulled.manifest, tag)
        .map_err(|error| diagnosis::store(&error))?;
    if left_out > 0 {
        job.progress.line(&format!(
            "{left_out} layers are not distributed by registries and were left out"
        ));
    }
    let shown = match &job.form {
        Form::Layout(directory) | Form::Layers(directory) => directory,
        Form::Either(staging) => {
            let Some(unpacked) = unpacked(job, staging, kept, interrupts).await? else {
                job.progress.line("interrupted; the blobs are kept");
                return Ok(Exit::Interrupted);
            };
            staging.publish().or_exit(Exit::Failed)?;
            if let Some(lost) = lost(&unpacked) {
                job.progress.line(&lost);
            }
            staging.directory()
        }
    };
    if !job.quiet {
        let platform = if was_chosen {
            format!(" ({})", job.options.platform)
        } else {
            String::new()
        };
        let line = format!(
            "pulled {}{platform} {} to {} · {} fetched, {} present · {}",
            job.reference,
            pulled.manifest.digest(Algorithm::Sha256),
            shown.display(),
            blobs(pulled.fetched),
            pulled.present,
            transfer::speed(pulled.bytes, moved_in),
        );
        exit::print(&format!("{line}\n"))?;
    }
    Ok(Exit::Passed)
}

fn blobs(count: usize) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{} blob{many}", units::count(count as u64))
}

/// Unpacks the blobs. Nothing of it is left when that fails, or when it is interrupted: then `None`.
async fn unpacked(
    job: &Job,
    staging: &Staging,
    kept: Kept,
    interrupts: &mut Interrupts,
) -> Result<Option<Unpacked>, Failure> {
    let from = staging.image().or_exit(Exit::Failed)?.path().to_owned();
    let to = staging.root().or_exit(Exit::Failed)?;
    let mut options = UnpackOptions::fitting(&to);
    options.max_bytes = job.max_unpacked.unwrap_or(options.max_bytes);
    let stop = Arc::clone(&options.stop);
    let mut work = tokio::task::spawn_blocking(move || unpack_kept(kept, &from, &to, &options));
    let ended = if let Some(ended) = interrupts.or(&mut work).await {
        ended
    } else {
        stop.store(true, Ordering::Relaxed);
        match interrupts.or(work).await {
            Some(ended) => ended,
            None => return Ok(None),
        }
    };
    match ended.or_exit(Exit::Defect)? {
        Ok(unpacked) => Ok(Some(unpacked)),
        Err(error) => {
            staging.give_up().or_exit(Exit::Failed)?;
            match error.downcast_ref() {
                Some(UnpackError::Stopped) => return Ok(None),
                Some(UnpackError::TooLarge(_)) => Err(anyhow!(
                    "{error}; --max-unpacked sets the limit, by default nine tenths of the free space"
                )),
                _ => Err(error),
            }
            .or_exit(Exit::Failed)
        }
    }
}

fn unpack_kept(
    kept: Kept,
    from: &Path,
    to: &Directory,
    options: &UnpackOptions,
) -> anyhow::Result<Unpacked> {
    match kept {
        Kept::Layout(descriptor) => {
            let only = OpenOptions {
                reference: Some(descriptor.digest.to_string()),
                ..OpenOptions::default()
            };
            Ok(unpack(&open(from, &only)?, to, options)?)
        }
        Kept::Layers(layers) => Ok(unpack_files(layers, to, options)?),
    }
}

/// What of the image is not in the directory, if anything.
fn lost(unpacked: &Unpacked) -> Option<String> {
    let counted = [
        (unpacked.owners_skipped, "owners other than root"),
        (unpacked.devices_skipped, "devices and pipes"),
        (unpacked.set_id_bits_dropped, "set-id bits"),
        (unpacked.attributes_skipped, "extended attributes"),
    ];
    let lost: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what} ({})", units::count(*count)))
        .collect();
    (!lost.is_empty()).then(|| format!("not kept: {}", lost.join(", ")))
}

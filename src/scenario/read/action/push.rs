//! `push`: gives an image to the registry.

use super::super::chosen::Chosen;
use super::super::images::{ImageSet, ImageSource};
use super::cache::{Cache, cache};
use super::kind::Kind;
use super::needs::{Needs, SeedPlace};
use super::requests::Requests;
use crate::keys::codec::{Codec, flag};
use crate::keys::define::keys;
use crate::keys::form::Form;
use crate::keys::problem::Problem;
use crate::keys::table::Table;
use crate::keys::value::parsed;
use crate::oci::{Operation, RepositoryName};
use crate::profile::{Checks, Habits, ManifestCheck, PushHabits, PushMethod};
use crate::scenario::selection::Selection;

keys! {
    /// How an image is pushed.
    #[derive(Debug, Clone)]
    pub struct Push {
        /// The images.
        pub images: Selection;
        /// What of an image the registry has before each push, as the client knows: nothing, everything, or a share of its
        /// layers.
        pub cache: Cache = Cache::Cold => cache(), { share = 0.7 };
        /// Repository that blobs are mounted from.
        ///
        /// Never together with `unique`.
        pub mount_from: Option<RepositoryName> => repository().optional(), "lab/base";
        /// Push each iteration into a repository of its own.
        pub fresh_repository: bool = false => flag(), true, defaults_to("`true` with `mount_from`, otherwise `false`");
        /// Push content in each iteration that no registry has, as far as `cache` leaves any.
        pub unique: bool = false => flag(), false,
            defaults_to("`true` for synthetic images, unless they are mounted or `cache = \"warm\"`");
        /// Push the new content of all iterations under one tag for each image, so that they replace each other.
        ///
        /// Only together with `unique`, and never with `fresh_repository`.
        pub same_tag: bool = false => if_true(), true;
    }
}

/// `true` or `false`; said only where it is `true`.
fn if_true() -> Codec<bool> {
    Codec::new(Form::Flag, crate::keys::value::flag, |it: &bool| {
        it.then(|| true.into())
    })
}

/// Reports one tag for pushes that have no new content for it, or whose tags are apart; `None` after a problem.
fn same_tag(table: &mut Table<'_>, push: &Push) -> Option<()> {
    let why = match push {
        Push {
            same_tag: false, ..
        } => return Some(()),
        Push { unique: false, .. } => {
            "without new content in each iteration the tag is the same already"
        }
        Push {
            fresh_repository: true,
            ..
        } => "in a repository of its own each iteration has a tag of its own",
        _ => return Some(()),
    };
    if let Some(entry) = table.entry("same_tag") {
        let problem = Problem::new("there is no tag to share", entry.key_spot.clone());
        table.sink().report(problem.label(why));
    }
    None
}

pub(super) fn repository() -> Codec<RepositoryName> {
    let show = |name: &RepositoryName| Some(name.as_str().into());
    Codec::new(Form::Text("repository name"), parsed, show)
}

/// Whether each iteration sends new content: where nothing else is said, if it can.
///
/// A push of what is there already is a few `HEAD` requests, and not what a push test is made for.
fn unique(table: &mut Table<'_>, set: Option<&ImageSet>, push: &Push) -> Option<bool> {
    let synthetic = set.is_none_or(|set| matches!(set.source, ImageSource::Synthetic(_)));
    let warm = push.cache == Cache::Warm;
    let unique = match table.entry("unique") {
        Some(_) => push.unique,
        None => synthetic && push.mount_from.is_none() && !warm,
    };
    let mut other = |key| table.entry(key).map(|entry| entry.key_spot.clone());
    let (mount, cached) = (other("mount_from"), other("cache"));
    if let Some(entry) = table.entry("unique")
        && unique
    {
        let spot = entry.item.spot.clone();
        if !synthetic {
            let problem = Problem::new("only synthetic images can be unique", spot);
            table
                .sink()
                .report(problem.label("remove it, or use source = \"synthetic\""));
            return None;
        }
        let clash = match (mount, cached) {
            (Some(mount), _) => Some((
                "unique content cannot be mounted",
                mount,
                "mounts what another repository has",
            )),
            (None, Some(cached)) if warm => Some((
                "unique content is nowhere before it is pushed",
                cached,
                "everything is there already",
            )),
            _ => None,
        };
        if let Some((message, also, because)) = clash {
            let problem = Problem::new(message, spot).label("remove one of both");
            table.sink().report(problem.also(also, because));
            return None;
        }
    }
    Some(unique)
}

impl Kind for Push {
    const WORD: &'static str = "push";
    const MEANING: &'static str = "gives images to the registry";
    const TEXT: &'static str = "Gives an image to the registry.";
    const VERB: &'static str = "push";
    const READS_IMAGES: bool = false;
    const STORES: bool = true;
    const MOVES_LAYERS: bool = true;

    fn take(&mut self, table: &mut Table<'_>, chosen: Chosen<'_>) -> Option<()> {
        if table.entry("fresh_repository").is_none() {
            self.fresh_repository = self.mount_from.is_some();
        }
        let unique = unique(table, chosen.set, self);
        chosen.not_existing(table, "existing images cannot be pushed")?;
        self.images = chosen.selection??;
        self.unique = unique?;
        same_tag(table, self)
    }

    fn images(&self) -> Option<&Selection> {
        Some(&self.images)
    }

    fn needs(&self) -> Option<Needs<'_>> {
        let needs = Needs::of(&self.images);
        match (&self.mount_from, self.cache) {
            (Some(from), _) => Some(Needs {
                place: SeedPlace::Together(from),
                ..needs
            }),
            (None, Cache::Warm | Cache::Share(_)) => Some(needs),
            (None, Cache::Cold) => None,
        }
    }

    fn operations(&self, habits: &Habits) -> Vec<Operation> {
        pushed(habits, self)
    }

    fn requests(&self, habits: &Habits, sizes: &[u64], _images: usize, requests: &mut Requests) {
        let habits = &habits.push;
        let warm = self.cache == Cache::Warm;
        match habits.manifest_check {
            ManifestCheck::First | ManifestCheck::FirstByDigest => {
                requests.add(Operation::ManifestHead, 1);
                if warm {
                    let tags = habits.manifest_check == ManifestCheck::FirstByDigest;
                    requests.add(Operation::ManifestPut, tags.into());
                    return;
                }
            }
            ManifestCheck::Never | ManifestCheck::BeforePut => {}
        }
        let mounts = self.mount_from.is_some();
        if mounts && habits.mount.ping {
            requests.add(Operation::Ping, 1);
        }
        let there = self.cache.layers(sizes.len());
        for (layer, size) in sizes.iter().enumerate() {
            let blob = Blob {
                size: *size,
                there: layer < there,
                known: mounts || layer < there,
                checks: habits.layer_checks,
                method: habits.method,
                mounted: mounts,
            };
            if blob.add_to(habits, requests) {
                requests.up += *size;
            }
        }
        let config = Blob {
            size: 1,
            there: warm,
            known: mounts,
            checks: habits.config_checks,
            method: habits.config_method,
            mounted: mounts && habits.mount.config,
        };
        config.add_to(habits, requests);
        if habits.manifest_check == ManifestCheck::BeforePut {
            requests.add(Operation::ManifestHead, 1);
            if warm {
                return;
            }
        }
        requests.add(Operation::ManifestPut, 1);
    }

    fn stores_apart(&self) -> bool {
        self.unique || self.fresh_repository
    }

    fn shares_tags(&self) -> bool {
        self.same_tag
    }

    fn in_flight(&self, habits: &Habits) -> usize {
        habits.push.parallel.get()
    }
}

/// Those of a push. A session that a mount has opened is gone on with in the way in which blobs are sent.
pub(super) fn pushed(habits: &Habits, push: &Push) -> Vec<Operation> {
    use Operation::{
        BlobHead, ManifestHead, ManifestPut, Ping, UploadCancel, UploadMount, UploadPatch,
        UploadPost, UploadPut, UploadStart, UploadStatus,
    };
    let own = &habits.push;
    let mount = push.mount_from.is_some().then_some(&own.mount);
    let ways = ways(own);
    let any = |is: &dyn Fn(&PushMethod) -> bool| ways.iter().any(is);
    let chunks = any(&|way| matches!(way, PushMethod::Chunks { .. }));
    let patches = chunks || any(&|way| matches!(way, PushMethod::Patch | PushMethod::PatchChunked));
    let posts = any(&|way| *way == PushMethod::Post);
    let only_posts = !any(&|way| *way != PushMethod::Post);
    let checks = [own.layer_checks, own.config_checks];
    let heads = checks.iter().any(|it| *it != Checks::Never)
        || own.commit_check
        || mount.is_some_and(|it| it.check_source || it.check_mounted);
    let asked = [
        (ManifestHead, own.manifest_check != ManifestCheck::Never),
        (Ping, !habits.ping && mount.is_some_and(|it| it.ping)),
        (BlobHead, heads),
        (UploadStart, !only_posts),
        (UploadPatch, patches),
        (UploadStatus, chunks),
        (UploadPut, true),
        (ManifestPut, true),
        (UploadMount, mount.is_some()),
        (UploadPost, posts),
        (UploadCancel, true),
    ];
    let asked = asked.into_iter().filter(|(_, may)| *may);
    asked.map(|(operation, _)| operation).collect()
}

/// The ways in which blobs are sent.
fn ways(habits: &PushHabits) -> Vec<PushMethod> {
    let mut ways = vec![habits.method, habits.config_method];
    // What is compressed on the way has no length to be told.
    ways.extend(habits.packs_late.then_some(PushMethod::PatchChunked));
    ways
}

/// One blob of a push.
struct Blob {
    size: u64, // of a config any that fits into one chunk
    there: bool,
    known: bool,
    checks: Checks,
    method: PushMethod,
    mounted: bool,
}

impl Blob {
    /// Adds the requests of the self. Returns `true` if its bytes are sent.
    fn add_to(&self, habits: &PushHabits, requests: &mut Requests) -> bool {
        let asks = match self.checks {
            Checks::Never => false,
            Checks::Known => self.known,
            Checks::Once | Checks::Twice => true,
        };
        requests.add(Operation::BlobHead, asks.into());
        if asks && self.there {
            return false;
        }
        if self.mounted {
            requests.add(Operation::BlobHead, habits.mount.check_source.into());
            requests.add(Operation::UploadMount, 1);
            requests.add(Operation::BlobHead, habits.mount.check_mounted.into());
            return false;
        }
        requests.add(Operation::BlobHead, (self.checks == Checks::Twice).into());
        if self.method == PushMethod::Post {
            requests.add(Operation::UploadPost, 1);
        } else {
            requests.add(Operation::UploadStart, 1);
            let patches = match self.method {
                PushMethod::Patch | PushMethod::PatchChunked => 1,
                PushMethod::Chunks { size } => self.size.div_ceil(size.get().max(1)),
                PushMethod::Post | PushMethod::Put => 0,
            };
            requests.add(Operation::UploadPatch, patches);
            requests.add(Operation::UploadPut, 1);
        }
        requests.add(Operation::BlobHead, habits.commit_check.into());
        true
    }
}

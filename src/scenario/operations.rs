//! What a journey may ask of a registry, by the habits of its client.

use super::action::{Action, PollMethod, Push};
use super::journey::Journey;
use crate::oci::Operation;
use crate::profile::{Checks, DeleteBy, Habits, ManifestCheck, PushHabits, PushMethod, Resolve};

/// Every operation that the journey may ask for, so that there is a place for its samples before the run. What the registry
/// decides comes on top: tokens and redirects.
pub fn operations(journey: &Journey) -> Vec<Operation> {
    use Operation::{
        BlobGet, Catalog, ManifestDelete, ManifestGet, ManifestHead, ManifestPut, Ping, Referrers,
        TagsList,
    };
    let habits = &journey.habits;
    let mut operations = Vec::new();
    operations.extend(habits.ping.then_some(Ping));
    let heads = habits.pull.resolve != Resolve::Get;
    match &journey.action {
        Action::Pull(_) => {
            operations.extend(heads.then_some(ManifestHead));
            operations.extend([ManifestGet, BlobGet]);
        }
        Action::Push(push) => operations.extend(pushed(habits, push)),
        Action::Poll(poll) => {
            operations.extend((poll.method == PollMethod::Head).then_some(ManifestHead));
            operations.push(ManifestGet);
        }
        Action::ListTags(_) => operations.push(TagsList),
        Action::Catalog(_) => operations.push(Catalog),
        Action::Referrers(_) => {
            operations.extend(heads.then_some(ManifestHead));
            // The index under the fallback tag, too.
            operations.extend([ManifestGet, Referrers]);
        }
        Action::Delete(_) => {
            if habits.delete == DeleteBy::Resolved {
                operations.extend(heads.then_some(ManifestHead));
                operations.push(ManifestGet);
            }
            operations.extend([ManifestPut, ManifestDelete]);
        }
    }
    operations
}

/// Those of a push. A session that a mount has opened is gone on with in the way in which blobs are sent.
fn pushed(habits: &Habits, push: &Push) -> Vec<Operation> {
    use Operation::{
        BlobHead, ManifestHead, ManifestPut, Ping, UploadCancel, UploadMount, UploadPatch,
        UploadPost, UploadPut, UploadStart, UploadStatus,
    };
    let habits_of_push = &habits.push;
    let mount = push.mount_from.is_some().then_some(&habits_of_push.mount);
    let ways = ways(habits_of_push);
    let any = |is: &dyn Fn(&PushMethod) -> bool| ways.iter().any(is);
    let chunks = any(&|way| matches!(way, PushMethod::Chunks { .. }));
    let patches = chunks || any(&|way| matches!(way, PushMethod::Patch | PushMethod::PatchChunked));
    let posts = any(&|way| *way == PushMethod::Post);
    let only_posts = !any(&|way| *way != PushMethod::Post);
    let checks = [habits_of_push.layer_checks, habits_of_push.config_checks];
    let heads = checks.iter().any(|it| *it != Checks::Never)
        || habits_of_push.commit_check
        || mount.is_some_and(|it| it.check_source || it.check_mounted);
    let asked = [
        (
            ManifestHead,
            habits_of_push.manifest_check != ManifestCheck::Never,
        ),
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

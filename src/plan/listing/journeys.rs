//! The keys of a journey: what it does, and every habit of its client that has a part in it.

use std::time::Duration;

use super::{Fields, Value};
use crate::oci::{RepositoryName, Verify};
use crate::plan::{
    Action, Cache, ConnectionPolicy, ImageSource, Journey, Pick, Plan, Pull, Push, Selection,
    ThinkTime,
};
use crate::profile::{AcceptForm, Habits, PullHabits, PushHabits, PushMethod, Retry, Wire};

/// All keys of a journey.
pub(super) fn keys(plan: &Plan, journey: &Journey) -> Fields {
    let fields = Fields::default()
        .put("action", journey.action.word())
        .put("client", journey.client.name);
    let fields = match journey.images() {
        Some(images) => selection(fields, plan, images),
        None => fields,
    };
    let fields = match journey.think_time {
        ThinkTime::None => fields.put("think_time", Duration::ZERO),
        ThinkTime::Fixed(time) => fields.put("think_time", time),
        ThinkTime::Uniform(min, max) => {
            let range = Fields::default().put("min", min).put("max", max);
            fields.put("think_time", range)
        }
    };
    let fields = fields
        .put("request_timeout", journey.request_timeout)
        .put("iteration_timeout", journey.iteration_timeout);
    let habits = &journey.habits;
    let fields = common(fields, habits);
    let resolve = habits.pull.resolve.word();
    let page_size = habits.wire.page_size;
    match &journey.action {
        Action::Pull(pull) => pull_keys(fields, pull, &habits.pull),
        Action::Push(push) => push_keys(fields, push, &habits.push),
        Action::Poll(poll) => fields.put("method", poll.method.word()),
        Action::ListTags(list) => fields.may("tags", list.tags).may("page_size", page_size),
        Action::Catalog(_) => fields.may("page_size", page_size),
        Action::Referrers(list) => fields
            .may("referrers", list.referrers)
            .may("artifact_type", list.artifact_type.as_deref())
            .put("resolve", resolve),
        Action::Delete(_) => fields
            .put("resolve", resolve)
            .put("by", habits.delete.word()),
    }
}

fn selection(fields: Fields, plan: &Plan, images: &Selection) -> Fields {
    let set = &plan.images[images.set];
    let fields = fields.put("images", set.name.as_str());
    let fields = match images.pick {
        Pick::RoundRobin => fields.put("pick", "round-robin"),
        Pick::Random => fields.put("pick", "random"),
        Pick::Zipf(exponent) => fields.put("pick", Fields::default().put("zipf", exponent)),
    };
    match set.source {
        // Existing images say themselves where they are.
        ImageSource::Existing(_) => fields,
        _ => fields.put("repository", images.repository.as_str()),
    }
}

/// The habits that have a part in whatever is done.
fn common(fields: Fields, habits: &Habits) -> Fields {
    let fields = match habits.connections {
        ConnectionPolicy::PerVu => fields.put("connections", "per-vu"),
        ConnectionPolicy::PerIteration => fields.put("connections", "per-iteration"),
        ConnectionPolicy::PerRequest => fields.put("connections", "per-request"),
        ConnectionPolicy::Shared { pool_size } => fields
            .put("connections", "shared")
            .put("pool_size", pool_size),
    };
    let fields = fields
        .may("max_idle", habits.max_idle)
        .put("http", habits.http.word())
        .put("ping", habits.ping)
        .put("retry", habits.retry != Retry::NEVER)
        .put("token_form", habits.token.form.word())
        .put("resolver_apart", habits.token.resolver_apart);
    wire(fields, &habits.wire)
}

fn wire(fields: Fields, wire: &Wire) -> Fields {
    let types = &wire.accept.types;
    let accept = match wire.accept.form {
        AcceptForm::Lines => Value::List(types.iter().map(ToString::to_string).collect()),
        AcceptForm::Joined(between) => types.join(between).into(),
    };
    fields
        .put("user_agent", wire.user_agent.as_ref())
        .put("accept", accept)
        .put(
            "accept_encoding",
            wire.accept_encoding.as_deref().unwrap_or_default(),
        )
        .put("referer", wire.referer)
}

fn pull_keys(fields: Fields, pull: &Pull, habits: &PullHabits) -> Fields {
    let verify = match pull.verify {
        Verify::Digest => "digest",
        Verify::EveryDigest => "sha256",
        Verify::Length => "length",
        Verify::None => "none",
    };
    cache(fields, pull.cache)
        .put("verify", verify)
        .put("platform", pull.platform.to_string())
        .put("parallel", habits.parallel)
        .put("resolve", habits.resolve.word())
        .put("resolve_digest", habits.resolve_digest)
        .put("config", habits.config.word())
        .put("repeats", habits.again.word())
        .may("part_size", habits.part_size.map(|size| size.to_string()))
}

fn push_keys(fields: Fields, push: &Push, habits: &PushHabits) -> Fields {
    let from = push.mount_from.as_ref();
    let fields = cache(fields, push.cache)
        .may("mount_from", from.map(RepositoryName::as_str))
        .put("fresh_repository", push.fresh_repository)
        .put("unique", push.unique)
        .put("parallel", habits.parallel)
        .put("manifest_check", habits.manifest_check.word())
        .put("exists_check", habits.layer_checks.word())
        .put("config_check", habits.config_checks.word());
    let fields = match habits.method {
        PushMethod::Post => fields.put("method", "post"),
        PushMethod::Put => fields.put("method", "put"),
        PushMethod::Patch => fields.put("method", "patch"),
        PushMethod::PatchChunked => fields.put("method", "patch-chunked"),
        PushMethod::Chunks { size } => fields
            .put("method", "chunks")
            .put("chunk_size", size.to_string()),
    };
    fields
        .put("commit_check", habits.commit_check)
        .put("config_last", habits.config_last)
        .put("layer_order", habits.layers.word())
        .put("blobs_first", habits.blobs_before_manifests)
        .put("mount_config", habits.mount.config)
        .put("mount_ping", habits.mount.ping)
        .put("mount_source_check", habits.mount.check_source)
        .put("mount_check", habits.mount.check_mounted)
        .put("mount_session", habits.mount.use_session)
}

fn cache(fields: Fields, cache: Cache) -> Fields {
    match cache {
        Cache::Cold => fields.put("cache", "cold"),
        Cache::Warm => fields.put("cache", "warm"),
        Cache::Share(share) => fields.put("cache", Fields::default().put("share", share)),
    }
}

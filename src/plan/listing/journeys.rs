//! The keys of a journey: what it does, and every habit of its client that has a part in it.

use std::time::Duration;

use crate::oci::{RepositoryName, Verify};
use crate::plan::{
    Action, Cache, ImageSource, Journey, Pick, Plan, Pull, Push, Selection, ThinkTime,
};
use crate::scenario::{Fields, shown};

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
    let fields = fields.and(shown::habits(&journey.habits, journey.action.word()));
    match &journey.action {
        Action::Pull(pull) => pull_keys(fields, pull),
        Action::Push(push) => push_keys(fields, push),
        Action::Poll(poll) => fields.put("method", poll.method.word()),
        Action::ListTags(list) => fields.may("tags", list.tags),
        Action::Referrers(list) => fields
            .may("referrers", list.referrers)
            .may("artifact_type", list.artifact_type.as_deref()),
        Action::Catalog(_) | Action::Delete(_) => fields,
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
fn pull_keys(fields: Fields, pull: &Pull) -> Fields {
    let verify = match pull.verify {
        Verify::Digest => "digest",
        Verify::EveryDigest => "sha256",
        Verify::Length => "length",
        Verify::None => "none",
    };
    cache(fields, pull.cache)
        .put("verify", verify)
        .put("platform", pull.platform.to_string())
}

fn push_keys(fields: Fields, push: &Push) -> Fields {
    let from = push.mount_from.as_ref();
    cache(fields, push.cache)
        .may("mount_from", from.map(RepositoryName::as_str))
        .put("fresh_repository", push.fresh_repository)
        .put("unique", push.unique)
}

fn cache(fields: Fields, cache: Cache) -> Fields {
    match cache {
        Cache::Cold => fields.put("cache", "cold"),
        Cache::Warm => fields.put("cache", "warm"),
        Cache::Share(share) => fields.put("cache", Fields::default().put("share", share)),
    }
}

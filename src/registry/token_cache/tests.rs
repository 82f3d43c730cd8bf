//! The life of tokens, who fetches them, and what is learnt from challenges.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::{advance, sleep};

use super::*;
use crate::oci::{ErrorBody, Operation};
use crate::profile::Profile;
use crate::registry::error::Kind;
use crate::registry::token;
use crate::transport::Address;
use crate::units::Secret;

fn cache(client: &str, credentials: Option<Credentials>) -> TokenCache {
    let habits = Profile::named(client).unwrap().habits().token;
    TokenCache::new(credentials, habits)
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn asks(scopes: &[&str]) -> Challenged {
    Challenged {
        challenge: Challenge::Bearer(Rc::new(Service {
            realm: Address::of(&"http://a/t".parse().unwrap()).unwrap(),
            name: None,
        })),
        scopes: scopes.iter().map(|&it| it.to_owned()).collect(),
    }
}

fn token_of(cache: &TokenCache, word: &str, seconds: u64) -> Token {
    let raw = format!("{{\"token\":\"{word}\",\"expires_in\":{seconds}}}");
    token::read(raw.as_bytes(), cache.habits()).unwrap()
}

fn refusal() -> Error {
    let status = StatusCode::FORBIDDEN;
    let body = ErrorBody::default();
    Error::new(Operation::Token, "/token", Kind::Status { status, body })
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_shortly_before_its_end_and_for_less_than_it_allows() {
    let (cache, a, b) = (cache("plain", None), name("a"), name("b"));
    let push = Scope::of(&a, Actions::PullPush);
    cache.learn(asks(&[]), Some(&push), None);
    let fetch = async || Ok(token_of(&cache, "t", 100));
    cache.slot(&push).token(fetch).await.unwrap();
    let mount = Scope {
        mounts_from: Some(&b),
        ..push
    };
    for (scope, expected) in [
        (push, true),
        (Scope::of(&a, Actions::Pull), true),
        (Scope::of(&a, Actions::PullPushDelete), false),
        (Scope::of(&b, Actions::Pull), false),
        (mount, false),
    ] {
        assert_eq!(cache.header(&scope).is_some(), expected, "{scope:?}");
    }
    advance(Duration::from_secs(94)).await;
    assert!(cache.header(&push).is_some());
    advance(Duration::from_secs(2)).await;
    assert!(cache.header(&push).is_none());
}

#[tokio::test(start_paused = true)]
async fn of_many_who_ask_one_fetches_and_other_scopes_do_not_wait() {
    let (cache, a, b) = (cache("plain", None), name("a"), name("b"));
    let began = Instant::now();
    let fetched = Cell::new(0);
    let ask = async |scope: Scope<'_>| {
        let fetch = async || {
            fetched.set(fetched.get() + 1);
            sleep(Duration::from_secs(1)).await;
            // It is over before the last of those who wait has its turn.
            Ok(token_of(&cache, "t", 1))
        };
        cache.slot(&scope).token(fetch).await.map(|_| ())
    };
    let scopes = [&a, &b].map(|it| Scope::of(it, Actions::Pull));
    let all = join_all((0..50).map(|it| ask(scopes[it % 2]))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fetched.get(), 2, "one for each scope");
    assert_eq!(began.elapsed(), Duration::from_secs(1), "side by side");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_everybodys_who_waited_and_nobody_elses() {
    let (cache, a) = (cache("plain", None), name("a"));
    let scope = Scope::of(&a, Actions::Pull);
    let fetched = Cell::new(0);
    let ask = async || {
        let fetch = async || {
            fetched.set(fetched.get() + 1);
            sleep(Duration::from_secs(1)).await;
            if fetched.get() == 1 {
                return Err(refusal());
            }
            Ok(token_of(&cache, "t", 60))
        };
        cache.slot(&scope).token(fetch).await
    };
    for ended in join_all((0..20).map(|_| ask())).await {
        assert_eq!(ended.unwrap_err().status(), Some(StatusCode::FORBIDDEN));
    }
    assert_eq!(fetched.get(), 1);
    assert!(ask().await.is_ok(), "who comes later tries anew");
    assert_eq!(fetched.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn when_the_one_who_fetches_is_dropped_the_next_takes_over() {
    let (cache, a) = (cache("plain", None), name("a"));
    let slot = cache.slot(&Scope::of(&a, Actions::Pull));
    let never = async || {
        sleep(Duration::from_hours(1)).await;
        Err(refusal())
    };
    let dropped = tokio::time::timeout(Duration::from_secs(1), slot.token(never));
    let fetch = async || Ok(token_of(&cache, "t", 60));
    let (dropped, waited) = tokio::join!(dropped, slot.token(fetch));
    assert!(dropped.is_err());
    assert_eq!(waited.unwrap(), "Bearer t");
}

#[tokio::test(start_paused = true)]
async fn only_the_refused_token_is_thrown_away() {
    let (cache, a) = (cache("plain", None), name("a"));
    let scope = Scope::of(&a, Actions::Pull);
    cache.learn(asks(&[]), Some(&scope), None);
    let keep = async |word: &'static str| {
        let fetch = async || Ok(token_of(&cache, word, 60));
        cache.slot(&scope).token(fetch).await.unwrap()
    };
    let old = keep("old").await;
    cache.learn(asks(&[]), Some(&scope), Some(&old));
    assert!(cache.header(&scope).is_none());
    let new = keep("new").await;
    cache.learn(asks(&[]), Some(&scope), Some(&old));
    assert_eq!(cache.header(&scope), Some(new));
    cache.clear();
    assert!(cache.header(&scope).is_none() && cache.service().is_none());
}

#[test]
fn scopes_of_challenges_are_asked_for_as_the_client_does() {
    let (a, b) = (name("a"), name("b"));
    let push = Scope::of(&a, Actions::PullPush);
    let mount = Scope {
        mounts_from: Some(&b),
        ..push
    };
    let asked = |cache: &TokenCache, scope: &Scope<'_>| cache.scopes(scope, &cache.slot(scope));

    // Recorded: containerd 2.4 asks for the first challenge's scope for ever, and sorts.
    let containerd = cache("containerd", None);
    containerd.learn(asks(&["repository:a:pull"]), Some(&push), None);
    containerd.learn(asks(&["repository:a:other"]), Some(&push), None);
    assert_eq!(
        asked(&containerd, &push),
        ["repository:a:pull", "repository:a:pull,push"]
    );
    assert_eq!(
        asked(&containerd, &mount),
        [
            "repository:a:pull",
            "repository:a:pull,push",
            "repository:b:pull"
        ]
    );
    let pull = Scope::of(&a, Actions::Pull);
    assert_eq!(asked(&containerd, &pull), ["repository:a:pull"]);

    // The others look at what goes beyond, and remember it for that scope.
    let plain = cache("plain", None);
    let beyond = ["repository:a:push,pull", "registry:catalog:*"];
    plain.learn(asks(&beyond), Some(&push), None);
    assert_eq!(
        asked(&plain, &push),
        ["repository:a:pull,push", "registry:catalog:*"]
    );
    assert_eq!(
        asked(&plain, &mount),
        ["repository:a:pull,push", "repository:b:pull"]
    );
    assert_eq!(
        asked(&cache("docker", None), &push),
        ["repository:a:push,pull"]
    );
}

#[tokio::test(start_paused = true)]
async fn docker_fetches_a_token_for_each_mount_and_keeps_none() {
    let (cache, a, b) = (cache("docker", None), name("a"), name("b"));
    let mount = Scope {
        mounts_from: Some(&b),
        ..Scope::of(&a, Actions::PullPush)
    };
    cache.learn(asks(&[]), Some(&mount), None);
    let fetch = async || Ok(token_of(&cache, "t", 60));
    cache.slot(&mount).token(fetch).await.unwrap();
    assert!(cache.is_used_once(&mount) && cache.header(&mount).is_none());
}

#[test]
fn no_number_of_scopes_fills_memory() {
    let (cache, a) = (cache("plain", None), name("a"));
    for number in 0..10 * MAX_SLOTS {
        cache.slot(&Scope::of(&name(&format!("r{number}")), Actions::Pull));
        let more = format!("repository:x{number}:pull");
        let scope = Scope::of(&a, Actions::Pull);
        cache.learn(asks(&[&more]), Some(&scope), None);
    }
    assert_eq!(cache.slots.borrow().len(), MAX_SLOTS);
    for slot in &*cache.slots.borrow() {
        assert!(slot.extra.borrow().len() <= MAX_EXTRA);
    }
}

#[test]
fn basic_is_sent_once_it_was_asked_for_and_never_printed() {
    let bob = Credentials::password("bob", Secret::new("hunter2"));
    let cache = cache("plain", Some(bob));
    let a = name("a");
    let scope = Scope::of(&a, Actions::Pull);
    assert_eq!(cache.header(&scope), None);
    let basic = Challenged {
        challenge: Challenge::Basic,
        scopes: Vec::new(),
    };
    cache.learn(basic, None, None);
    let header = cache.header(&scope).unwrap();
    assert_eq!(header, "Basic Ym9iOmh1bnRlcjI=");
    let shown = format!("{cache:?} {header:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("Ym9i"),
        "{shown}"
    );
}

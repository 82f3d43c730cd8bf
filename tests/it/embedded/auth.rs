//! Who gets in, and with what.

use std::time::Duration;

use regstorm::embedded::{Auth, Quirk, Running, Settings};
use regstorm::units::Secret;

use super::wire::{Answer, Client, registry};

// "alice:s3cret" and "alice:wrong" in base64.
const GOOD: &str = "Basic YWxpY2U6czNjcmV0";
const BAD: &str = "Basic YWxpY2U6d3Jvbmc=";

fn bearer(anonymous_pull: bool, change: impl FnOnce(&mut Settings)) -> Running {
    registry(|settings| {
        settings.auth = Auth::Bearer {
            user: "alice".into(),
            password: Secret::new("s3cret"),
            token_lifetime: Duration::from_mins(5),
            anonymous_pull,
        };
        change(settings);
    })
}

fn ask(client: &mut Client, method: &str, path: &str, authorization: &str) -> Answer {
    client.send(method, path, &[("Authorization", authorization)], b"")
}

fn token(client: &mut Client, scope: &str) -> String {
    let answer = ask(
        client,
        "GET",
        &format!("/token?service=regstorm&scope={scope}"),
        GOOD,
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["token"], answer.json()["access_token"]);
    assert_eq!(answer.json()["expires_in"], 300);
    format!("Bearer {}", answer.json()["token"].as_str().unwrap())
}

#[test]
fn basic_credentials_go_with_every_request() {
    let registry = registry(|settings| {
        settings.auth = Auth::Basic {
            user: "alice".into(),
            password: Secret::new("s3cret"),
        };
    });
    let mut client = Client::to(&registry);
    let refused = client.get("/v2/");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "UNAUTHORIZED")
    );
    assert_eq!(refused.need("www-authenticate"), "Basic realm=\"regstorm\"");
    assert_eq!(ask(&mut client, "GET", "/v2/", BAD).status, 401);
    assert_eq!(ask(&mut client, "GET", "/v2/", GOOD).status, 200);
    assert_eq!(
        ask(&mut client, "POST", "/v2/a/blobs/uploads/", GOOD).status,
        202
    );
    assert_eq!(
        client.send("POST", "/v2/a/blobs/uploads/", &[], b"").status,
        401
    );
    let records = registry.requests();
    assert_eq!(records[2].authorization(), Some("Basic"));
    assert!(
        !format!("{records:?}").contains("YWxpY2U6"),
        "credentials are not recorded"
    );
}

#[test]
fn the_challenge_names_what_is_needed() {
    let registry = bearer(false, |settings| settings.base_path = "/base".into());
    let mut client = Client::to(&registry);
    let url = registry.url();
    let mut challenge = |method: &str, path: &str| {
        let refused = client.send(method, &format!("/base/v2/{path}"), &[], b"");
        assert_eq!(refused.status, 401, "{method} {path}");
        refused.need("www-authenticate").to_owned()
    };
    let realm = format!("Bearer realm=\"{url}/token\",service=\"regstorm\"");
    assert_eq!(
        challenge("GET", ""),
        realm,
        "a ping needs a token, but no scope"
    );
    assert_eq!(
        challenge("GET", "a/b/tags/list"),
        format!("{realm},scope=\"repository:a/b:pull\"")
    );
    assert_eq!(
        challenge("POST", "a/blobs/uploads/"),
        format!("{realm},scope=\"repository:a:pull,push\"")
    );
    assert_eq!(
        challenge("DELETE", "a/manifests/1"),
        format!("{realm},scope=\"repository:a:delete\"")
    );
    assert_eq!(
        challenge("GET", "_catalog"),
        format!("{realm},scope=\"registry:catalog:*\"")
    );
    let mount = format!("a/blobs/uploads/?mount=sha256:{}&from=b", "0".repeat(64));
    assert_eq!(
        challenge("POST", &mount),
        format!("{realm},scope=\"repository:a:pull,push repository:b:pull\"")
    );
}

#[test]
fn a_token_opens_its_scope_and_no_other() {
    let registry = bearer(false, |_| {});
    let mut client = Client::to(&registry);
    let pull = token(&mut client, "repository:a:pull");
    assert_eq!(ask(&mut client, "GET", "/v2/", &pull).status, 200);
    assert_eq!(
        ask(&mut client, "GET", "/v2/a/manifests/1", &pull).status,
        404
    );
    for (method, path) in [
        ("POST", "/v2/a/blobs/uploads/"),
        ("GET", "/v2/b/manifests/1"),
    ] {
        let refused = ask(&mut client, method, path, &pull);
        assert_eq!(refused.status, 401, "{path}");
        assert!(
            refused
                .need("www-authenticate")
                .ends_with(",error=\"insufficient_scope\"")
        );
    }
    let both = token(
        &mut client,
        "repository:a:push,pull&scope=repository:b:pull",
    );
    assert_eq!(
        ask(&mut client, "POST", "/v2/a/blobs/uploads/", &both).status,
        202
    );
    assert_eq!(
        ask(&mut client, "GET", "/v2/b/manifests/1", &both).status,
        404
    );
    let forged = ask(&mut client, "GET", "/v2/", "Bearer x.y");
    assert!(
        forged
            .need("www-authenticate")
            .ends_with(",error=\"invalid_token\"")
    );
    assert_ne!(
        pull,
        token(&mut client, "repository:a:pull"),
        "each token is another one"
    );
}

#[test]
fn tokens_are_given_to_those_who_know_the_password() {
    let registry = bearer(false, |_| {});
    let mut client = Client::to(&registry);
    let path = "/token?service=regstorm&scope=repository:a:pull";
    assert_eq!(client.get(path).status, 401);
    assert_eq!(ask(&mut client, "GET", path, BAD).status, 401);
    let post = |client: &mut Client, form: &str| {
        let typed = [("Content-Type", "application/x-www-form-urlencoded")];
        client.send("POST", "/token", &typed, form.as_bytes())
    };
    let form = "grant_type=password&service=regstorm&client_id=t&username=alice&password=s3cret&scope=repository%3Aa%3Apull+repository%3Ab%3Apull";
    let granted = post(&mut client, form);
    assert_eq!(
        (granted.status, granted.json().get("token")),
        (200, None),
        "OAuth has no `token`"
    );
    let token = format!(
        "Bearer {}",
        granted.json()["access_token"].as_str().unwrap()
    );
    assert_eq!(
        ask(&mut client, "GET", "/v2/b/manifests/1", &token).status,
        404
    );
    assert_eq!(
        post(&mut client, &form.replace("s3cret", "wrong")).status,
        401
    );
    assert_eq!(
        post(
            &mut client,
            &form.replace("password&service", "magic&service")
        )
        .status,
        400
    );
    let old = bearer(false, |settings| settings.quirks = vec![Quirk::NoTokenPost]);
    assert_eq!(post(&mut Client::to(&old), form).status, 404);
}

#[test]
fn an_identity_token_stands_for_the_password() {
    let registry = bearer(false, |settings| {
        settings.quirks = vec![Quirk::NoTokenExpiry];
    });
    let mut client = Client::to(&registry);
    let post =
        |client: &mut Client, form: &str| client.send("POST", "/token", &[], form.as_bytes());
    let login = "grant_type=password&username=alice&password=s3cret";
    let plain = post(&mut client, login).json();
    assert_eq!(
        (plain.get("refresh_token"), plain.get("expires_in")),
        (None, None)
    );
    let offline = post(&mut client, &format!("{login}&access_type=offline")).json();
    let by_get = ask(&mut client, "GET", "/token?offline_token=true", GOOD).json();
    for answer in [offline, by_get] {
        let identity = answer["refresh_token"].as_str().unwrap();
        let form =
            format!("grant_type=refresh_token&scope=repository:a:pull&refresh_token={identity}");
        let granted = post(&mut client, &form);
        assert_eq!(granted.status, 200);
        let token = format!(
            "Bearer {}",
            granted.json()["access_token"].as_str().unwrap()
        );
        assert_eq!(
            ask(&mut client, "GET", "/v2/a/manifests/1", &token).status,
            404
        );
        // It is for the token service, and opens nothing itself.
        let itself = format!("Bearer {identity}");
        assert_eq!(
            ask(&mut client, "GET", "/v2/a/manifests/1", &itself).status,
            401
        );
    }
    for form in [
        "grant_type=refresh_token",
        "grant_type=refresh_token&refresh_token=x.y",
    ] {
        assert_eq!(post(&mut client, form).status, 401, "{form}");
    }
}

#[test]
fn anyone_may_pull_where_that_is_allowed() {
    let registry = bearer(true, |_| {});
    let mut client = Client::to(&registry);
    let answer = client.get("/token?scope=repository:a:pull,push");
    let anonymous = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    assert_eq!(
        ask(&mut client, "GET", "/v2/a/manifests/1", &anonymous).status,
        404
    );
    assert_eq!(
        ask(&mut client, "POST", "/v2/a/blobs/uploads/", &anonymous).status,
        401
    );
    assert_eq!(
        ask(&mut client, "GET", "/token", BAD).status,
        401,
        "a wrong password is not no password"
    );
}

#[test]
fn a_token_ends_with_its_lifetime() {
    let registry = registry(|settings| {
        settings.auth = Auth::Bearer {
            user: "alice".into(),
            password: Secret::new("s3cret"),
            token_lifetime: Duration::ZERO,
            anonymous_pull: false,
        };
    });
    let mut client = Client::to(&registry);
    let answer = ask(&mut client, "GET", "/token", GOOD);
    let stale = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    let refused = ask(&mut client, "GET", "/v2/", &stale);
    assert!(
        refused
            .need("www-authenticate")
            .ends_with(",error=\"invalid_token\"")
    );
}

#[test]
fn an_early_no_to_a_large_body_is_read_before_the_connection_ends() {
    let registry = registry(|settings| {
        settings.auth = Auth::Basic {
            user: "alice".into(),
            password: Secret::new("s3cret"),
        };
    });
    let mut client = Client::to(&registry);
    // Far more than the buffers of both sockets: were the connection just closed, writing would end in a reset
    // and the answer would be lost.
    let body = vec![0; 32 << 20];
    let refused = client.send("PUT", "/v2/a/blobs/uploads/x?digest=y", &[], &body);
    assert_eq!((refused.status, refused.need("connection")), (401, "close"));
    assert_eq!(client.rest().0, b"");
    // A small one is read, and the connection is kept.
    let mut client = Client::to(&registry);
    let refused = client.send("PUT", "/v2/a/manifests/1", &[], &[b' '; 5000]);
    assert_eq!((refused.status, refused.header("connection")), (401, None));
    assert_eq!(client.get("/v2/").status, 401);
    // Who waits to be asked for the body is not asked.
    let head = client.head("PUT", "/v2/a/manifests/1", &[("Expect", "100-continue")]);
    client.write(format!("{head}Content-Length: 5000\r\n\r\n").as_bytes());
    let (all, _) = client.rest();
    assert!(
        all.starts_with(b"HTTP/1.1 401"),
        "{}",
        String::from_utf8_lossy(&all)
    );
}

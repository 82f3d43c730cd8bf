//! Lists: tags, repositories, referrers.

use regstorm::embedded::Quirk;
use regstorm::oci::Digest;
use serde_json::json;

use super::wire::{Client, OCI_INDEX, OCI_MANIFEST, image, registry};

#[test]
fn tags_are_sorted_and_paged() {
    let registry = registry(|settings| settings.page_size = 4);
    let mut client = Client::to(&registry);
    assert_eq!(client.get("/v2/lab/img/tags/list").code(), "NAME_UNKNOWN");
    for tag in ["v2", "latest", "V1", "v10", "_x"] {
        client.push_image("lab/img", tag, "");
    }
    let list = |client: &mut Client, query: &str| {
        let answer = client.get(&format!("/v2/lab/img/tags/list{query}"));
        let link = answer.header("link").map(ToOwned::to_owned);
        (answer.json()["tags"].clone(), link)
    };
    let next = |query: &str| {
        Some(format!(
            "<{}/v2/lab/img/tags/list?{query}>; rel=\"next\"",
            registry.url()
        ))
    };
    assert_eq!(
        list(&mut client, ""),
        (json!(["V1", "_x", "latest", "v10"]), next("n=4&last=v10"))
    );
    assert_eq!(
        list(&mut client, "?n=2"),
        (json!(["V1", "_x"]), next("n=2&last=_x"))
    );
    assert_eq!(
        list(&mut client, "?n=2&last=_x"),
        (json!(["latest", "v10"]), next("n=2&last=v10"))
    );
    assert_eq!(list(&mut client, "?n=2&last=v10"), (json!(["v2"]), None));
    assert_eq!(list(&mut client, "?last=m"), (json!(["v10", "v2"]), None));
    assert_eq!(list(&mut client, "?n=0"), (json!([]), None));
    for bad in ["-1", "x", ""] {
        let refused = client.get(&format!("/v2/lab/img/tags/list?n={bad}"));
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "PAGINATION_NUMBER_INVALID")
        );
    }
}

#[test]
fn the_catalog_is_paged_too() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    assert_eq!(
        client.get("/v2/_catalog").json(),
        json!({"repositories": []})
    );
    for name in ["b", "a/x", "c"] {
        client.push_blob(name, b"abc");
    }
    let first = client.get("/v2/_catalog?n=2");
    assert_eq!(first.json(), json!({"repositories": ["a/x", "b"]}));
    assert_eq!(
        first.need("link"),
        format!("<{}/v2/_catalog?n=2&last=b>; rel=\"next\"", registry.url())
    );
    assert_eq!(
        client.get("/v2/_catalog?n=2&last=b").json(),
        json!({"repositories": ["c"]})
    );
}

#[test]
fn referrers_are_listed_and_filtered() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let (subject, raw) = client.push_image("a", "v", "");
    let refers = format!(
        r#","subject":{{"mediaType":"{OCI_MANIFEST}","digest":"{subject}","size":{}}}"#,
        raw.len()
    );
    let (plain, _) = client.push_image("a", "p", &format!(r#"{refers},"annotations":{{"k":"v"}}"#));
    let typed = format!(r#"{refers},"artifactType":"application/vnd.test+json""#);
    let (sbom, _) = client.push_image("a", "s", &typed);

    let path = format!("/v2/a/referrers/{subject}");
    let all = client.get(&path);
    assert_eq!((all.status, all.need("content-type")), (200, OCI_INDEX));
    let all = all.json();
    assert_eq!(
        (&all["schemaVersion"], &all["mediaType"]),
        (&json!(2), &json!(OCI_INDEX))
    );
    let mut found: Vec<_> = all["manifests"].as_array().unwrap().clone();
    found.sort_by_key(|it| it["artifactType"].to_string());
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["digest"], json!(plain.to_string()));
    // Without a type of its own, an image goes by the type of its config.
    assert_eq!(
        found[0]["artifactType"],
        "application/vnd.oci.image.config.v1+json"
    );
    assert_eq!(found[0]["annotations"], json!({"k": "v"}));
    assert_eq!(found[1]["digest"], json!(sbom.to_string()));

    for escaped in ["application/vnd.test%2Bjson", "application/vnd.test+json"] {
        let filtered = client.get(&format!("{path}?artifactType={escaped}"));
        assert_eq!(filtered.need("oci-filters-applied"), "artifactType");
        assert_eq!(
            filtered.json()["manifests"].as_array().unwrap().len(),
            1,
            "{escaped}"
        );
    }
    client.send("DELETE", &format!("/v2/a/manifests/{sbom}"), &[], b"");
    assert_eq!(
        client.get(&path).json()["manifests"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn unknown_subjects_have_no_referrers_and_that_is_no_error() {
    let registry = registry(|_| {});
    let mut client = Client::to(&registry);
    let unknown = client.get(&format!("/v2/none/referrers/{}", Digest::sha256(b"x")));
    assert_eq!(
        (unknown.status, &unknown.json()["manifests"]),
        (200, &json!([]))
    );
    assert_eq!(client.get("/v2/none/referrers/latest").status, 400);
}

#[test]
fn an_old_registry_knows_no_referrers() {
    let registry = registry(|settings| settings.quirks = vec![Quirk::NoReferrers]);
    let mut client = Client::to(&registry);
    let config = client.push_blob("a", b"{}");
    let subject = Digest::sha256(b"x");
    let refers =
        format!(r#","subject":{{"mediaType":"{OCI_MANIFEST}","digest":"{subject}","size":1}}"#);
    let put = client.send(
        "PUT",
        "/v2/a/manifests/1",
        &[("Content-Type", OCI_MANIFEST)],
        &image(&config, &refers),
    );
    assert_eq!((put.status, put.header("oci-subject")), (201, None));
    assert_eq!(
        client.get(&format!("/v2/a/referrers/{subject}")).status,
        404
    );
}

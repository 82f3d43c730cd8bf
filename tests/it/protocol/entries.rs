//! Entries of indexes, manifests and lists that are odd: they matter only when they are used, and are named then.

use bytes::Bytes;
use regstorm::client::{Discard, Error, PullOptions, Pulled, pull, referrers};
use regstorm::embedded::{Quirk, Running, Settings};
use regstorm::oci::{Digest, ImageName, MediaType, Operation, Platform, Verify};
use regstorm::profile::Profile;

use super::image::{Image, MANIFEST};
use super::user::{User, UserSettings, content, name, registry, run, tag};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Every profile that chooses in a way of its own.
const CLIENTS: [&str; 7] = [
    "plain",
    "docker",
    "containerd",
    "buildkit",
    "podman",
    "crane",
    "oras",
];

fn image_name(label: &str) -> ImageName {
    ImageName {
        repository: name("a"),
        reference: tag(label),
    }
}

/// An image, in a registry that takes any document.
fn site() -> (Image, Running) {
    let image = Image::of(content(100), vec![content(2000)]);
    let site = registry(Settings {
        quirks: vec![Quirk::AnyManifest, Quirk::SparseManifests],
        ..Settings::default()
    });
    for blob in image.blobs() {
        site.put_blob(&name("a"), blob.clone())
            .expect("room for it");
    }
    put(&site, "image", MANIFEST, &image.manifest);
    (image, site)
}

fn put(site: &Running, label: &str, media_type: &str, raw: &Bytes) {
    let put = site.put_manifest(
        &image_name(label),
        &MediaType::from(media_type),
        raw.clone(),
    );
    put.expect("room for it");
}

/// An entry for the image; `more` follows its required properties.
fn good(image: &Image, more: &str) -> String {
    let (digest, size) = (Digest::sha256(&image.manifest), image.manifest.len());
    format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{size}{more}}}"#)
}

fn user(site: &Running, client: &str) -> User {
    let habits = Profile::named(client).expect("a profile").habits();
    let settings = UserSettings {
        habits,
        ..UserSettings::default()
    };
    User::with(&site.url(), settings)
}

async fn pulled(site: &Running, client: &str, label: &str) -> Result<Digest, Error> {
    let options = PullOptions {
        verify: Verify::Digest,
        platform: Platform::linux_amd64(),
    };
    match pull(
        &user(site, client).client,
        &image_name(label),
        &options,
        &Discard,
    )
    .await?
    {
        Pulled::Image(image) => Ok(image.manifest.descriptor().digest),
        Pulled::UpToDate(digest) => panic!("{digest} is said to be here"),
    }
}

const AMD64: &str = r#","platform":{"os":"linux","architecture":"amd64"}"#;

#[test]
fn an_odd_neighbour_does_not_matter() {
    let (image, site) = site();
    let digest = Digest::sha256(&image.manifest);
    let elsewhere = r#""platform":{"os":"linux","architecture":"riscv64"}"#;
    let odd = [
        format!(
            r#"{{"mediaType":"{MANIFEST}","digest":"blake3:{}","size":1,{elsewhere}}}"#,
            "ab".repeat(32)
        ),
        format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":-1,{elsewhere}}}"#),
        format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":1e40,{elsewhere}}}"#),
        format!(r#"{{"mediaType":["x"],"digest":"{digest}","size":"1",{elsewhere}}}"#),
        format!(r#"{{"digest":"{digest}",{elsewhere}}}"#),
        format!(
            r#"{{"digest":null,"mediaType":null,"size":null,"urls":null,"annotations":null,{elsewhere}}}"#
        ),
        format!(
            r#"{{"digest":"{digest}","annotations":{{"k":null,"n":1}},"urls":[null,2],"artifactType":3,{elsewhere}}}"#
        ),
        format!(r#"{{"digest":"{digest}","digest":"twice","future":{{"a":[{{}}]}},{elsewhere}}}"#),
        r#"{"platform":"linux/amd64"}"#.to_owned(),
        r#"{"platform":{"os":"linux","architecture":["amd64"]}}"#.to_owned(),
        r#"{"platform":{"architecture":"unknown","os":"unknown"}}"#.to_owned(),
    ];
    run(async {
        for (number, odd) in odd.iter().enumerate() {
            let raw = format!(
                r#"{{"mediaType":"{INDEX}","manifests":[{odd},{}],"annotations":{{"k":null}},"subject":null,"x":1}}"#,
                good(&image, AMD64)
            );
            let label = format!("i{number}");
            put(&site, &label, INDEX, &raw.into());
            for client in CLIENTS {
                let pulled = pulled(&site, client, &label).await;
                assert_eq!(pulled.ok(), Some(digest), "{client}: {odd}");
            }
        }
    });
}

#[test]
fn an_odd_entry_that_is_chosen_is_named() {
    let (image, site) = site();
    let platform = r#""platform":{"os":"linux","architecture":"amd64"}"#;
    let digest = Digest::sha256(&image.manifest);
    let neighbour = good(
        &image,
        r#","platform":{"os":"linux","architecture":"s390x"}"#,
    );
    // What the clients' sources rely on: all need a digest; docker, podman and crane need nothing else.
    let lax = ["docker", "podman", "crane"];
    for (number, (odd, why, passes)) in [
        (
            format!(r#"{{"mediaType":"{MANIFEST}","digest":"sha384:00","size":1,{platform}}}"#),
            "its `digest` cannot be used: unknown digest algorithm `sha384`",
            &[][..],
        ),
        (format!("{{{platform}}}"), "it has no `digest`", &[]),
        (
            format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}",{platform}}}"#),
            "it has no `size`",
            &lax,
        ),
        (
            format!(r#"{{"digest":"{digest}","size":1,{platform}}}"#),
            "it has no `mediaType`",
            &lax,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let raw = format!(r#"{{"schemaVersion":2,"manifests":[{neighbour},{odd}]}}"#);
        let label = format!("c{number}");
        put(&site, &label, INDEX, &raw.into());
        run(async {
            for client in CLIENTS {
                match pulled(&site, client, &label).await {
                    Ok(found) => {
                        assert!(passes.contains(&client), "{client}: {odd}");
                        assert_eq!(found, digest);
                    }
                    Err(error) => {
                        assert!(!passes.contains(&client), "{client}: {error}");
                        let expected =
                            format!("entry 2 (linux/amd64) of the index cannot be used: {why}");
                        assert!(
                            error.to_string().starts_with(&expected),
                            "{client}: {error}"
                        );
                    }
                }
            }
        });
    }
}

#[test]
fn an_odd_layer_is_named_before_anything_is_fetched() {
    let (image, site) = site();
    let (digest, length) = (Digest::sha256(&image.config), image.config.len());
    let config = format!(
        r#"{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{length}}}"#
    );
    // A layer that is not distributed is not fetched, whatever it says.
    let foreign = r#"{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":7,"urls":null}"#;
    let with = |label: &str, config: &str, layers: &str| {
        let raw = format!(
            r#"{{"schemaVersion":2,"config":{config},"layers":{layers},"annotations":{{"k":null}}}}"#
        );
        put(&site, label, MANIFEST, &raw.into());
    };
    with("fine", &config, &format!("[{foreign}]"));
    with("none", &config, "null");
    with(
        "bad",
        &config,
        &format!("[{config},{foreign},{{\"digest\":\"md5:00\"}}]"),
    );
    with("empty", "{}", "[]");
    run(async {
        for fine in ["fine", "none"] {
            pulled(&site, "plain", fine).await.expect(fine);
        }
        for (bad, why) in [
            (
                "bad",
                "layer 3 of the manifest cannot be used: its `digest` cannot be used: unknown digest algorithm `md5`",
            ),
            (
                "empty",
                "the config of the manifest cannot be used: it has no `digest`",
            ),
        ] {
            let user = user(&site, "plain");
            let options = PullOptions {
                verify: Verify::Digest,
                platform: Platform::linux_amd64(),
            };
            let error = pull(&user.client, &image_name(bad), &options, &Discard)
                .await
                .unwrap_err();
            assert!(error.to_string().starts_with(why), "{error}");
            assert_eq!(user.journal.of(Operation::BlobGet).len(), 0);
            // The exchange itself was well: the manifest is what the registry has under that name.
            assert_eq!(user.journal.last().end, "ok");
        }
    });
}

#[test]
fn odd_referrers_are_counted_with_the_others() {
    let (image, site) = site();
    let subject = Digest::sha256(&image.manifest);
    let raw = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{{"digest":"blake3:00","artifactType":"a/b","size":"x"}},null]}}"#,
        good(&image, r#","artifactType":"a/b","annotations":{"k":null}"#)
    );
    // A registry without the list: the index under the fallback tag, which any client may have written.
    let site = {
        drop(site);
        registry(Settings {
            quirks: vec![Quirk::AnyManifest, Quirk::NoReferrers],
            ..Settings::default()
        })
    };
    let fallback = subject.to_string().replacen(':', "-", 1);
    put(&site, &fallback, INDEX, &raw.into());
    run(async {
        let user = user(&site, "oras");
        let image = ImageName {
            repository: name("a"),
            reference: regstorm::oci::Reference::Digest(subject),
        };
        let all = referrers(&user.client, &image, None).await.unwrap();
        assert_eq!(all, 3);
        let typed = referrers(&user.client, &image, Some("a/b")).await.unwrap();
        assert_eq!(typed, 2);
    });
}

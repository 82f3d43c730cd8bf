//! The witnesses themselves, without regstorm: what skopeo is known to do is what they must say.

use crate::support::{Corpus, Cut, Flavour, Registry, Tally, copy_back, skopeo_push};

/// skopeo asks a known number of times: with three layers, 5 × 3 + 6 requests for a push to an empty registry, and
/// 3 + 3 for a pull.
#[test]
fn the_access_log_tells_what_skopeo_did() {
    let corpus = Corpus::new(901);
    let registry = Registry::start(Flavour::Open);
    let mark = registry.mark();
    skopeo_push(&corpus.source(), &registry, "lab/img:1", &[]);
    let pushed = registry.since(mark);
    assert_eq!(pushed.len(), 5 * 3 + 6, "{pushed:#?}");
    let tally = Tally::of(&pushed);
    for (operation, status, count) in [
        ("upload-start", 202, 4),
        ("upload-patch", 202, 4),
        ("upload-put", 201, 4),
        ("blob-head", 404, 7),
        ("manifest-put", 201, 1),
    ] {
        assert_eq!(
            tally.count(operation, status),
            count,
            "{operation}\n{pushed:#?}"
        );
    }
    let mark = registry.mark();
    let source = format!("docker://{}/lab/img:1", registry.host());
    let image = copy_back(&source, &["--src-tls-verify=false"]);
    assert_eq!(image, corpus.layout().image("img"));
    assert_eq!(image.plain_digests(), image.diff_ids());
    let pulled = registry.since(mark);
    assert_eq!(pulled.len(), 3 + 3, "{pulled:#?}");
    let bytes: u64 = pulled
        .iter()
        .filter(|it| it.fetches_blob())
        .map(|it| it.bytes)
        .sum();
    let stored = image
        .layers
        .iter()
        .chain([&image.config])
        .map(Vec::len)
        .sum::<usize>();
    assert_eq!(usize::try_from(bytes), Ok(stored));
    assert!(registry.open_uploads().is_empty());
}

/// The broken line passes what it may and no more.
#[test]
fn a_cut_line_breaks_a_pull() {
    let corpus = Corpus::new(902);
    let registry = Registry::start(Flavour::Open);
    skopeo_push(&corpus.source(), &registry, "lab/img:1", &[]);
    let line = Cut::after(200_000, &registry.host());
    let address = line.url().replace("http://", "docker://");
    let copy = corpus.path().join("copy");
    let copied = crate::support::skopeo(["copy", "--src-tls-verify=false"])
        .args([
            format!("{address}/lab/img:1"),
            format!("dir:{}", copy.display()),
        ])
        .run();
    assert_ne!(copied.code(), 0, "{copied}");
}

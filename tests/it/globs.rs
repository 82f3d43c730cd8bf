//! Existing images by globs and from files: what is found, what is asked for it, and what is refused.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regstorm::embedded::{Fault, FaultKind, Running, Settings};
use regstorm::engine::{self, Finished};
use regstorm::measure::Period;
use regstorm::oci::Operation;
use regstorm::result::Document;

use crate::support::{assert_closed, plan, registry, run, settled};

/// The files of `references`, and the problems of reading them.
mod files;

/// A registry with three tags in `team/0` and in `team/1`, and one in `deep/er/0`, that gives lists in pages of two.
fn seeded(faults: Vec<Fault>) -> Running {
    let site = registry(Settings {
        page_size: 2,
        record_requests: Some(2000),
        faults,
        ..Settings::default()
    });
    let sets = ["web", "db"].map(|set| {
        format!(
            "[images.{set}]\nsource = \"synthetic\"\ncount = 2\nlayers = 1\nlayer_size = \"1KiB\"\n"
        )
    });
    let toml = format!(
        "name = \"seeds\"\n[target]\nurl = \"embedded\"\n{}{}\
         [journey.tags]\naction = \"list-tags\"\nimages = \"web\"\nrepository = \"team\"\ntags = 3\n\
         [journey.pull]\naction = \"pull\"\nimages = \"db\"\nrepository = \"deep/er\"\n\
         [[load]]\nmix = {{ tags = 1, pull = 1 }}\nexecutor = \"shared-iterations\"\nvus = 1\niterations = 1\nmax_duration = \"1m\"\n",
        sets[0],
        sets[1].replace("count = 2", "count = 1"),
    );
    run(&plan(&toml, &site.url(), 1)).expect("a registry that takes images");
    site
}

/// Pulls so many images, one after the other.
fn pulls(references: &str, iterations: usize) -> String {
    format!(
        "name = \"test\"\n[target]\nurl = \"embedded\"\n\
         [images.old]\nsource = \"existing\"\nreferences = {references}\n\
         [journey.j]\naction = \"pull\"\nimages = \"old\"\n\
         [[load]]\njourney = \"j\"\nexecutor = \"per-vu-iterations\"\nvus = 1\niterations = {iterations}\nmax_duration = \"1m\"\n"
    )
}

/// Runs it, and gives what was pulled, in this order.
fn pulled(site: &Running, references: &str, iterations: usize) -> (Finished, Vec<String>) {
    settled(site);
    let before = site.requests().len();
    let finished = run(&plan(&pulls(references, iterations), &site.url(), 1));
    let finished = finished.unwrap_or_else(|error| panic!("{references}: {error}"));
    assert_closed(&finished);
    let ok = finished.record.totals(Period::Measure).iterations.ok;
    assert_eq!(ok, iterations as u64, "{references}");
    settled(site);
    let requests = site.requests();
    let gets = requests[before..].iter();
    let gets = gets.filter(|it| it.operation == Some(Operation::ManifestGet));
    let name = |target: &str| target.replace("/v2/", "").replace("/manifests/", ":");
    (finished, gets.map(|it| name(&it.target)).collect())
}

/// Exchanges of an operation before the load.
fn prepared(finished: &Finished, operation: Operation) -> u64 {
    let tally = finished.record.tally(Period::Prepare);
    let mut operations = tally.operations();
    let found = operations.find(|(it, _)| *it == operation);
    found.map_or(0, |(_, tally)| tally.outcomes.ended())
}

#[test]
fn a_glob_names_what_the_registry_has() {
    let site = seeded(Vec::new());
    let all = |repository: &str| {
        ["regstorm", "regstorm-t1", "regstorm-t2"].map(|tag| format!("{repository}:{tag}"))
    };
    let [zero, one] = ["team/0", "team/1"].map(all);
    let deep = "deep/er/0:regstorm".to_owned();
    // References, what is pulled, and the pages of the catalogue and of tags that it takes: three repositories are two pages,
    // and so are three tags.
    let cases: [(&str, Vec<String>, u64, u64); 6] = [
        ("[\"team/*\"]", [zero.clone(), one.clone()].concat(), 2, 4),
        (
            "[\"team/*:regstorm\"]",
            vec![zero[0].clone(), one[0].clone()],
            2,
            4,
        ),
        ("[\"team/0:*-t?\"]", zero[1..].to_vec(), 0, 2),
        ("[\"**/0\"]", [&[deep.clone()][..], &zero].concat(), 2, 3),
        // Each image once, and in the order of the references.
        (
            "[\"team/1:regstorm\", \"**:regstorm\"]",
            vec![one[0].clone(), deep, zero[0].clone()],
            2,
            5,
        ),
        ("[\"team/1:regstorm\"]", vec![one[0].clone()], 0, 0),
    ];
    for (references, wanted, catalogue, tags) in cases {
        let (finished, images) = pulled(&site, references, wanted.len());
        assert_eq!(images, wanted, "{references}");
        assert_eq!(
            prepared(&finished, Operation::Catalog),
            catalogue,
            "{references}"
        );
        assert_eq!(
            prepared(&finished, Operation::TagsList),
            tags,
            "{references}"
        );
    }
}

#[test]
fn the_number_of_images_is_explained() {
    let site = seeded(Vec::new());
    let (finished, _) = pulled(
        &site,
        "[\"deep/er/0:regstorm\", \"team/*\", \"team/0:*\"]",
        1,
    );
    let told = "images.old: 6 images in 2 repositories match team/*, team/0:*; the set has 7";
    assert_eq!(finished.notes, [told]);
    let found = &finished.found;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].images, found[0].repositories), (7, 2));
    // The same images have the same digest, however they are named; others have another.
    let digest = |references: &str| pulled(&site, references, 1).0.found[0].digest;
    let same = "[\"deep/er/0:regstorm\", \"team/0:*\", \"team/1:*\"]";
    assert_eq!(digest(same), found[0].digest);
    assert_ne!(digest("[\"team/*\"]"), found[0].digest);
    // What has no glob needs no explanation.
    let (finished, _) = pulled(&site, "[\"team/0:regstorm\"]", 1);
    assert!(finished.notes.is_empty() && finished.found.is_empty());
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status {
        status: http::StatusCode::from_u16(code).expect("a status"),
        code: None,
        retry_after: None,
    }
}

#[test]
fn what_cannot_be_found_ends_the_run_before_the_load() {
    let refused = |site: &Running, references: &str, words: &[&str]| {
        let gets = settled(site).of(Operation::BlobGet);
        let error = run(&plan(&pulls(references, 1), &site.url(), 1)).unwrap_err();
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "{references}: no `{word}` in {text}");
        }
        assert_eq!(settled(site).of(Operation::BlobGet), gets);
        error
    };
    let site = seeded(Vec::new());
    let none = [
        "images.old: no image matches `none/*`",
        "none of the 3 repositories in the catalogue",
    ];
    refused(&site, "[\"team/*\", \"none/*\"]", &none);
    refused(&site, "[\"*\"]", &["no image matches `*`", "`**` does not"]);
    refused(
        &site,
        "[\"team/0:9.*\"]",
        &["no tag of its repository does"],
    );
    refused(
        &site,
        "[\"lab/none:*\"]",
        &["or there is no such repository"],
    );
    refused(
        &site,
        "[\"team/*:9\"]",
        &["no tag of the 2 repositories that match does"],
    );
    refused(
        &site,
        "[\"team/*\", \"team/9:regstorm\"]",
        &["the registry has no team/9:regstorm"],
    );

    for code in [404, 401, 403, 405, 501] {
        let site = seeded(vec![
            Fault::on(Operation::Catalog, status(code)).window(0, None),
        ]);
        let code = code.to_string();
        let words = [
            "`team/*` needs the catalogue",
            "/v2/_catalog",
            &code,
            "such as `lab/web:*`",
            "images.txt",
        ];
        let error = refused(&site, "[\"team/*\"]", &words);
        assert!(matches!(error, engine::Error::Catalogue { .. }));
        // Without it the tags of a repository are found all the same.
        let (_, images) = pulled(&site, "[\"team/0:*-t1\"]", 1);
        assert_eq!(images, ["team/0:regstorm-t1"]);
    }
    let site = seeded(vec![
        Fault::on(Operation::TagsList, status(403)).window(2, None),
    ]);
    let error = refused(
        &site,
        "[\"team/*\"]",
        &[
            "cannot list the tags of team/",
            "which match `team/*`",
            "403",
        ],
    );
    assert!(matches!(error, engine::Error::Tags { .. }));
}

#[test]
fn lists_are_tried_again_as_seeding_is() {
    let site = seeded(vec![
        Fault::on(Operation::Catalog, status(503)).window(0, Some(1)),
    ]);
    let (finished, images) = pulled(&site, "[\"deep/**\"]", 1);
    assert_eq!(images, ["deep/er/0:regstorm"]);
    let told = "globs: 1 request failed and was tried again";
    assert_eq!(finished.notes[0], told);
    assert_eq!(prepared(&finished, Operation::Catalog), 3);
}

fn regstorm(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

#[track_caller]
fn ended(output: &Output, code: i32, words: &str) {
    let said = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    let said = said.concat();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "no `{words}` in\n{said}");
}

const SHORT: [&str; 6] = ["--duration", "200ms", "--warmup", "0s", "--vus", "1"];

/// A report of pulls.
fn report(dir: &Path, arguments: &[&str], name: &str) -> Document {
    let ran = regstorm(
        dir,
        &[&["load"], arguments, &SHORT, &["--out", name]].concat(),
    );
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(matches!(ran.status.code(), Some(0 | 4)), "{said}");
    Document::load(&dir.join(name)).expect("a report")
}

#[test]
fn a_line_takes_globs_and_files() {
    let (site, dir) = (seeded(Vec::new()), tempfile::tempdir().unwrap());
    let url = &*site.url();
    let globbed = report(
        dir.path(),
        &[url, "team/*:regstorm", "deep/**"],
        "globs.json",
    );
    fs::write(
        dir.path().join("images.txt"),
        "team/*:regstorm # the newest\n\ndeep/**\n",
    )
    .unwrap();
    let listed = report(
        dir.path(),
        &[url, "--images-from", "images.txt"],
        "listed.json",
    );
    for it in [&globbed, &listed] {
        assert!(it.totals.iterations.ok > 0 && it.closure.holds());
        assert_eq!(it.plan.found[0].images, 3);
    }
    assert_eq!(globbed.plan.identity(), listed.plan.identity());

    let printed = regstorm(
        dir.path(),
        &["load", url, "--images-from", "images.txt", "--print"],
    );
    ended(&printed, 0, "references = \"images.txt\"");
    let missing = regstorm(dir.path(), &[&["load", url, "none/*"][..], &SHORT].concat());
    ended(&missing, 5, "no image matches `none/*`");
    let nowhere = regstorm(dir.path(), &["load", url, "--images-from", "none.txt"]);
    ended(&nowhere, 2, "cannot read `none.txt`");
    for with in [&["team/0:regstorm"][..], &["--push"], &["--count", "2"]] {
        let both = regstorm(
            dir.path(),
            &[&["load", url, "--images-from", "images.txt"], with].concat(),
        );
        ended(&both, 2, "cannot be used with");
    }
    let overwritten = [
        "load",
        url,
        "--images-from",
        "images.txt",
        "--html",
        "images.txt",
    ];
    assert_eq!(regstorm(dir.path(), &overwritten).status.code(), Some(2));
}

#[test]
fn runs_that_found_other_images_do_not_compare_and_do_not_merge() {
    let (site, dir) = (seeded(Vec::new()), tempfile::tempdir().unwrap());
    let url = &*site.url();
    let before = report(dir.path(), &[url, "team/*"], "before.json");
    let image = ["team/0:regstorm", "layout"];
    let pulled = regstorm(dir.path(), &["pull", url, image[0], image[1]]);
    assert_eq!(pulled.status.code(), Some(0));
    let pushed = regstorm(dir.path(), &["push", "layout", url, "team/0:new"]);
    assert_eq!(pushed.status.code(), Some(0));
    let after = report(dir.path(), &[url, "team/*"], "after.json");
    assert_eq!(before.plan.fingerprint, after.plan.fingerprint);
    assert_eq!(
        (before.plan.found[0].images, after.plan.found[0].images),
        (6, 7)
    );
    let compared = regstorm(dir.path(), &["compare", "before.json", "after.json"]);
    ended(&compared, 4, "7 images");
    let merged = regstorm(
        dir.path(),
        &["merge", "before.json", "after.json", "--out", "both.json"],
    );
    ended(&merged, 2, "the plans differ");
}

#[test]
fn check_says_that_lists_will_be_read_and_reads_none() {
    let (site, dir) = (seeded(Vec::new()), tempfile::tempdir().unwrap());
    let requests = settled(&site).requests;
    let toml = pulls("[\"team/*\", \"deep/er/0:*\", \"team/0:regstorm\"]", 1);
    fs::write(
        dir.path().join("s.toml"),
        toml.replace("embedded", &site.url()),
    )
    .unwrap();
    let checked = regstorm(dir.path(), &["check", "s.toml"]);
    ended(
        &checked,
        0,
        "2 globs look through lists of the registry before the load",
    );
    ended(&checked, 0, "1 requests find out what is there");
    assert_eq!(settled(&site).requests, requests);
}

//! What the registry acknowledged is read back after the load: nothing is found on a healthy registry, and every promise that
//! it breaks is found by its class.

use std::process::{Command, Output, Stdio};

use regstorm::embedded::{Running, Settings, load_faults};
use regstorm::measure::{AuditCheck, AuditClass, AuditCounts, Period};
use regstorm::oci::Operation;
use regstorm::result::{AuditSection, Document, RunVerdict};

use crate::support::registry;

/// Forty images of two layers and a config, all of them new.
const PUSH: &str = r#"name = "test"
workers = 2
[target]
url = "embedded"
[images.app]
source = "synthetic"
count = 4
layers = 2
layer_size = "1KiB"
[journey.push]
action = "push"
images = "app"
[[load]]
journey = "push"
executor = "per-vu-iterations"
vus = 4
iterations = 10
"#;

const ALL: &str = "[audit]\nsample = \"all\"\nblobs = 1.0\n";

fn faults(toml: &str) -> Vec<regstorm::embedded::Fault> {
    load_faults(toml, "faults.toml").unwrap_or_else(|it| panic!("{}", it.render(false)))
}

/// Runs a scenario against a registry, as a user would.
pub(crate) fn run_at(registry: &Running, toml: &str, arguments: &[&str]) -> (Output, Document) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("test.toml"), toml).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
        .args(["run", "test.toml", "--out", "report.json", "--target"])
        .arg(registry.url())
        .args(arguments)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let report = Document::load(&dir.path().join("report.json"));
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    (output, report)
}

fn faulty(toml: &str) -> Running {
    let registry = registry(Settings::default());
    registry.set_faults(faults(toml)).expect("it runs");
    registry
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn audit(document: &Document) -> &AuditSection {
    let broken: Vec<_> = document.closure.broken().collect();
    assert!(broken.is_empty(), "{broken:?}");
    document.audit.as_ref().expect("an audit")
}

fn counts(audit: &AuditSection, check: AuditCheck) -> AuditCounts {
    let mut rows = audit.checks.rows();
    let found = rows.find(|(it, _)| *it == check);
    found.map(|(_, counts)| *counts).unwrap_or_default()
}

fn kept(number: u64) -> AuditCounts {
    AuditCounts {
        kept: number,
        ..AuditCounts::default()
    }
}

/// The run fails by what was found, and says so first.
fn assert_failed(output: &Output, document: &Document, class: AuditClass, found: u64) {
    assert_eq!(audit(document).of(class), found, "{:?}", document.audit);
    assert_eq!(audit(document).found(), found);
    assert_eq!(document.verdict, RunVerdict::Fail);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let summary = text(&output.stderr) + &text(&output.stdout);
    let first = summary.lines().find(|it| it.contains("verdict"));
    let first = first.expect("a verdict");
    let said = format!("the registry broke promises: {found} {class}");
    assert!(
        first.contains("FAIL") && summary.contains(&said),
        "{summary}"
    );
}

#[test]
fn a_healthy_registry_keeps_what_it_acknowledged() {
    let registry = registry(Settings::default());
    let (output, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let audit = audit(&document);
    assert!(audit.is_clean());
    assert_eq!((audit.writes.acknowledged, audit.writes.audited), (40, 40));
    for (check, number) in [
        (AuditCheck::Tag, 40),
        (AuditCheck::Manifest, 40),
        (AuditCheck::Blob, 120),
        (AuditCheck::BlobContent, 120),
        (AuditCheck::TagList, 40),
    ] {
        assert_eq!(counts(audit, check), kept(number), "{check}");
    }
    // What the registry has sent for it, and nothing of it is in the measured window.
    let sent = |operation| registry.counts().exchanges[&(Some(operation), 200)];
    assert_eq!(sent(Operation::ManifestGet), 80);
    assert_eq!(sent(Operation::BlobGet), 120);
    assert!(
        document
            .operations
            .iter()
            .all(|it| it.name != Operation::BlobGet)
    );
    let period = document
        .periods
        .iter()
        .find(|it| it.period == Period::Audit);
    // One list for each of the four repositories.
    let exchanges = period.expect("a period of its own").totals.exchanges;
    assert_eq!((exchanges.ok, exchanges.failed), (80 + 240 + 4, 0));
}

#[test]
fn a_sample_of_a_hundred_is_the_default_and_none_is_none() {
    let many = PUSH.replace("iterations = 10", "iterations = 40");
    let registry = registry(Settings::default());
    let (_, document) = run_at(&registry, &many, &[]);
    let writes = audit(&document).writes;
    let all = (
        writes.acknowledged,
        writes.audited,
        writes.left_out,
        writes.cut,
    );
    assert_eq!(all, (160, 100, 60, 0));
    let (_, other) = run_at(&registry, &many, &["--set", "audit.sample=\"none\""]);
    assert_eq!(other.audit, None);
    assert!(other.periods.iter().all(|it| it.period != Period::Audit));
    // What is read afterwards says nothing of whether two loads are the same.
    assert_eq!(document.plan.fingerprint, other.plan.fingerprint);
    let pull = many.replace("action = \"push\"", "action = \"pull\"");
    let (_, pulled) = run_at(&registry, &pull, &[]);
    assert_eq!(pulled.audit, None);
    let (_, pulled) = run_at(&registry, &pull, &["--set", "audit.sample={ share = 0.5 }"]);
    // Two of the four images that were seeded.
    let writes = audit(&pulled).writes;
    assert_eq!((writes.acknowledged, writes.audited), (4, 2));
}

#[test]
fn lost_manifests_are_found() {
    let lose = "[[fault]]\noperation = \"manifest-put\"\nlose = true\nevery = 10";
    let registry = faulty(lose);
    let (output, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
    // Four of forty, by their tag and by their digest.
    assert_failed(&output, &document, AuditClass::Lost, 8);
    let audit = audit(&document);
    assert_eq!(counts(audit, AuditCheck::Tag).lost, 4);
    assert_eq!(counts(audit, AuditCheck::Manifest).lost, 4);
    assert_eq!(audit.examples.len(), 8);
    for example in &audit.examples {
        assert_eq!(example.seen, "404");
        let [from, until] = example.written.as_ref().expect("within the load");
        assert!(document.environment.started < *from && from <= until);
        assert!(*until < document.environment.ended);
    }
}

#[test]
fn lost_blobs_are_found_though_a_threshold_holds() {
    let lose = "[[fault]]\noperation = \"upload-put\"\nlose = true\nevery = 30";
    let registry = faulty(lose);
    let threshold = "[[threshold]]\nmetric = \"errors\"\nexpect = \"rate < 1%\"\n";
    let (output, document) = run_at(&registry, &format!("{PUSH}{ALL}{threshold}"), &[]);
    assert_failed(&output, &document, AuditClass::Lost, 4);
    assert_eq!(counts(audit(&document), AuditCheck::Blob).lost, 4);
}

#[test]
fn revived_manifests_are_found() {
    let revive = "[[fault]]\noperation = \"manifest-delete\"\nrevive = \"1ms\"\nevery = 4";
    let registry = faulty(revive);
    let delete = PUSH.replace("action = \"push\"", "action = \"delete\"");
    let (output, document) = run_at(&registry, &format!("{delete}{ALL}"), &[]);
    // Ten of forty, by their tag and by their digest.
    assert_failed(&output, &document, AuditClass::Revived, 20);
    assert_eq!(audit(&document).deletes.audited, 40);
    assert_eq!(audit(&document).examples.len(), 10);
}

#[test]
fn wrong_bytes_are_found() {
    let corrupt = "[[fault]]\noperation = \"blob-get\"\ncorrupt = \"5B\"\nevery = 60";
    let registry = faulty(corrupt);
    let (output, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
    assert_failed(&output, &document, AuditClass::Wrong, 2);
    assert_eq!(counts(audit(&document), AuditCheck::BlobContent).wrong, 2);
}

#[test]
fn referrers_are_looked_up() {
    let toml = PUSH.replace("action = \"push\"", "action = \"referrers\"\nreferrers = 3");
    let registry = registry(Settings::default());
    let (_, document) = run_at(&registry, &format!("{toml}{ALL}"), &[]);
    let audit = audit(&document);
    assert!(audit.is_clean(), "{audit:?}");
    assert_eq!(counts(audit, AuditCheck::Referrers), kept(12));
}

#[test]
fn a_failed_push_is_no_promise() {
    // The manifest is refused: its blobs are there, and nothing was promised of them.
    let refuse = "[[fault]]\noperation = \"manifest-put\"\nstatus = 500\nevery = 2";
    let registry = faulty(refuse);
    let (_, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
    let audit = audit(&document);
    assert!(audit.is_clean());
    assert_eq!((audit.writes.acknowledged, audit.writes.audited), (20, 20));
}

/// The specification lets a registry do without: a 404 that is of no repository is no finding.
#[test]
fn a_registry_without_lists_has_lost_nothing() {
    for (code, lost, unknown) in [("UNSUPPORTED", 0, 40), ("NAME_UNKNOWN", 40, 0)] {
        let none = format!("[[fault]]\noperation = \"tags-list\"\nstatus = 404\ncode = \"{code}\"");
        let registry = faulty(&none);
        let (_, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
        let audit = audit(&document);
        let found = counts(audit, AuditCheck::TagList);
        assert_eq!((found.lost, found.unknown), (lost, unknown), "{code}");
        assert_eq!(audit.found(), lost);
    }
}

#[test]
fn an_audit_that_gets_no_answer_ends_and_is_told() {
    let stall = "[[fault]]\noperation = \"manifest-get\"\nstall = \"forever\"";
    let registry = faulty(stall);
    let limit = format!("{PUSH}{ALL}limit = \"1s\"\n");
    let (output, document) = run_at(&registry, &limit, &[]);
    let audit = audit(&document);
    assert_eq!(audit.cut.as_deref(), Some("its time was up"));
    assert_eq!((audit.writes.audited, audit.writes.cut), (0, 40));
    assert_eq!(audit.found(), 0);
    assert_eq!(output.status.code(), Some(0));
    let refuse = "[[fault]]\noperation = \"manifest-get\"\nstatus = 403\n";
    registry.set_faults(faults(refuse)).expect("it runs");
    let (_, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
    let audit = self::audit(&document);
    // Its blobs are there, and of no image all is known.
    assert_eq!((audit.unknown, audit.found()), (80, 0));
    assert_eq!((audit.writes.audited, audit.writes.cut), (0, 40));
    // The load itself has sent 120 of them.
    let also = format!("{refuse}[[fault]]\noperation = \"blob-head\"\nstatus = 403\nafter = 120\n");
    registry.set_faults(faults(&also)).expect("it runs");
    let (output, document) = run_at(&registry, &format!("{PUSH}{ALL}"), &[]);
    let audit = self::audit(&document);
    // After twenty in a row none is begun; four images were under way, each with two more at most.
    assert!((20..=28).contains(&audit.unknown), "{audit:?}");
    assert_eq!(audit.found(), 0);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(
        said.contains("too many questions in a row failed"),
        "{said}"
    );
    assert!(audit.unknown_example.as_ref().unwrap().contains("403"));
}

#[test]
fn mistakes_in_the_table_are_told() {
    for (line, said) in [
        ("sample = \"some\"", "sample"),
        ("sample = 0", "0"),
        ("sample = { share = 2.0 }", "share"),
        ("blobs = 1.5", "blobs"),
        ("limit = \"0s\"", "limit"),
        ("limits = \"1s\"", "limits"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let toml = format!("{PUSH}[audit]\n{line}\n");
        std::fs::write(dir.path().join("test.toml"), toml).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["check", "test.toml"])
            .current_dir(dir.path())
            .output()
            .expect("the program runs");
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(
            errors.contains(said) && errors.contains("1 problem"),
            "{errors}"
        );
    }
}

/// Pushes of eight users under one tag.
fn shared_tag(rest: &str) -> String {
    let toml = PUSH
        .replace("count = 4", "count = 1")
        .replace("vus = 4", "vus = 8")
        .replace("action = \"push\"", "action = \"push\"\nsame_tag = true");
    format!("{toml}{ALL}{rest}")
}

#[test]
fn a_tag_of_concurrent_writers_leads_to_one_of_the_last() {
    let registry = registry(Settings::default());
    for seed in 0..5 {
        let (output, document) = run_at(
            &registry,
            &shared_tag(""),
            &["--set", &format!("seed={seed}")],
        );
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let audit = audit(&document);
        assert!(audit.is_clean(), "{audit:?}");
        assert_eq!((audit.writes.acknowledged, audit.writes.audited), (1, 1));
        assert_eq!(counts(audit, AuditCheck::Tag), kept(1));
        assert_eq!(counts(audit, AuditCheck::Blob), kept(3));
    }
}

#[test]
fn a_stale_tag_is_found() {
    // The last push of a tag is not seen: whichever came before is older.
    let registry = faulty("[[fault]]\noperation = \"manifest-put\"\nstale = \"1m\"\nafter = 60");
    let alone = shared_tag("")
        .replace("vus = 8", "vus = 1")
        .replace("= 10", "= 80");
    let (output, document) = run_at(&registry, &alone, &[]);
    assert_failed(&output, &document, AuditClass::Stale, 1);
    let example = &audit(&document).examples[0];
    assert_eq!(example.check, AuditCheck::Tag);
    assert!(example.seen.contains("which was followed by another"));
}

#[test]
fn the_write_of_a_failed_push_may_be_there() {
    // It is stored, and nobody hears of it: the connection is cut before the head of the response.
    let registry = faulty("[[fault]]\noperation = \"manifest-put\"\nreset = \"head\"\nafter = 9");
    let alone = shared_tag("").replace("vus = 8", "vus = 1");
    let (_, document) = run_at(&registry, &alone, &[]);
    let audit = audit(&document);
    assert_eq!(document.totals.iterations.ok, 9);
    assert_eq!(audit.found(), 0, "{audit:?}");
}

#[test]
fn a_tag_that_flickers_is_found() {
    // Every fifth read is that of a copy which lags behind; two users read all the time.
    let toml = format!(
        "{}[journey.poll]\naction = \"poll\"\nimages = \"app\"\n\
         [[load]]\njourney = \"poll\"\nexecutor = \"constant-vus\"\nvus = 2\nduration = \"1s\"\n",
        shared_tag("").replace("vus = 8\niterations = 10", "vus = 1\niterations = 50")
    );
    let toml = toml.replace(
        "journey = \"push\"\nexecutor",
        "journey = \"push\"\npacing = \"20ms\"\nexecutor",
    );
    let healthy = registry(Settings::default());
    let (output, document) = run_at(&healthy, &toml, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(document.integrity.found(), 0);
    assert!(audit(&document).is_clean());
    let stale =
        "[[fault]]\noperation = \"manifest-get\"\nstale = \"1m\"\nevery = 5\nafter = 20\nfor = 100";
    let (output, document) = run_at(&faulty(stale), &toml, &[]);
    let integrity = &document.integrity;
    assert!(integrity.flickers > 0, "{integrity:?}");
    assert_eq!(integrity.found(), integrity.flickers);
    assert!(integrity.examples[0].name.ends_with("/0:regstorm"));
    assert_eq!(document.verdict, RunVerdict::Fail);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_tag_is_shared_only_by_new_content() {
    let dir = tempfile::tempdir().expect("a directory");
    for rest in ["unique = false", "fresh_repository = true"] {
        let toml = PUSH.replace(
            "action = \"push\"",
            &format!("action = \"push\"\nsame_tag = true\n{rest}"),
        );
        std::fs::write(dir.path().join("test.toml"), toml).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_regstorm"))
            .args(["check", "test.toml"])
            .current_dir(dir.path())
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(2));
        let errors = text(&output.stderr);
        assert!(errors.contains("there is no tag to share"), "{errors}");
    }
}

/// Wrong content in the load is a verdict of its own, though a threshold allows any number of failures.
#[test]
fn wrong_content_in_the_load_fails_the_run_apart_from_errors() {
    let pull = PUSH.replace("action = \"push\"", "action = \"pull\"");
    let lenient = "[[threshold]]\nmetric = \"errors\"\nexpect = \"rate <= 100%\"\n";
    for (fault, place) in [
        ("operation = \"blob-get\"\ncorrupt = \"9B\"", 0),
        // A tag does not tell whether the header is wrong or the bytes.
        ("operation = \"manifest-get\"\nmislabel = true", 0),
        ("operation = \"blob-get\"\nmislabel = true", 2),
        ("operation = \"manifest-get\"\nempty = true", 3),
        ("operation = \"blob-get\"\nempty = true", 3),
    ] {
        let registry = faulty(&format!("[[fault]]\n{fault}\nfor = 4\n"));
        let (output, document) = run_at(&registry, &format!("{pull}{lenient}"), &[]);
        let it = &document.integrity;
        let found = [
            it.wrong_digest,
            it.wrong_length,
            it.wrong_header,
            it.empty_body,
        ];
        // A blob that fails cancels those beside it.
        assert!((1..=4).contains(&found[place]), "{fault}: {found:?}");
        assert_eq!(it.found(), found[place], "{fault}");
        assert_eq!(document.verdict, RunVerdict::Fail, "{fault}");
        assert_eq!(output.status.code(), Some(1), "{fault}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains("the registry sent wrong content: "), "{said}");
        assert!(said.contains("integrity   "), "{said}");
    }
    // Refused requests are no wrong content.
    let registry = faulty("[[fault]]\noperation = \"blob-get\"\nstatus = 503\nfor = 4\n");
    let (output, document) = run_at(&registry, &format!("{pull}{lenient}"), &[]);
    assert_eq!(document.integrity.found(), 0);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

//! What was read of the target, and read back from it, in the reports of shards and in their sum.

use regstorm::result::{AuditSection, Document};
use regstorm::telemetry::{ServerFigure, ServerMetric};

use super::{Shards, ended};

fn figure<'a>(report: &'a Document, name: &str) -> Option<&'a ServerFigure> {
    let metric: ServerMetric = name.parse().expect("a metric");
    report.server_figure(&metric)
}

fn audit(report: &Document) -> &AuditSection {
    report.audit.as_ref().expect("an audit")
}

/// The processor time of a push is what the target used for all shards, by what all of them pushed: no shard alone knows it.
#[test]
fn what_the_target_used_is_divided_by_the_work_of_all_shards() {
    let shards = Shards::new();
    let path = shards.dir.path().join("one.toml");
    let one = std::fs::read_to_string(&path).expect("text");
    let one = one
        .replace("action = \"pull\"", "action = \"push\"\nunique = true")
        .replace("pull", "push");
    let url = shards.registry.url();
    let (_, port) = url.trim_end_matches('/').rsplit_once(':').expect("a port");
    let one = format!("{one}[[telemetry]]\nname = \"app\"\nprocess = {{ port = {port} }}\n");
    std::fs::write(&path, one).expect("a file");
    shards.together(&[("one.toml", "0.json", "0/2"), ("one.toml", "1.json", "1/2")]);
    let (code, said) = ended(shards.regstorm(&["merge", "0.json", "1.json", "--out", "all.json"]));
    assert!(matches!(code, Some(0 | 4)), "{said}");
    let [first, second, all] = ["0.json", "1.json", "all.json"].map(|it| shards.load(it));

    // The first shard reads for all of them.
    assert!(second.telemetry.is_none() && second.server.is_empty());
    assert_eq!(all.telemetry, first.telemetry);
    let cpu = |report: &Document| figure(report, "server.cpu").and_then(|it| it.value);
    assert!(cpu(&first).is_some() && cpu(&first) == cpu(&all));
    for divided in [
        "server.cpu_per_push",
        "server.cpu_per_iteration",
        "server.cpu_per_gb",
    ] {
        assert_eq!(figure(&first, divided), None, "{divided}");
    }
    let pushes: u64 = all.journeys.iter().map(|it| it.counts.within_window).sum();
    assert_eq!(pushes, 200);
    let each = figure(&all, "server.cpu_per_push").and_then(|it| it.value);
    let wanted = cpu(&all).unwrap() * all.window().as_secs_f64() / 200.0;
    assert!(
        (each.unwrap() / wanted - 1.0).abs() < 1e-6,
        "{each:?}, not {wanted}"
    );

    // Each reads back its own.
    let audited = [&first, &second, &all].map(|it| audit(it).writes.audited);
    assert!(audited[0] > 0 && audited[1] > 0, "{audited:?}");
    assert_eq!(audited[0] + audited[1], audited[2]);
    assert_eq!(audit(&all).writes.acknowledged, 200);
}

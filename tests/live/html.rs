//! The HTML pages in a real browser: they open without an error, fetch nothing, and their charts answer to the pointer.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Finished, Program, regstorm, scratch};

/// Two journeys of an open load, so that every kind of chart of a run has something to show.
const SCENARIO: &str = r#"
name = "page"
[target]
url = "embedded"
[images.web]
source = "synthetic"
count = 2
layers = 2
layer_size = "4KiB"
[journey.pull]
action = "pull"
images = "web"
[journey.push]
action = "push"
images = "web"
[[load]]
mix = { pull = 3, push = 1 }
executor = "constant-arrival-rate"
rate = 40
max_vus = 20
duration = "4s"
[[threshold]]
metric = "pull.response_time"
expect = "p(50) < 1m"
"#;

/// Added to a copy of a page: sorts the first table that can be sorted, points at the middle of the first chart over time,
/// and writes down what came of it.
const HANDS: &str = r"<script>
  document.querySelector('th[aria-sort]')?.click();
  const chart = document.querySelector('svg[data-steps=windows]');
  if (chart) {
    const box = chart.getBoundingClientRect();
    const at = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    chart.dispatchEvent(new PointerEvent('pointermove', at));
  }
  document.body.dataset.paper = getComputedStyle(document.body).backgroundColor;
</script>";

/// Opens a file in a browser that tells its console on standard error, and prints the page as it then is.
fn browse(page: &Path, options: &[&str]) -> Finished {
    open(&format!("file://{}", page.display()), options)
}

/// Opens a page in the same way.
fn open(url: &str, options: &[&str]) -> Finished {
    let profile = scratch();
    let profile = format!("--user-data-dir={}", profile.path().display());
    Program::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .args([
            "--enable-logging=stderr",
            "--v=0",
            "--window-size=1200,1000",
        ])
        .args(options)
        .args([profile, url.to_owned()])
        .run()
        .ok()
}

/// What a page said on its console: errors of the script, and whatever its policy kept it from.
fn console(browsed: &Finished) -> Vec<&str> {
    let lines = browsed.stderr.lines();
    lines.filter(|it| it.contains("CONSOLE")).collect()
}

/// A copy of a page with more in its body.
fn with(page: &Path, more: &str) -> std::path::PathBuf {
    let text = fs::read_to_string(page).expect("a page");
    let copy = page.with_extension("copy.html");
    let (head, _) = text.rsplit_once("</body>").expect("a body");
    fs::write(&copy, format!("{head}{more}</body></html>")).expect("a copy");
    copy
}

/// A report of a run, and a comparison of it with itself.
fn stored(dir: &Path) -> [std::path::PathBuf; 2] {
    let [scenario, run, comparison] =
        ["page.toml", "run.json", "comparison.json"].map(|it| dir.join(it));
    fs::write(&scenario, SCENARIO).expect("a scenario");
    let args = ["run", "--quiet", "--out"];
    let finished = regstorm(args).args([&run, &scenario]).run();
    // On a busy machine the generator is the limit; the page is the same.
    assert!([0, 4].contains(&finished.code()), "{finished}");
    let document = fs::read_to_string(&run).expect("a report");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let metric = json!({
        "metric": "pull.response_time p(99)", "unit": "us", "better": "lower", "gated": true, "margin": 0.1,
        "base": 1000.0, "candidate": 1200.0, "change": 0.2, "interval": [0.12, 0.28], "p": 0.001, "p_by_ranks": 0.01,
        "detectable": 0.05, "pairs_for_margin": 4, "decision": "regression", "why": null,
        "pairs": [{"number": 1, "base": 1000.0, "candidate": 1200.0, "change": 0.2}],
    });
    let text = json!({
        "schema": "regstorm.comparison/1", "regstorm": "0.1.0", "verdict": "regression", "reasons": ["it is slower"],
        "design": {
            "method": "paired", "base_runs": 1, "candidate_runs": 1, "looks": [6], "alpha": 0.05, "order_seed": 1,
            "slice_us": 1_000_000, "settle_us": 0, "orders": ["ABBA"],
        },
        "differences": [], "metrics": [metric], "discarded": [], "notes": [], "base": document, "candidate": document,
    });
    fs::write(&comparison, text.to_string()).expect("a comparison");
    [run, comparison]
}

/// The text between the tags of every element of that name.
fn contents<'a>(dom: &'a str, name: &str) -> Vec<&'a str> {
    let (start, end) = (format!("<{name}"), format!("</{name}>"));
    let parts = dom.split(&start).skip(1);
    let parts = parts.filter_map(|it| it.split(&end).next()?.split_once('>'));
    parts.map(|(_, content)| content).collect()
}

#[test]
fn pages_open_in_a_browser() {
    let dir = scratch();
    let pages = stored(dir.path()).map(|file| {
        let page = file.with_extension("html");
        let said = regstorm(["report", "--html"])
            .args([&page, &file])
            .run()
            .ok();
        assert!(
            said.stdout.contains("verdict") || said.stdout.contains("page"),
            "{said}"
        );
        let to_stdout = regstorm(["report", "--quiet", "--html", "-"])
            .args([&file])
            .run()
            .ok();
        assert_eq!(
            to_stdout.stdout,
            fs::read_to_string(&page).expect("the page")
        );
        page
    });
    // Of a run: percentiles of the journeys and of each operation, and the course. Of a comparison: the changes, and the
    // percentiles of two journeys and each operation.
    let least = [10, 9];
    for (page, least) in pages.iter().zip(least) {
        let mut papers = Vec::new();
        for colours in [
            "--blink-settings=preferredColorScheme=1",
            "--blink-settings=preferredColorScheme=0",
        ] {
            let browsed = browse(&with(page, HANDS), &[colours]);
            assert_eq!(console(&browsed), [""; 0], "{browsed}");
            let dom = &browsed.stdout;
            let charts = dom.matches("role=\"img\"").count();
            assert!(charts >= least, "{charts} charts\n{browsed}");
            assert!(dom.matches("<tr>").count() > 30, "{browsed}");
            assert_eq!(dom.matches("aria-sort=\"ascending\"").count(), 1);
            let paper = dom
                .split("data-paper=\"")
                .nth(1)
                .and_then(|it| it.split('"').next());
            papers.push(paper.expect("the colour of the page").to_owned());
        }
        assert_eq!(papers[0], "rgb(255, 255, 255)");
        assert_ne!(papers[1], papers[0], "the same in the dark");
    }
    let browsed = browse(&with(&pages[0], HANDS), &[]);
    let readings = contents(&browsed.stdout, "output");
    let told = readings.iter().filter(|it| it.contains(" to 0:0"));
    // At the least iterations and bytes: one pointer, one moment, every chart over time.
    assert!(told.count() >= 2, "{readings:?}");
    assert!(
        readings
            .iter()
            .any(|it| it.contains("pull ") && it.contains("/s")),
        "{readings:?}"
    );
}

/// What the test above looks for is seen when it is there.
#[test]
fn errors_and_requests_of_a_page_are_seen() {
    let dir = scratch();
    let [run, _] = stored(dir.path());
    let page = run.with_extension("html");
    regstorm(["report", "--quiet", "--html"])
        .args([&page, &run])
        .run()
        .ok();
    let broken = browse(&with(&page, "<script>noSuchFunction();</script>"), &[]);
    assert!(
        console(&broken)
            .iter()
            .any(|it| it.contains("noSuchFunction")),
        "{broken}"
    );
    for outside in [
        "<img src=\"http://127.0.0.1:9/x.png\">",
        "<link rel=\"stylesheet\" href=\"http://127.0.0.1:9/x.css\">",
        "<script>fetch('http://127.0.0.1:9/').catch(() => {});</script>",
    ] {
        let refused = browse(&with(&page, outside), &[]);
        let told = console(&refused);
        assert!(
            told.iter().any(|it| it.contains("Content Security Policy")),
            "{outside}\n{refused}"
        );
    }
}

/// The time of a browser without a screen stands still while something loads, as the events do until the run ends: what it
/// prints is the page after that.
#[test]
fn a_browser_follows_a_run_to_its_end() {
    let dir = scratch();
    let [scenario, log] = ["page.toml", "log"].map(|it| dir.path().join(it));
    let longer = SCENARIO.replace("duration = \"4s\"", "duration = \"20s\"");
    fs::write(&scenario, longer).expect("a scenario");
    let mut run = regstorm(["run", "--ui", "0", "--out"])
        .args([&dir.path().join("run.json"), &scenario])
        .start(&log);
    let url = |log: &str| {
        let line = log.lines().find_map(|it| it.strip_prefix("ui       "))?;
        Some(line.split(' ').next()?.to_owned())
    };
    assert!(
        run.ready(|| url(&run_log(&log)).is_some()),
        "{}",
        run_log(&log)
    );
    let url = url(&run_log(&log)).expect("it was there");
    let browsed = open(&url, &["--virtual-time-budget=1000"]);
    assert_eq!(console(&browsed), [""; 0], "{browsed}");
    let dom = &browsed.stdout;
    let drawn = dom.split("data-drawn=\"").nth(1);
    let drawn = drawn.and_then(|it| it.split('"').next()?.parse::<u32>().ok());
    assert!(drawn.is_some_and(|it| it >= 3), "{drawn:?}\n{browsed}");
    assert!(dom.contains("The run has ended."), "{browsed}");
    // The report, as --html has it.
    for part in ["class=\"banner", "id=\"operations\"", "id=\"heat\""] {
        assert!(dom.contains(part), "{part}\n{browsed}");
    }
    assert!(dom.matches("role=\"img\"").count() >= 10, "{browsed}");
}

fn run_log(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

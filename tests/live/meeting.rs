//! The meeting point of shards where names come late, as an engine gives them, and where a link goes down: in namespaces of
//! their own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Flavour, Program, Registry, closed_port, regstorm, scratch};

fn scenario(registry: &Registry) -> String {
    format!(
        "name = \"names\"\n[target]\nurl = \"{}\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 1\nlayers = 1\nlayer_size = \"4KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\nrequest_timeout = \"10m\"\niteration_timeout = \"10m\"\n\
         [[load]]\njourney = \"pull\"\nexecutor = \"per-vu-iterations\"\nvus = 2\niterations = 5\n",
        registry.url()
    )
}

/// regstorm with a table of hosts of its own.
fn with_hosts(hosts: &Path) -> Program {
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    Program::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .args([hosts])
        .args([env!("CARGO_BIN_EXE_regstorm")])
}

/// The first shard starts before it has its name: that is another machine's, and becomes its own.
#[test]
fn the_first_shard_waits_for_its_name() {
    let registry = Registry::start(Flavour::Open);
    let dir = scratch();
    let [file, hosts, log] = ["s.toml", "hosts", "log"].map(|it| dir.path().join(it));
    fs::write(&file, scenario(&registry)).expect("a scenario");
    // An address for documentation, which no machine has.
    fs::write(&hosts, "192.0.2.1 first.test\n").expect("a file");
    let port = closed_port();
    let mut first = with_hosts(&hosts)
        .args(["run", "--shard", "0/2"])
        .args(["--meet", &format!("first.test:{port}")])
        .args([&file])
        .start(&log);
    let said = || fs::read_to_string(&log).unwrap_or_default();
    assert!(first.ready(|| said().contains("cannot listen at first.test")));
    fs::write(&hosts, "127.0.0.1 first.test\n").expect("it is ours");
    let other = regstorm(["run", "--shard", "1/2"])
        .args(["--meet", &format!("127.0.0.1:{port}")])
        .args([&file])
        .run()
        .ok();
    assert!(other.said().contains("first shard"), "{other}");
    let status = first.wait(Duration::from_mins(2)).expect("an end");
    // Its numbers may be no good on a busy machine.
    assert!(matches!(status.code(), Some(0 | 4)), "{}", said());
}

/// The certificate that `deploy/kubernetes/tls` says how to make, under the name that it is for.
#[test]
fn shards_meet_with_the_certificate_of_the_cluster() {
    let registry = Registry::start(Flavour::Open);
    let dir = scratch();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("s.toml"), scenario(&registry)).expect("a scenario");
    let hosts = "127.0.0.1 localhost regstorm-0.regstorm\n";
    fs::write(path("hosts"), hosts).expect("a file");
    let component = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/kubernetes/tls/kustomization.yaml"
    );
    let component = fs::read_to_string(component).expect("the component");
    let commands = component.lines().filter_map(|it| it.strip_prefix("#     "));
    let commands: Vec<&str> = commands
        .filter(|it| it.starts_with("openssl ") || it.starts_with("cp "))
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let script = format!("cd \"$0\" && {}", commands.join(" && "));
    Program::new("sh")
        .args(["-ec", &script])
        .args([dir.path()])
        .run()
        .ok();
    let meeting = format!("regstorm-0.regstorm:{}", closed_port());
    let shard = |shard: &str| {
        with_hosts(&path("hosts"))
            .args(["run", "--shard", shard, "--meet", &meeting])
            .args(["--meet-cert".as_ref(), path("tls.crt").as_os_str()])
            .args(["--meet-key".as_ref(), path("tls.key").as_os_str()])
            .args(["--meet-ca".as_ref(), path("ca.crt").as_os_str()])
            .args([path("s.toml")])
    };
    let mut first = shard("0/2").start(&path("log"));
    let other = shard("1/2").run().ok();
    assert!(other.said().contains("first shard"), "{other}");
    let status = first.wait(Duration::from_mins(2)).expect("an end");
    // Its numbers may be no good on a busy machine.
    assert!(matches!(status.code(), Some(0 | 4)), "{}", first.log());
}

/// Two network namespaces with a link between them: the first shard and the registry in this one, the other shard in another.
/// While they measure, the link goes down.
const LINK: &str = r#"
set -eu
regstorm=$0
cd "$1"
ip link set lo up
unshare --net sleep 300 & other=$!
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
enter="nsenter --net=/proc/$other/ns/net"
ip link add near type veth peer name far
ip link set far netns $other
ip address add 192.0.2.1/24 dev near
$enter ip address add 192.0.2.2/24 dev far
ip link set near up
$enter ip link set far up
"$regstorm" serve --listen 192.0.2.1:5000 > registry.log 2>&1 & registry=$!
meet="run s.toml --wait 1m --meet 192.0.2.1:7000 --meet-token-file token"
"$regstorm" $meet --shard 0/2 --out 0.json > 0.log 2>&1 & first=$!
$enter "$regstorm" $meet --shard 1/2 --out 1.json > 1.log 2>&1 & second=$!
until grep -q '^measure' 0.log; do sleep 0.1; kill -0 $first; done
ip link set near down
until grep -q '^lost     shard 1: nothing was heard of it for 5 s' 0.log; do sleep 0.1; kill -0 $first; done
set +e
wait $second
echo $? > 1.code
kill -INT $first
wait $first
echo $? > 0.code
kill $registry $other
"#;

/// Neither side hears that the other is gone: no end of a connection crosses a link that is down.
#[test]
fn shards_whose_link_goes_down_lose_each_other() {
    let dir = scratch();
    let path = |name: &str| dir.path().join(name);
    let text = "name = \"link\"\n[target]\nurl = \"http://192.0.2.1:5000\"\n[prepare]\nclean_up = \"all\"\n\
         [images.web]\nsource = \"synthetic\"\ncount = 2\nlayers = 1\nlayer_size = \"4KiB\"\n\
         [journey.pull]\naction = \"pull\"\nimages = \"web\"\n\
         [journey.push]\naction = \"push\"\nimages = \"web\"\nrepository = \"pushed\"\nunique = true\n\
         [[load]]\nmix = { pull = 1, push = 1 }\nexecutor = \"constant-arrival-rate\"\nrate = 20\nmax_vus = 60\n\
         duration = \"10m\"\n";
    fs::write(path("s.toml"), text).expect("a scenario");
    fs::write(path("token"), "a token of this test\n").expect("a token");
    let ran = Program::new("unshare")
        .args(["--net", "sh", "-c", LINK, env!("CARGO_BIN_EXE_regstorm")])
        .args([dir.path()])
        .run();
    let read = |name| fs::read_to_string(path(name)).unwrap_or_default();
    let said = ["0.log", "1.log", "registry.log"].map(read).concat();
    assert_eq!(read("0.code"), "130\n", "{ran}{said}");
    assert_eq!(read("1.code"), "130\n", "{ran}{said}");
    let reports: Vec<Value> = ["0.json", "1.json"]
        .iter()
        .map(|it| serde_json::from_str(&read(it)).expect("a report"))
        .collect();
    for report in &reports {
        let sums = report["closure"].as_array().expect("sums");
        assert!(
            !sums.is_empty() && sums.iter().all(|it| it["holds"] == true),
            "{sums:?}"
        );
    }
    assert_eq!(reports[0]["shards"][1]["lost"], true, "{said}");
    // The registry is on this side of the link: nothing failed here, and nothing of this side is left.
    assert_eq!(reports[0]["totals"]["exchanges"]["failed"], 0, "{said}");
    assert!(reports[1]["stored"]["iterations"].is_array(), "{said}");
}

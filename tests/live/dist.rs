//! What `scripts/dist` makes: unpacked, read by the programs that read such files, and run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Containerd, Flavour, Program, Registry, Served, as_root, regstorm, scratch};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// The artefacts of this build, made once for all tests of this file.
fn artefacts() -> &'static Path {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = scratch();
        Program::new(root().join("scripts/dist"))
            .args(["--quick", env!("CARGO_BIN_EXE_regstorm"), "--out"])
            .args([dir.path()])
            .run()
            .ok();
        dir
    });
    made.path()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The one artefact whose name ends so.
#[track_caller]
fn artefact(end: &str) -> PathBuf {
    let found: Vec<_> = fs::read_dir(artefacts())
        .expect("artefacts")
        .map(|it| it.expect("an artefact").path())
        .filter(|it| it.to_string_lossy().ends_with(end))
        .collect();
    assert_eq!(found.len(), 1, "{end}: {found:?}");
    found[0].clone()
}

/// The tree of the tarball, as it stands below its one directory.
fn tarball() -> (TempDir, PathBuf) {
    let dir = scratch();
    let archive = artefact(".tar.gz");
    Program::new("tar")
        .args(["-xzf".as_ref(), archive.as_os_str(), "-C".as_ref()])
        .args([dir.path()])
        .run()
        .ok();
    let entries: Vec<_> = fs::read_dir(dir.path()).expect("a directory").collect();
    assert_eq!(entries.len(), 1, "one directory at the top: {entries:?}");
    let tree = entries[0].as_ref().expect("an entry").path();
    (dir, tree)
}

/// The commands that `--help` lists, `help` itself aside.
fn commands() -> BTreeSet<String> {
    let help = regstorm(["--help"]).run().ok().stdout;
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let lines = list.lines().take_while(|it| !it.is_empty());
    let starts = lines.filter_map(|it| it.strip_prefix("  "));
    let words = starts.filter(|it| !it.starts_with(' '));
    let names = words.filter_map(|it| it.split_whitespace().next());
    names
        .filter(|it| *it != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_checksums_are_those_of_all_artefacts() {
    let sums = artefact("SHA256SUMS");
    let check = "cd \"$1\" && sha256sum --strict --check SHA256SUMS";
    Program::new("sh")
        .args([
            "-c".as_ref(),
            check.as_ref(),
            "sh".as_ref(),
            artefacts().as_os_str(),
        ])
        .run()
        .ok();
    let listed = fs::read_to_string(sums).expect("checksums").lines().count();
    let artefacts = fs::read_dir(artefacts()).expect("artefacts").count();
    assert_eq!(listed, artefacts - 1);
}

#[test]
fn the_program_of_the_tarball_runs_the_scenarios_beside_it() {
    let (_dir, tree) = tarball();
    let scenario = tree.join("share/regstorm/scenarios/first-run.toml");
    let args = [
        "--set",
        "load.warmup=0s",
        "--set",
        "load.duration=1s",
        "--quiet",
    ];
    let run = Program::new(tree.join("bin/regstorm"))
        .args(["run".as_ref(), scenario.as_os_str()])
        .args(args)
        .run();
    // Too short to be judged is no failure of the program.
    assert!([0, 3, 4].contains(&run.code()), "{run}");
    for text in [
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "LICENSES-OF-DEPENDENCIES",
        "README.md",
        "CHANGELOG.md",
    ] {
        assert!(
            tree.join("share/doc/regstorm").join(text).exists(),
            "{text}"
        );
    }
}

#[test]
fn every_command_has_a_manual_page_without_warnings() {
    let (_dir, tree) = tarball();
    let pages = tree.join("share/man/man1");
    let mut wanted: BTreeSet<String> = commands()
        .iter()
        .map(|it| format!("regstorm-{it}.1"))
        .collect();
    wanted.insert("regstorm.1".to_owned());
    let names = fs::read_dir(&pages).expect("pages");
    let names: BTreeSet<String> = names
        .map(|it| {
            it.expect("a page")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(names, wanted);
    for name in names {
        let shown = Program::new("man")
            .args(["--warnings", "--local-file"])
            .args([pages.join(&name)])
            .env("LC_ALL", "C.UTF-8")
            .env("MANPAGER", "cat")
            .run()
            .ok();
        assert_eq!(shown.stderr, "", "{name}");
        assert!(shown.stdout.contains("SYNOPSIS"), "{name}: {shown}");
    }
}

/// Each shell reads its script, and completes a command and an option by it.
#[test]
fn shells_complete_commands_and_options() {
    let (_dir, tree) = tarball();
    let share = tree.join("share");
    let bash = r#"source "$1/bash-completion/completions/regstorm"
        try() { COMP_WORDS=(regstorm "$@"); COMP_CWORD=$#; _regstorm regstorm "${!#}" regstorm; echo "${COMPREPLY[@]}"; }
        try comple; try run --markd"#;
    let fish = r#"source $argv[1]/fish/vendor_completions.d/regstorm.fish
        complete -C "regstorm comple"; complete -C "regstorm run --markd""#;
    // A terminal of its own, because zsh completes nowhere else.
    let zsh = r#"zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z "fpath=($1/zsh/site-functions \$fpath); PS1=; autoload -Uz compinit; compinit -D -u; echo RE'ADY'"
        zpty -r z out '*READY*'
        zpty -w -n z $'regstorm comple\t'; zpty -r z out '*completions*'; print -r -- $out
        zpty -w -n z $'\C-uregstorm run --markd\t'; zpty -r z out '*--markdown*'; print -r -- $out
        zpty -d z"#;
    for (shell, options, script) in [
        ("bash", &["--norc", "-c"][..], bash),
        ("fish", &["--no-config", "-c"], fish),
        ("zsh", &["-f", "-c"], zsh),
    ] {
        let name: &[&str] = if shell == "fish" { &[] } else { &[shell] };
        let said = Program::new(shell)
            .args(options)
            .args([script])
            .args(name)
            .args([&share])
            .run()
            .ok();
        for word in ["completions", "--markdown"] {
            assert!(said.stdout.contains(word), "{shell}, {word}: {said}");
        }
    }
    let refused = regstorm(["completions", "tcsh"]).run().ends_with(2).stderr;
    assert!(SHELLS.iter().all(|it| refused.contains(it)), "{refused}");
}

#[test]
fn dpkg_reads_the_package() {
    let package = artefact(".deb");
    let read = |option: &str| {
        let command = Program::new("dpkg-deb").args([option.as_ref(), package.as_os_str()]);
        command.run().ok().stdout
    };
    let control = read("--info");
    for line in [
        "Package: regstorm",
        concat!("Version: ", env!("CARGO_PKG_VERSION")),
        "Depends: libc6 (>= 2.",
    ] {
        assert!(control.contains(line), "{line}: {control}");
    }
    let files = read("--contents");
    for path in [
        "./usr/bin/regstorm\n",
        "./usr/share/man/man1/regstorm-run.1.gz\n",
        "./usr/share/bash-completion/completions/regstorm\n",
        "./usr/share/zsh/vendor-completions/_regstorm\n",
        "./usr/share/fish/vendor_completions.d/regstorm.fish\n",
        "./usr/share/regstorm/scenarios/first-run.toml\n",
        "./usr/share/doc/regstorm/copyright\n",
    ] {
        assert!(files.contains(path), "{path}: {files}");
    }
    assert!(files.lines().all(|it| it.contains("root/root")), "{files}");
}

/// Every crate that cargo links is listed with the checksum of the lock file.
#[test]
fn the_bill_of_materials_lists_what_is_linked() {
    let bill = fs::read(artefact(".cdx.json")).expect("a bill of materials");
    let bill: Value = serde_json::from_slice(&bill).expect("JSON");
    let listed: BTreeSet<String> = bill["components"]
        .as_array()
        .expect("components")
        .iter()
        .filter(|it| it["scope"] == "required")
        .map(|it| format!("{} v{}", it["name"], it["version"]).replace('"', ""))
        .collect();
    let tree = Program::new("cargo")
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges=normal",
            "--prefix=none",
            "--no-dedupe",
        ])
        .args([
            "--manifest-path".as_ref(),
            root().join("Cargo.toml").as_os_str(),
        ])
        .run()
        .ok();
    let wanted = tree.stdout.lines().skip(1).filter(|it| !it.is_empty());
    let wanted: BTreeSet<String> = wanted
        .map(|it| it.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(listed, wanted);
    let hashes = bill["components"].as_array().expect("components").iter();
    assert!(
        hashes.clone().all(|it| it["hashes"][0]["alg"] == "SHA-256"),
        "{bill:#}"
    );
}

/// The image goes to a registry by `regstorm push`, and what comes back runs as user 65534 with nothing else around it.
#[test]
fn the_image_is_pushed_and_runs_as_nobody() {
    let image = artefact(".oci.tar");
    let embedded = Served::start(&[], "");
    let reference = Registry::start(Flavour::Open);
    for url in [embedded.url().to_owned(), reference.url()] {
        let args = [
            "push".as_ref(),
            image.as_os_str(),
            url.as_ref(),
            "lab/regstorm:1".as_ref(),
        ];
        regstorm(args).run().ok();
        let dir = scratch();
        let layout = dir.path().join("image");
        let source = format!(
            "docker://{}/lab/regstorm:1",
            url.trim_start_matches("http://")
        );
        Program::new("skopeo")
            .args(["copy", "--quiet", "--src-tls-verify=false", &source])
            .args([format!("oci:{}:1", layout.display())])
            .run()
            .ok();
        let bundle = dir.path().join("bundle");
        let tagged = format!("{}:1", layout.display());
        as_root("umoci")
            .args(["unpack", "--image", &tagged])
            .args([&bundle])
            .run()
            .ok();
        let config = fs::read(bundle.join("config.json")).expect("a configuration");
        let config: Value = serde_json::from_slice(&config).expect("JSON");
        assert_eq!(config["process"]["user"]["uid"], 65534, "{config:#}");
        assert_eq!(
            config["process"]["args"],
            serde_json::json!(["/usr/bin/regstorm"])
        );
        assert_eq!(config["process"]["cwd"], "/usr/share/regstorm");
        // Not `podman run`, which few sandboxes of CI allow: namespaces of its own, and the root, user and directory of the image.
        let rootfs = bundle.join("rootfs");
        as_root("mkdir")
            .args(["-p".as_ref(), rootfs.join("proc").as_os_str()])
            .run()
            .ok();
        let run = as_root("unshare")
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--mount-proc",
                "--setgid=65534",
                "--setuid=65534",
            ])
            .args([format!("--root={}", rootfs.display())])
            .args([
                "--wd=/usr/share/regstorm",
                "/usr/bin/regstorm",
                "run",
                "scenarios/first-run.toml",
            ])
            .args([
                "--set",
                "load.warmup=0s",
                "--set",
                "load.duration=1s",
                "--quiet",
            ])
            .run();
        assert!([0, 3, 4].contains(&run.code()), "{run}");
    }
}

/// containerd pulls the image and runs it, where this machine lets a container run at all.
#[test]
fn containerd_runs_the_image() {
    let registry = Registry::start(Flavour::Open);
    let reference = format!("{}/lab/regstorm:1", registry.host());
    let url = registry.url();
    let image = artefact(".oci.tar");
    let args = ["push".as_ref(), image.as_os_str(), url.as_ref()];
    regstorm(args).args(["lab/regstorm:1"]).run().ok();
    let containerd = Containerd::start();
    // Namespaces, a cgroup, a new root: sandboxes that refuse one of them refuse a program of this machine, too.
    let allowed = trivial_container(&containerd);
    let pull = ["images", "pull", "--plain-http", "--snapshotter=native"];
    containerd.ctr(pull).args([&reference]).run().ok();
    let run = ["run", "--rm", "--snapshotter=native", "--net-host"];
    let run = containerd.ctr(run).args([&reference]).args([
        "regstorm",
        "/usr/bin/regstorm",
        "run",
        "@first-run",
        "--set=load.warmup=0s",
        "--set=load.duration=1s",
        "--out=-",
        "--quiet",
    ]);
    let run = run.run();
    if let Err(refused) = allowed {
        assert_ne!(run.code(), 0, "{refused}, but the image ran");
        return;
    }
    // Too short to be judged is no failure of the program.
    assert!([0, 3, 4].contains(&run.code()), "{run}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run}"));
    let ok = report["totals"]["iterations"]["ok"].as_u64();
    assert!(ok.is_some_and(|it| it > 0), "{report:#}");
}

/// Runs `true` of this machine in a container.
fn trivial_container(containerd: &Containerd) -> Result<(), String> {
    let dir = scratch();
    let copy = r#"cp --parents --dereference "$1" $(ldd "$1" | grep -o '/[^ ]*') "$2""#;
    Program::new("sh")
        .args(["-c", copy, "sh", "/bin/true"])
        .args([dir.path()])
        .run()
        .ok();
    let run = containerd
        .ctr(["run", "--rm", "--rootfs"])
        .args([dir.path()])
        .args(["trivial", "/bin/true"])
        .run();
    match run.code() {
        0 => Ok(()),
        _ => Err(run.to_string()),
    }
}

//! Processes, directories and groups of this machine.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use regstorm::engine;
use regstorm::session::{Cut, Options, Pairing, PairingSettings, Until};
use regstorm::telemetry::{SourceKind, Unit};

use crate::support::{patiently, plan};

use super::{adds_up, regstorm, run, scenario, series, source};

/// A program that is ended with its test, and all that it has started.
struct Started(Child);

impl Started {
    fn new(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).process_group(0);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.0.id()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

/// A process that is replaced by another one, of which only a file tells; one that ends for good; and what is not there at all.
#[test]
fn what_this_machine_tells_and_what_it_does_not() {
    patiently(Duration::from_secs(4), |length| {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        fs::create_dir(dir.path().join("data")).unwrap();
        fs::write(dir.path().join("data/blob"), vec![1; 300_000]).unwrap();
        let half = length.as_secs_f64() / 2.0;
        // Each shell burns its time until it is ended, and the next one takes its place.
        let script = format!(
            "for turn in 1 2; do sh -c 'echo $$ > {at}/new; mv {at}/new {at}/pid; while :; do :; done' & one=$!; \
             sleep {half}; kill $one; wait $one; done 2>/dev/null"
        );
        let _shell = Started::new(Command::new("sh").args(["-c", &script]));
        let ending = Started::new(Command::new("sleep").arg(half.to_string()));
        let sources = format!(
            "[[telemetry]]\nname = \"turns\"\nprocess = {{ pid_file = \"{at}/pid\" }}\n\
             [[telemetry]]\nname = \"ending\"\nprocess = {{ pid = {} }}\n\
             [[telemetry]]\nname = \"own\"\nprocess = \"target\"\n\
             [[telemetry]]\ndirectory = \"{at}/data\"\n\
             [[telemetry]]\nname = \"no-directory\"\ndirectory = \"{at}/nowhere\"\n\
             [[telemetry]]\nname = \"no-unit\"\nunit = \"no-such.service\"\n\
             [[telemetry]]\nname = \"no-group\"\ncgroup = \"{at}/data\"\n\
             [[telemetry]]\nname = \"no-device\"\ndevice = \"no-such-device\"\n\
             [[telemetry]]\nname = \"no-port\"\nprocess = {{ port = 1 }}\n",
            ending.0.id(),
        );
        let (report, said) = run(&scenario(length, "embedded", &sources), &[]);
        for source in &report.telemetry.as_ref().unwrap().sources {
            adds_up(source);
        }
        for name in [
            "no-directory",
            "no-unit",
            "no-group",
            "no-device",
            "no-port",
        ] {
            let it = source(&report, name);
            assert_eq!((it.readings.good, it.problems.len()), (0, 1), "{it:?}");
            assert_eq!(
                said.matches(&format!("telemetry {name}: ")).count(),
                1,
                "{said}"
            );
        }
        let (turns, ending) = (source(&report, "turns"), source(&report, "ending"));
        assert_eq!((turns.kind, ending.restarts), (SourceKind::Process, 0));
        // The load may have begun late.
        if turns.restarts == 0 || ending.readings.good == 0 || ending.readings.failed == 0 {
            return Err(format!("{turns:?} {ending:?}"));
        }
        assert!(series(turns, "cpu").increase.unwrap() > 0.0, "{turns:?}");
        assert!(series(turns, "memory").highest.unwrap() > 1e5, "{turns:?}");
        let own = source(&report, "own");
        assert!(own.from.contains("embedded"), "{own:?}");
        assert!(series(own, "cpu").increase.unwrap() > 0.0);
        assert_eq!(own.series.len(), 1, "the memory is that of the load, too");
        let size = series(source(&report, "directory"), "size");
        assert_eq!(size.unit, Unit::Bytes);
        assert!(size.last.unwrap() > 200_000.0, "{size:?}");
        Ok(())
    });
}

/// A command runs only if that is allowed, and is ended with the run.
#[test]
fn commands_run_if_they_are_allowed() {
    let sources = "[[telemetry]]\nname = \"numbers\"\ncommand = [\"sh\", \"-c\", \"echo depth 7; echo seen_total $(date +%s)\"]\n\
                   [[telemetry]]\nname = \"hanging\"\ncommand = [\"sleep\", \"60\"]\n";
    let toml = scenario(Duration::from_secs(2), "embedded", sources);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("test.toml"), &toml).unwrap();
    for command in [
        &["run", "test.toml"][..],
        &[
            "ab",
            "test.toml",
            "--base",
            "embedded",
            "--candidate",
            "embedded",
        ],
    ] {
        let refused = regstorm(command, &[], &dir);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("--allow-hooks") && said.contains("sleep"),
            "{said}"
        );
    }
    let (report, _) = run(&toml, &["--allow-hooks"]);
    let numbers = source(&report, "numbers");
    assert_eq!(series(numbers, "depth").highest, Some(7.0));
    assert!(
        series(numbers, "seen_total")
            .increase
            .is_none_or(|it| it > 0.0)
    );
    let hanging = source(&report, "hanging");
    adds_up(hanging);
    assert_eq!(
        (hanging.readings.good, hanging.problems.len()),
        (0, 1),
        "{hanging:?}"
    );
}

/// Each side of a comparison reads the thread of its own registry.
#[test]
fn both_sides_of_a_pair_are_read() {
    let toml = scenario(
        Duration::from_secs(1),
        "embedded",
        "[[telemetry]]\nprocess = \"target\"\n",
    );
    let plan = plan(&toml, "embedded", 2);
    let pairing = Pairing::new(PairingSettings {
        base: plan.clone(),
        candidate: plan,
        cut: Cut::Slices {
            slices: 1,
            slice: Duration::from_secs(1),
            settle: Duration::ZERO,
            fixed: true,
        },
        until: Until::Budget(Duration::from_mins(1)),
        gates: Vec::new(),
        allowed: Vec::new(),
        order_seed: None,
        ready_timeout: Duration::ZERO,
        options: Options::default(),
    });
    let (_stopper, stop) = engine::stop();
    let pair = pairing.unwrap().make(1, &stop, &mut |_| {});
    let pair = pair.unwrap().expect("nobody has stopped it");
    for side in [&pair.base, &pair.candidate] {
        let cpu = series(source(side, "process"), "cpu");
        assert!(
            cpu.increase.unwrap() > 0.0 && cpu.covered_us > 500_000,
            "{cpu:?}"
        );
    }
}

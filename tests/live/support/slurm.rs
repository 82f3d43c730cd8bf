//! Slurm on loopback: a controller and several nodes, all of them this machine, with files and names of their own.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::port;
use super::process::{Program, Running, wait_for};

/// A cluster of nodes `n0`, `n1`, ... of eight cores each, whatever this machine has.
#[derive(Debug)]
pub(crate) struct Slurm {
    // Dropped in this order: nodes before their controller.
    nodes: Vec<Running>,
    controller: Running,
    _munge: Running,
    dir: TempDir,
}

impl Slurm {
    pub(crate) fn start(nodes: usize) -> Self {
        // Another process may take a port between finding and using it; then a daemon ends at once.
        for _ in 0..5 {
            if let Some(started) = Self::try_start(nodes) {
                return started;
            }
        }
        panic!("Slurm does not start");
    }

    fn try_start(nodes: usize) -> Option<Self> {
        let dir = super::scratch();
        let path = |name: &str| dir.path().join(name);
        // munge wants it so.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let names: Vec<String> = (0..nodes).map(|it| format!("n{it}")).collect();
        fs::write(path("slurm.conf"), configuration(dir.path(), &names)).expect("a file");
        let mut hosts = fs::read_to_string("/etc/hosts").expect("a table of hosts");
        for name in &names {
            let _ = write!(hosts, "\n127.0.0.1 {name}");
            fs::create_dir_all(path("spool").join(name)).expect("a directory");
        }
        fs::write(path("hosts"), hosts + "\n").expect("a file");
        fs::create_dir(path("state")).expect("a directory");

        let munge = munged(dir.path());
        let start = |program: Program, log: &str| {
            program
                .env("SLURM_CONF", path("slurm.conf"))
                .start(&path(log))
        };
        let controller = start(Program::new("slurmctld").args(["-D"]), "controller");
        let node = |name: &String| {
            // The names of the nodes hold in their own mount namespace, which jobs inherit.
            let script = "mount --bind \"$0\" /etc/hosts && exec slurmd -D -N \"$1\"";
            let args = ["--mount", "sh", "-c", script];
            let program = Program::new("unshare").args(args);
            start(program.args([&path("hosts")]).args([name]), name)
        };
        let nodes = names.iter().map(node).collect();
        let mut slurm = Self {
            nodes,
            controller,
            _munge: munge,
            dir,
        };
        slurm.wait(names.len()).then_some(slurm)
    }

    /// Waits until all nodes are idle; `false` when the controller or a node ended.
    fn wait(&mut self, count: usize) -> bool {
        let states = || {
            let said = self.command("sinfo").args(["--noheader", "--Node"]);
            said.args(["--format=%T"]).run().stdout
        };
        let ready = wait_for(Duration::from_mins(2), || {
            let states = states();
            (states.lines().count() == count && states.lines().all(|it| it == "idle")).then_some(())
        });
        ready.is_some()
    }

    /// A command of Slurm, about to run.
    pub(crate) fn command(&self, name: &str) -> Program {
        Program::new(name).env("SLURM_CONF", self.dir.path().join("slurm.conf"))
    }

    /// A directory for jobs, gone at the end.
    pub(crate) fn work(&self) -> PathBuf {
        let work = self.dir.path().join("work");
        fs::create_dir_all(&work).expect("a directory");
        work
    }

    /// What the controller says of a job: `JobState`, `ExitCode` and others, as `KEY=VALUE`.
    pub(crate) fn job(&self, id: &str) -> String {
        let said = self.command("scontrol").args(["show", "job", id]).run();
        said.ok().stdout
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // What runs in jobs belongs to daemons of their own, which outlive a node that is killed.
        let _ = self.command("scancel").args(["--state=PENDING"]).run();
        let _ = self.command("scancel").args(["--full"]).run();
        wait_for(Duration::from_mins(1), || {
            let left = self.command("squeue").args(["--noheader"]).run();
            left.stdout.trim().is_empty().then_some(())
        });
        for node in &mut self.nodes {
            node.kill();
        }
        self.controller.kill();
    }
}

/// The authentication between Slurm's parts, with a key of its own. It runs as whoever tests, which it wants to be forced to.
fn munged(dir: &Path) -> Running {
    let key = dir.join("munge.key");
    fs::write(&key, [7; 128]).expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let option = |name: &str, file: &str| format!("--{name}={}", dir.join(file).display());
    let mut munge = Program::new("munged")
        .args(["--foreground", "--force"])
        .args([
            option("socket", "munge.socket"),
            option("key-file", "munge.key"),
            option("log-file", "munge.log"),
            option("pid-file", "munge.pid"),
            option("seed-file", "munge.seed"),
        ])
        .start(&dir.join("munge"));
    let socket = dir.join("munge.socket");
    assert!(munge.ready(|| socket.exists()), "{}", munge.log());
    munge
}

fn configuration(dir: &Path, names: &[String]) -> String {
    let line = |command: &str, args: &[&str]| {
        let said = Program::new(command).args(args).run().ok();
        said.stdout.trim().to_owned()
    };
    let (host, user) = (
        line("hostname", &["--short"]),
        line("id", &["--user", "--name"]),
    );
    let dir = dir.display();
    let mut text = format!(
        "ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={dir}/munge.socket
# Every daemon listens at its own address alone, which is 127.0.0.1.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
# As many cores as are stated below.
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool/%n
SlurmctldPidFile={dir}/controller.pid
SlurmdPidFile={dir}/%n.pid
",
        port::free()
    );
    for name in names {
        let _ = writeln!(
            text,
            "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=8 RealMemory=1000",
            port::free()
        );
    }
    let _ = writeln!(text, "PartitionName=p Nodes=ALL Default=YES State=UP");
    text
}

"""A control plane of Kubernetes on loopback: etcd, API server, controller manager and scheduler."""

import json
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

T = TypeVar("T")

# What the manifests need: Jobs, the endpoints of a Service, nodes, and that what is deleted goes with all it owns.
CONTROLLERS = (
    "job-controller",
    "endpointslice-controller",
    "node-lifecycle-controller",
    "namespace-controller",
    "garbage-collector-controller",
)
# Longer than any of the programs needs to start on a slow and busy machine.
PATIENCE = 300


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class ControlPlane:
    """Runs until the `with` ends; all its files are in the directory."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self.programs = programs
        self.directory = directory
        self.kubeconfig = directory / "kubeconfig"
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> Self:
        try:
            self.start_all()
        except BaseException:
            self.stop_all()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def start_all(self) -> None:
        etcd, peers, api, manager, scheduler = (free_port() for _ in range(5))
        token = secrets.token_hex(16)
        key = self.directory / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        tokens = self.directory / "tokens.csv"
        tokens.write_text(f"{token},admin,admin,system:masters\n")
        tokens.chmod(0o600)
        self.write_kubeconfig(api, token)
        self.start(
            "etcd",
            f"--data-dir={self.directory}/etcd",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peers}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
            f"--initial-cluster=default=http://127.0.0.1:{peers}",
            # Nothing here outlives the test.
            "--unsafe-no-fsync",
        )
        self.start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={api}",
            f"--cert-dir={self.directory}/certificates",
            f"--token-auth-file={tokens}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.test",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.99.0.0/24",
            # Its controller does not run, and no pod here asks for an account.
            "--disable-admission-plugins=ServiceAccount",
        )
        self.until("the API server is ready", lambda: self.succeeds("get", "--raw", "/readyz"))
        for name, port, more in (
            ("kube-controller-manager", manager, (f"--controllers={','.join(CONTROLLERS)}",)),
            ("kube-scheduler", scheduler, ()),
        ):
            self.start(
                name,
                f"--kubeconfig={self.kubeconfig}",
                "--bind-address=127.0.0.1",
                f"--secure-port={port}",
                f"--cert-dir={self.directory}/{name}",
                "--leader-elect=false",
                *more,
            )

    def write_kubeconfig(self, port: int, token: str) -> None:
        # The API server makes a certificate for itself, with the CA that it is from.
        authority = f"{self.directory}/certificates/apiserver.crt"
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        self.kubeconfig.write_text(json.dumps(config))
        self.kubeconfig.chmod(0o600)

    def start(self, name: str, *args: str) -> None:
        with open(self.directory / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                [self.programs / name, *args], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        self.processes.append(process)

    def stop_all(self) -> None:
        # The last one first: the others would complain about a server that is gone.
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def kubectl(self, *args: str | Path, check: bool = True) -> subprocess.CompletedProcess:
        program = self.programs / "kubectl"
        command = [program if program.exists() else shutil.which("kubectl"), f"--kubeconfig={self.kubeconfig}", *args]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(map(str, args))}: {done.stderr or done.stdout}")
        return done

    def succeeds(self, *args: str) -> bool:
        return self.kubectl(*args, check=False).returncode == 0

    def get(self, *args: str) -> dict:
        return json.loads(self.kubectl("get", *args, "--output=json").stdout)

    def until(self, what: str, look: Callable[[], T], patience: float = PATIENCE) -> T:
        """Waits for a value that is true."""
        end = time.monotonic() + patience
        while True:
            found = look()
            if found:
                return found
            for process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args[0]} ended: see its log in {self.directory}")
            if time.monotonic() > end:
                raise TimeoutError(f"not within {patience} s: {what}")
            time.sleep(0.2)

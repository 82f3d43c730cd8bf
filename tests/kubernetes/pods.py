"""A pod as a process: its own hosts, files, host name and user, as a container has them, and no container."""

import os
import re
import signal
import subprocess
from base64 import b64decode
from pathlib import Path

from kubernetes import client

# Addresses of pods, as the API takes them and none is routed; the process has 127.0.2.N, because loopback is no address of
# an endpoint.
PODS, LOOPBACK = "192.0.2.", "127.0.2."

# The mounts are those of this process alone. `$0` is the directory that lies over /etc, `$1` the table of hosts, which
# changes while the pod runs, `$2` the host name, `$3` the user.
ENTER = """
mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && mount --bind "$1" /etc/hosts && hostname "$2" || exit 125
user=$3
shift 3
exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --bounding-set=-all "$@"
"""


class Pod:
    """One pod, from the moment it is bound to a node."""

    def __init__(self, api: client.CoreV1Api, pod: client.V1Pod, number: int, program: Path, directory: Path) -> None:
        self.api = api
        self.pod = pod
        self.number = number
        self.program = program
        self.directory = directory / pod.metadata.uid
        self.log = self.directory / "log"
        self.etc = self.directory / "etc"
        self.hosts = self.directory / "hosts"
        self.process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"{PODS}{self.number}"

    @property
    def container(self) -> client.V1Container:
        containers = self.pod.spec.containers
        if len(containers) != 1:
            raise RuntimeError(f"{self.pod.metadata.name} has {len(containers)} containers; one is known here")
        return containers[0]

    def prepare(self) -> None:
        self.directory.mkdir(parents=True)
        self.directory.chmod(0o755)
        self.write_volumes()

    def start(self) -> None:
        environment = self.environment()
        arguments = [self.expanded(it, environment) for it in self.container.args]
        user = str(self.pod.spec.security_context.run_as_user)
        name = self.pod.spec.hostname or self.pod.metadata.name
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--uts", "sh", "-c", ENTER, self.etc, self.hosts, name, user, self.program, *arguments],
                env={"PATH": os.environ["PATH"], "HOSTNAME": name, **environment},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def write_volumes(self) -> None:
        self.etc.mkdir()
        group = self.pod.spec.security_context.fs_group
        sources = {it.name: it for it in self.pod.spec.volumes or []}
        for mount in self.container.volume_mounts or []:
            files, mode = self.files(sources[mount.name])
            place = self.etc / Path(mount.mount_path).relative_to("/etc")
            place.mkdir(parents=True)
            for name, content in files.items():
                path = place / name
                path.write_bytes(content)
                os.chown(path, 0, group)
                path.chmod(mode)

    def files(self, volume: client.V1Volume) -> tuple[dict[str, bytes], int]:
        space = self.pod.metadata.namespace
        if volume.config_map:
            data = self.api.read_namespaced_config_map(volume.config_map.name, space).data
            return {name: text.encode() for name, text in data.items()}, volume.config_map.default_mode
        data = self.api.read_namespaced_secret(volume.secret.secret_name, space).data
        return {name: b64decode(text) for name, text in data.items()}, volume.secret.default_mode

    def environment(self) -> dict[str, str]:
        values = {}
        for source in self.container.env_from or []:
            try:
                data = self.api.read_namespaced_secret(source.secret_ref.name, self.pod.metadata.namespace).data
                values |= {name: b64decode(text).decode() for name, text in data.items()}
            except client.ApiException as error:
                if error.status != 404 or not source.secret_ref.optional:
                    raise
        for variable in self.container.env or []:
            values[variable.name] = variable.value or self.field(variable.value_from.field_ref.field_path)
        return values

    def field(self, path: str) -> str:
        """The Job controller asks for `metadata.annotations['...']` or `metadata.labels['...']`."""
        kind, key = re.fullmatch(r"metadata\.(annotations|labels)\['(.+)'\]", path).groups()
        return getattr(self.pod.metadata, kind)[key]

    @staticmethod
    def expanded(argument: str, environment: dict[str, str]) -> str:
        return re.sub(r"\$\((\w+)\)", lambda it: environment.get(it[1], it[0]), argument)

    def end(self) -> None:
        """As a kubelet ends a container: SIGTERM, and SIGKILL after the pod's grace period."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=self.pod.spec.termination_grace_period_seconds)
        except subprocess.TimeoutExpired:
            process.kill()

"""Nodes that run each pod as a process: as much of a kubelet as a Job needs, on a machine without containers."""

import datetime
import http.server
import ssl
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

from kubernetes import client, config, watch

from pods import LOOPBACK, PODS, Pod

CAPACITY = {"cpu": "64", "memory": "64Gi", "pods": "100"}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


class Nodes:
    """Several nodes, all of them this machine. What runs on them ends with the `with`."""

    def __init__(self, kubeconfig: Path, names: list[str], program: Path, directory: Path) -> None:
        config.load_kube_config(str(kubeconfig))
        self.api = client.CoreV1Api()
        self.discovery = client.DiscoveryV1Api()
        self.names = names
        self.program = program
        self.directory = directory
        self.pods: dict[str, Pod] = {}
        self.exit_codes: dict[str, int] = {}
        # Of each slice of endpoints the lines for hosts, with their namespace.
        self.entries: dict[str, list[tuple[str, str]]] = {}
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.logs = self.serve_logs()

    def __enter__(self) -> "Nodes":
        for name in self.names:
            self.api.create_node({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
        for loop in (self.beat, self.follow_pods, self.follow_names, self.logs.serve_forever):
            threading.Thread(target=loop, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.logs.shutdown()
        for pod in list(self.pods.values()):
            if pod.process and pod.process.poll() is None:
                pod.process.kill()
                pod.process.wait()

    def beat(self) -> None:
        while not self.stopping.is_set():
            status = {
                "capacity": CAPACITY,
                "allocatable": CAPACITY,
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self.logs.server_port}},
                "conditions": [
                    {"type": "Ready", "status": "True", "reason": "Process", "message": "", "lastHeartbeatTime": now()}
                ],
            }
            for name in self.names:
                self.api.patch_node_status(name, {"status": status})
            self.stopping.wait(10)

    def follow_pods(self) -> None:
        number = 0
        for event in self.events(self.api.list_pod_for_all_namespaces):
            pod = event["object"]
            key = pod.metadata.uid
            if pod.spec.node_name not in self.names:
                continue
            if event["type"] == "DELETED":
                self.kill(key)
                continue
            if key not in self.pods and pod.metadata.deletion_timestamp is None:
                number += 1
                self.pods[key] = Pod(self.api, pod, number, self.program, self.directory)
                threading.Thread(target=self.run, args=(self.pods[key],), daemon=True).start()
            elif pod.metadata.deletion_timestamp is not None:
                threading.Thread(target=self.delete, args=(key, pod.metadata), daemon=True).start()

    def events(self, listing: object) -> object:
        while not self.stopping.is_set():
            try:
                yield from watch.Watch().stream(listing, timeout_seconds=60)
            except Exception as error:  # noqa: BLE001
                # A watch ends when the server likes; it goes on from a new list.
                if not self.stopping.is_set():
                    print(f"watch: {error}", flush=True)
                    time.sleep(0.5)

    def run(self, pod: Pod) -> None:
        try:
            with self.lock:
                pod.prepare()
                self.write_hosts(pod)
                pod.start()
        except Exception as error:  # noqa: BLE001
            print(f"{pod.pod.metadata.name} does not start: {error!r}", flush=True)
            raise
        started = now()
        self.set_status(pod, "Running", {"running": {"startedAt": started}}, started)
        code = pod.process.wait()
        code = code if code >= 0 else 128 - code
        self.exit_codes[pod.pod.metadata.uid] = code
        ended = {"exitCode": code, "startedAt": started, "finishedAt": now(), "reason": "Error" if code else "Completed"}
        if code and pod.container.termination_message_policy == "FallbackToLogsOnError":
            ended["message"] = pod.log.read_text()[-2048:]
        self.set_status(pod, "Failed" if code else "Succeeded", {"terminated": ended}, started)

    def set_status(self, pod: Pod, phase: str, state: dict, started: datetime.datetime) -> None:
        runs = phase == "Running"
        container = pod.container
        status = {
            "phase": phase,
            "hostIP": "127.0.0.1",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "startTime": started,
            "conditions": [{"type": "Ready", "status": str(runs), "lastTransitionTime": now()}],
            "containerStatuses": [
                {"name": container.name, "image": container.image, "imageID": "", "ready": runs, "restartCount": 0, "state": state}
            ],
        }
        meta = pod.pod.metadata
        try:
            self.api.patch_namespaced_pod_status(meta.name, meta.namespace, {"status": status})
        except client.ApiException as error:
            # It was deleted meanwhile.
            if error.status != 404:
                raise

    def kill(self, key: str) -> None:
        """Ends a pod as a crash of its process would, or a deletion without grace."""
        process = self.pods[key].process if key in self.pods else None
        if process and process.poll() is None:
            process.kill()

    def delete(self, key: str, meta: client.V1ObjectMeta) -> None:
        pod = self.pods.get(key)
        if pod:
            pod.end()
            # Its last status comes first.
            while pod.process and key not in self.exit_codes:
                time.sleep(0.05)
        try:
            self.api.delete_namespaced_pod(meta.name, meta.namespace, grace_period_seconds=0)
        except client.ApiException as error:
            if error.status != 404:
                raise

    def follow_names(self) -> None:
        """The cluster's DNS: what the endpoints of Services say goes into the hosts of all pods of the namespace."""
        for event in self.events(self.discovery.list_endpoint_slice_for_all_namespaces):
            found = event["object"]
            meta = found.metadata
            service = (meta.labels or {}).get("kubernetes.io/service-name")
            named = [it for it in found.endpoints or [] if it.hostname and event["type"] != "DELETED"]
            with self.lock:
                self.entries[meta.uid] = [
                    (meta.namespace, f"{address.replace(PODS, LOOPBACK)} {it.hostname}.{service}\n")
                    for it in named
                    for address in it.addresses
                ]
                for pod in list(self.pods.values()):
                    if pod.process:
                        self.write_hosts(pod)

    def write_hosts(self, pod: Pod) -> None:
        space = pod.pod.metadata.namespace
        lines = [line for entries in self.entries.values() for name, line in entries if name == space]
        # In place: it is mounted.
        pod.hosts.write_text("127.0.0.1 localhost\n" + "".join(lines))

    def serve_logs(self) -> http.server.ThreadingHTTPServer:
        """What the API server asks a kubelet for on behalf of `kubectl logs`."""
        pods = self.pods

        class Logs(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urllib.parse.urlparse(self.path)
                query = urllib.parse.parse_qs(url.query)
                _, kind, space, name, _ = url.path.split("/")
                found = [it for it in list(pods.values()) if (it.pod.metadata.namespace, it.pod.metadata.name) == (space, name)]
                known = kind == "containerLogs" and found
                text = found[-1].log.read_bytes() if known else b""
                lines = int(query.get("tailLines", ["-1"])[0])
                if lines >= 0:
                    text = b"".join(text.splitlines(keepends=True)[-lines:]) if lines else b""
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        key, certificate = self.directory / "kubelet.key", self.directory / "kubelet.pem"
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kubelet"]
        subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Logs)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        return server

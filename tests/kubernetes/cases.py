"""What the manifests promise, case by case; each has a namespace of its own."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from control_plane import ControlPlane
from nodes import Nodes
from registry import Registry

SHARDS = 4
ITERATIONS = 400
LABELS = "batch.kubernetes.io/job-name=regstorm"

# As much on a busy machine: nothing is dropped, and nothing times out.
SCENARIO = f"""
name = "kubernetes"

[target]
url = "URL"

[images.web]
source = "synthetic"
count = 3
layers = 2
layer_size = "4KiB"

[journey.pull]
action = "pull"
images = "web"
think_time = "500ms"
request_timeout = "10m"
iteration_timeout = "10m"

[[load]]
journey = "pull"
executor = "shared-iterations"
vus = 8
iterations = {ITERATIONS}
max_duration = "10m"

[[threshold]]
metric = "pull.response_time"
expect = "LIMIT"
"""
HOLDS, BROKEN = "p(50) < 1m", "p(50) < 1us"


class Busy(Exception):
    """The machine was too busy to measure, which proves nothing."""


class Case:
    """A copy of the manifests, as a user makes one, and a namespace that Pod Security holds to `restricted`."""

    def __init__(
        self, name: str, plane: ControlPlane, nodes: Nodes, registry: Registry, root: Path, directory: Path
    ) -> None:
        self.name = name
        self.plane = plane
        self.nodes = nodes
        self.registry = registry
        self.root = root
        self.work = directory / name
        self.manifests = self.work / "deploy/kubernetes"
        shutil.copytree(root / "deploy/kubernetes", self.manifests)
        plane.kubectl("create", "namespace", name)
        plane.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        self.kubeconfig = self.work / "kubeconfig"
        shutil.copy(plane.kubeconfig, self.kubeconfig)
        plane.kubectl("config", "set-context", "test", f"--namespace={name}", f"--kubeconfig={self.kubeconfig}")

    def write(
        self,
        limit: str = HOLDS,
        arguments: tuple[str, ...] = (),
        target: str | None = None,
        spec: dict[str, object] | None = None,
    ) -> None:
        """Fills in what is for the user: the scenario, more arguments, and other values in the Job."""
        scenario = SCENARIO.replace("URL", target or self.registry.url).replace("LIMIT", limit)
        (self.manifests / "scenario.toml").write_text(scenario)
        path = "/spec/template/spec/containers/0/args/-"
        patch = [{"op": "add", "path": path, "value": it} for it in arguments]
        patch += [{"op": "add", "path": f"/spec/{key}", "value": value} for key, value in (spec or {}).items()]
        if patch:
            patches = [{"target": {"kind": "Job", "name": "regstorm"}, "patch": json.dumps(patch)}]
            with open(self.manifests / "kustomization.yaml", "a") as file:
                file.write(f"\npatches: {json.dumps(patches)}\n")
        (self.manifests / "token").write_text("a token of the test\n")

    def kubectl(self, *args: str | Path) -> str:
        return self.plane.kubectl(f"--kubeconfig={self.kubeconfig}", *args).stdout

    def apply(self) -> None:
        self.kubectl("apply", "-k", self.manifests, "--dry-run=server")
        self.kubectl("apply", "-k", self.manifests)

    def create(self, resource: dict) -> None:
        file = self.work / "resource.json"
        file.write_text(json.dumps(resource))
        self.kubectl("create", "-f", file)

    def job(self) -> dict:
        return json.loads(self.kubectl("get", "job", "regstorm", "--output=json"))

    def pods(self) -> dict[int, dict]:
        pods = json.loads(self.kubectl("get", "pods", "--selector", LABELS, "--output=json"))["items"]
        index = "batch.kubernetes.io/job-completion-index"
        # The last one where an index has several.
        pods.sort(key=lambda it: it["metadata"]["creationTimestamp"])
        return {int(it["metadata"]["labels"][index]): it for it in pods}

    def running(self) -> dict[int, dict]:
        """Waits until all shards run."""

        def all_run() -> dict[int, dict] | None:
            pods = self.pods()
            return pods if len(pods) == SHARDS and all(it["status"]["phase"] == "Running" for it in pods.values()) else None

        return self.plane.until("all shards run", all_run)

    def end(self) -> tuple[str, str]:
        """Waits for the end of the Job; its type, and the message."""

        def ended() -> tuple[str, str] | None:
            conditions = self.job()["status"].get("conditions", [])
            found = [it for it in conditions if it["type"] in ("Complete", "Failed") and it["status"] == "True"]
            return (found[0]["type"], found[0].get("message", "")) if found else None

        return self.plane.until("the Job ends", ended)

    def codes(self, pods: dict[int, dict]) -> dict[int, int]:
        """The exit codes of the shards. The Job may end a moment before the last of them does."""
        uids = {index: it["metadata"]["uid"] for index, it in pods.items()}
        self.plane.until("all shards end", lambda: all(it in self.nodes.exit_codes for it in uids.values()))
        return {index: self.nodes.exit_codes[it] for index, it in uids.items()}

    def started(self) -> int:
        """How many pods there were."""
        return sum(it.pod.metadata.namespace == self.name for it in list(self.nodes.pods.values()))

    def messages(self) -> str:
        """Why pods failed, as `kubectl describe pod` shows it."""
        ended = [it["status"]["containerStatuses"][0]["state"].get("terminated", {}) for it in self.pods().values()]
        return "\n".join(it.get("message", "") for it in ended)

    def machine_was_quiet(self) -> None:
        """Raises `Busy` if this machine, and not a shard, made the run invalid."""
        reasons = self.report()["generator"]["health"]["reasons"]
        own = [it for it in reasons if it["level"] == "invalid" and it["signal"] != "lost-shards"]
        if own:
            raise Busy(own)

    def report(self) -> dict:
        log = self.kubectl("logs", "--selector", f"{LABELS},batch.kubernetes.io/job-completion-index=0", "--tail=-1")
        return json.loads(log)

    def state(self) -> str:
        """What there is to see after a failure."""
        texts = [self.plane.kubectl("describe", "job,pod", f"--namespace={self.name}", check=False).stdout]
        for pod in self.nodes.pods.values():
            if pod.pod.metadata.namespace == self.name and pod.log.exists():
                texts.append(f"--- {pod.pod.metadata.name}\n{pod.log.read_text()[-3000:]}")
        return "\n".join(texts)


def same(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


def contains(text: str, wanted: str) -> None:
    if wanted not in text:
        raise AssertionError(f"no {wanted!r} in {text!r}")


def guide(root: Path) -> str:
    """The commands of the guide."""
    page = (root / "docs/guide/shards.md").read_text()
    _, rest = page.split("```sh kubernetes\n", 1)
    return rest.split("```", 1)[0]


def run(case: Case) -> None:
    """The commands of the guide bring one report, which counts every pull of all shards once."""
    case.write()
    case.kubectl("apply", "-k", case.manifests, "--dry-run=server")
    same(case.kubectl("get", "job,service,secret,networkpolicy", "--output=name"), "", "what a dry run leaves")
    (case.manifests / "token").unlink()
    before = case.registry.pulls()
    environment = {
        "KUBECONFIG": str(case.kubeconfig),
        "PATH": f"{case.plane.programs}:{case.nodes.program.parent}:{os.environ['PATH']}",
        "HOME": str(case.work),
    }
    shell = ["bash", "-euo", "pipefail", "-c", guide(case.root)]
    done = subprocess.run(shell, cwd=case.work, env=environment, capture_output=True, text=True, check=False)
    same(done.returncode, 0, f"the guide's commands\n{done.stdout}{done.stderr}")
    report = json.loads((case.work / "report.json").read_text())
    same([it["index"] for it in report["shards"]], list(range(SHARDS)), "shards of the report")
    same(report["totals"]["starts"], {"scheduled": ITERATIONS, "started": ITERATIONS, "dropped": 0}, "starts")
    same(case.registry.pulls() - before, ITERATIONS, "pulls that the registry saw")
    case.machine_was_quiet()
    contains(done.stdout, "SuccessCriteriaMet: ")
    contains(done.stdout, "PASS")
    same(case.end()[0], "Complete", "condition")


def spread(case: Case) -> None:
    """Each shard has a node of its own, and all succeed."""
    case.write()
    case.apply()
    pods = case.running()
    same(len({it["spec"]["nodeName"] for it in pods.values()}), SHARDS, "nodes")
    kind, _ = case.end()
    case.machine_was_quiet()
    same(kind, "Complete", "condition")
    same(case.codes(pods), dict.fromkeys(range(SHARDS), 0), "exit codes")


def verdict(case: Case) -> None:
    """A broken threshold is the exit code of index 0 alone, and the Job says so."""
    case.write(limit=BROKEN)
    case.apply()
    pods = case.running()
    kind, message = case.end()
    case.machine_was_quiet()
    same(kind, "Failed", "condition")
    contains(message, "exit code 1 ")
    same(case.codes(pods), {0: 1} | dict.fromkeys(range(1, SHARDS), 0), "exit codes")
    same(case.report()["verdict"], "fail", "verdict of the report")


def lose(case: Case, end: Callable[[dict], None], index: int = 2) -> dict[int, dict]:
    """Ends the pod of an index while it measures."""
    case.apply()
    pods = case.running()
    before = case.registry.pulls()
    case.plane.until("the load runs", lambda: case.registry.pulls() - before > ITERATIONS / 10)
    end(pods[index])
    return pods


def lost(case: Case) -> None:
    """A pod that dies makes the run invalid: its part of the load is counted as lost, and none starts in its place."""
    case.write()
    pods = lose(case, lambda pod: case.nodes.kill(pod["metadata"]["uid"]))
    kind, message = case.end()
    same(kind, "Failed", "condition")
    contains(message, "exit code 4 ")
    same(case.codes(pods), {0: 4, 1: 0, 2: 137, 3: 0}, "exit codes")
    same(case.started(), SHARDS, "pods that ever started")
    report = case.report()
    same([it["lost"] for it in report["shards"]], [False, False, True, False], "lost shards")
    # Its samples went with it.
    owed = ITERATIONS // SHARDS
    same(report["totals"]["starts"], {"scheduled": ITERATIONS, "started": ITERATIONS - owed, "dropped": owed}, "starts")
    same(report["journeys"][0]["drops"], {"lost-shard": owed}, "drops")
    same([it["holds"] for it in report["closure"] if not it["holds"]], [], "sums that do not close")
    contains("\n".join(report["notes"]), "shard 2 was lost")


def allowed(case: Case) -> None:
    """A pod that is evicted drains. With `--allow-lost` the Job is complete by its first index, although another one failed."""
    case.write(arguments=("--allow-lost=50%",))
    pods = lose(case, lambda pod: case.kubectl("delete", "pod", pod["metadata"]["name"]))
    kind, _ = case.end()
    case.machine_was_quiet()
    same(kind, "Complete", "condition")
    codes = case.codes(pods)
    same(codes, {0: 0, 1: 0, 2: 130, 3: 0}, "exit codes")
    same(case.job()["status"].get("failedIndexes"), "2", "failed indexes")
    report = case.report()
    same([it["lost"] for it in report["shards"]], [False, False, True, False], "lost shards")
    contains("\n".join(report["notes"]), "shard 2 was lost: it was stopped")


def first(case: Case) -> None:
    """Without index 0 the others stop and keep their reports, and the Job fails without a verdict."""
    case.write()
    pods = lose(case, lambda pod: case.nodes.kill(pod["metadata"]["uid"]), index=0)
    kind, message = case.end()
    same((kind, message), ("Failed", "Job has failed indexes"), "condition")
    same(case.codes(pods), {0: 137} | dict.fromkeys(range(1, SHARDS), 130), "exit codes")
    log = case.kubectl("logs", pods[1]["metadata"]["name"])
    contains(log, '"regstorm.report/')
    contains(log, "the report of this shard is for `regstorm merge`")


def again(case: Case) -> None:
    """A pod in place of one that was lost is refused, which ends the Job."""
    case.write(spec={"backoffLimitPerIndex": 1})
    lose(case, lambda pod: case.nodes.kill(pod["metadata"]["uid"]))
    kind, message = case.end()
    same(kind, "Failed", "condition")
    contains(message, "exit code 5 ")
    contains(case.messages(), "the load has begun without this shard")


def dead(case: Case) -> None:
    """A target that is not there ends the Job at once, and the pod says why."""
    case.write(target="http://127.0.0.1:1")
    case.apply()
    kind, message = case.end()
    same(kind, "Failed", "condition")
    contains(message, "exit code 5 ")
    contains(case.messages(), "127.0.0.1:1")
    same([it["metadata"]["name"] for it in case.pods().values() if it["status"]["phase"] == "Running"], [], "pods that go on")


def stranger(case: Case) -> None:
    """A pod with another token is refused, and the load does not notice."""
    # The pod is there before the shards are: then it comes to the meeting point first.
    case.write(spec={"suspend": True})
    case.apply()
    case.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"}, "stringData": {"token": "another token of the test\n"}})
    spec = case.job()["spec"]["template"]["spec"]
    spec["containers"][0]["args"][2] = f"--shard=1/{SHARDS}"
    next(it for it in spec["volumes"] if it["name"] == "token")["secret"]["secretName"] = "other"
    case.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger"}, "spec": spec})
    phase = ("get", "pod", "stranger", "--output=jsonpath={.status.phase}")
    case.plane.until("the stranger runs", lambda: case.kubectl(*phase) == "Running")
    case.kubectl("patch", "job", "regstorm", '--patch={"spec": {"suspend": false}}')
    pods = case.running()

    def ended() -> dict | None:
        stranger = json.loads(case.kubectl("get", "pod", "stranger", "--output=json"))
        return stranger if stranger["status"]["phase"] == "Failed" else None

    state = case.plane.until("the stranger ends", ended)["status"]["containerStatuses"][0]["state"]["terminated"]
    same(state["exitCode"], 5, "exit code")
    contains(state["message"], "the tokens differ")
    kind, _ = case.end()
    case.machine_was_quiet()
    same(kind, "Complete", "condition")
    same(case.codes(pods), dict.fromkeys(range(SHARDS), 0), "exit codes")


def certify(case: Case) -> None:
    """Makes the files of the component as its first lines say."""
    lines = (case.manifests / "tls/kustomization.yaml").read_text().splitlines()
    indented = [it.removeprefix("#     ") for it in lines if it.startswith("#     ")]
    same(indented[0], "components: [tls]", "the line for the kustomization")
    subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(indented[1:])], cwd=case.work, capture_output=True, check=True)


def encrypt(case: Case) -> None:
    case.write()
    with open(case.manifests / "kustomization.yaml", "a") as file:
        file.write("components: [tls]\n")
    certify(case)


def tls(case: Case) -> None:
    """With the component the shards meet within TLS."""
    encrypt(case)
    case.apply()
    pods = case.running()
    kind, _ = case.end()
    case.machine_was_quiet()
    same(kind, "Complete", "condition")
    same(case.codes(pods), dict.fromkeys(range(SHARDS), 0), "exit codes")


def untrusted(case: Case) -> None:
    """Index 0 has a certificate that the others do not trust: they say so, which ends the Job."""
    encrypt(case)
    component = case.manifests / "tls"
    other = (component / "ca.crt").read_bytes()
    certify(case)
    (component / "ca.crt").write_bytes(other)
    case.apply()
    kind, message = case.end()
    same(kind, "Failed", "condition")
    contains(message, "exit code 5 ")
    contains(case.messages(), "certificate")


CASES: dict[str, Callable[[Case], None]] = {
    it.__name__: it
    for it in (run, spread, verdict, lost, allowed, first, again, dead, stranger, tls, untrusted)
}

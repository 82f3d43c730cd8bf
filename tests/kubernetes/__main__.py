"""Runs deploy/kubernetes on a control plane: a load to its end, and everything that may end it otherwise."""

import argparse
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from cases import CASES, Busy, Case
from control_plane import ControlPlane
from nodes import Nodes
from registry import Registry

ROOT = Path(__file__).resolve().parents[2]
# One for each shard and one more: then it shows whether they spread.
NODES = [f"node-{number}" for number in range(5)]
# How often a case is tried where the machine is too busy for it.
ATTEMPTS = 3


def main() -> int:
    arguments = argparse.ArgumentParser(prog="scripts/test-kubernetes", description=__doc__)
    arguments.add_argument("--control-plane", type=Path, required=True, metavar="DIR")
    arguments.add_argument("--regstorm", type=Path, required=True, metavar="PROGRAM")
    arguments.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)} [default: all]")
    given = arguments.parse_args()
    chosen = {name: case for name, case in CASES.items() if name in given.cases or not given.cases}
    if not chosen:
        arguments.error(f"no such case; there are {', '.join(CASES)}")
    directory = Path(tempfile.mkdtemp(prefix="regstorm-kubernetes-"))
    # The pods run as another user.
    directory.chmod(0o755)
    program = directory / "regstorm"
    shutil.copy(given.regstorm, program)
    failed = []
    with contextlib.ExitStack() as stack:
        plane = stack.enter_context(ControlPlane(given.control_plane, directory))
        registry = stack.enter_context(Registry(directory))
        nodes = stack.enter_context(Nodes(plane.kubeconfig, NODES, program, directory))
        print(plane.kubectl("version").stdout, flush=True)
        for name, run in chosen.items():
            for attempt in range(ATTEMPTS):
                case = Case(f"{name}-{attempt}", plane, nodes, registry, ROOT, directory)
                try:
                    run(case)
                    print(f"{name}: ok: {run.__doc__}", flush=True)
                    break
                except Busy as error:
                    print(f"{name}: the machine was too busy: {error}", flush=True)
                except Exception as error:  # noqa: BLE001
                    print(f"{name}: FAILED: {error!r}\n{case.state()}", flush=True)
                    failed.append(name)
                    break
            else:
                failed.append(f"{name} (not shown: the machine was too busy)")
    if failed:
        print(f"failed: {', '.join(failed)}; the logs are in {directory}")
        return 1
    shutil.rmtree(directory)
    print(f"{len(chosen)} of {len(chosen)} cases hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())

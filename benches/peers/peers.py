"""The peers that send one request over and over: how each is told to do a job, and what its output says that it did.

All of them keep one thread, send `Accept` as a registry wants it, and count nothing before they are connected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from image import MANIFEST_TYPE
from k6 import k6
from machine import Finished
from work import Contestant, Job, Kind, Reading, Unreadable

ACCEPT = f"Accept: {MANIFEST_TYPE}"
CLOSE = "Connection: close"

# A peer makes a contestant of its program's path and a job, or says None: it cannot do that.
Peer = Callable[[str, Job], Contestant | None]

WRK_LUA = """\
done = function(summary)
    local e = summary.errors
    io.write(string.format(
        '{"requests": %d, "bytes": %.0f, "us": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\\n',
        summary.requests, summary.bytes, summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
"""
WRK_LUA_PUSH = """\
wrk.method = "PUT"
wrk.body = assert(io.open("BLOB", "rb")):read("*a")
"""


def wrk(path: str, job: Job) -> Contestant | None:
    """wrk. Bodies on their way at the end are counted for what came of them when pulled, and not at all when pushed."""
    if job.work.kind.is_image:
        return None
    script = job.scratch / "wrk.lua"
    pushing = job.work.kind is Kind.PUSH
    script.write_text(WRK_LUA + (WRK_LUA_PUSH.replace("BLOB", str(job.image.blob)) if pushing else ""))
    command = [path, "-t1", f"-c{job.work.connections}", f"-d{job.seconds}s", "--timeout", "30s", "-s", str(script)]
    command += ["-H", ACCEPT] + ([] if job.work.keep_alive else ["-H", CLOSE]) + [job.address]

    def read(finished: Finished) -> Reading:
        line = next((it for it in finished.out.splitlines() if it.startswith("{")), None)
        if line is None:
            raise Unreadable("no summary")
        told: dict[str, float] = json.loads(line)
        moved = told["requests"] * job.body_size if pushing else told["bytes"]
        errors = tuple(f"{told[it]:.0f} {it} errors" for it in ("connect", "read", "write", "status", "timeout") if told[it])
        return _steady(told["requests"], moved, told["us"] / 1e6, errors)

    return Contestant("wrk", command, read)


def oha(path: str, job: Job) -> Contestant | None:
    """oha. Blobs on their way at the end are waited for; small requests are broken off, which is no error."""
    if job.work.kind.is_image:
        return None
    command = [path, "--no-tui", "--output-format", "json", "--worker-threads", "1", "-H", ACCEPT]
    command += ["-z", f"{job.seconds}s", "-c", str(job.work.connections)]
    command += [] if job.work.keep_alive else ["--disable-keepalive"]
    command += [] if job.work.kind is Kind.MANIFEST else ["-w"]
    command += ["-m", "PUT", "-D", str(job.image.blob)] if job.work.kind is Kind.PUSH else []

    def read(finished: Finished) -> Reading:
        try:
            told = json.loads(finished.out)
        except json.JSONDecodeError as error:
            raise Unreadable("no JSON") from error
        statuses: dict[str, int] = told["statusCodeDistribution"]
        failures: dict[str, int] = told["errorDistribution"]
        failures.pop("aborted due to deadline", None)
        errors = _bad_statuses(statuses) + tuple(f"{count} x {what}" for what, count in failures.items())
        requests = sum(statuses.values())
        return _steady(requests, requests * job.body_size, told["summary"]["total"], errors)

    return Contestant("oha", [*command, job.address], read)


def hey(path: str, job: Job) -> Contestant | None:
    """hey. It waits for what is on its way at the end."""
    if job.work.kind.is_image:
        return None
    command = [path, "-cpus", "1", "-z", f"{job.seconds}s", "-c", str(job.work.connections), "-H", ACCEPT]
    command += [] if job.work.keep_alive else ["-disable-keepalive"]
    command += ["-m", "PUT", "-D", str(job.image.blob)] if job.work.kind is Kind.PUSH else []

    def read(finished: Finished) -> Reading:
        seconds = _number(r"Total:\s+([\d.]+) secs", finished.out)
        requests = round(_number(r"Requests/sec:\s+([\d.]+)", finished.out) * seconds)
        statuses = {code: int(count) for code, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", finished.out)}
        errors = _bad_statuses(statuses)
        _, _, failures = finished.out.partition("Error distribution:")
        for count, what in re.findall(r"\[(\d+)\]\s+(.*)", failures):
            errors += (f"{count} x {what}",)
        if not statuses and not errors:
            raise Unreadable("no responses")
        return _steady(requests, requests * job.body_size, seconds, errors)

    return Contestant("hey", [*command, job.address], read)


def h2load(path: str, job: Job) -> Contestant | None:
    """h2load over HTTP/1.1. It has no way to open a connection for each request. Bodies as with wrk."""
    if job.work.kind.is_image or not job.work.keep_alive:
        return None
    pushing = job.work.kind is Kind.PUSH
    command = [path, "--h1", "-t1", f"-c{job.work.connections}", f"-D{job.seconds}", "-H", ACCEPT]
    command += ["-d", str(job.image.blob)] if pushing else []

    def read(finished: Finished) -> Reading:
        seconds = _number(r"finished in ([\d.]+)s", finished.out)
        requests = _number(r"(\d+) done", finished.out)
        names = ("failed", "errored", "timeout", "3xx", "4xx", "5xx")
        counts = {name: _number(rf"(\d+) {name}", finished.out) for name in names}
        errors = tuple(f"{count:.0f} {name}" for name, count in counts.items() if count)
        moved = requests * job.body_size if pushing else _number(r"\((\d+)\) data", finished.out)
        return _steady(requests, moved, seconds, errors)

    return Contestant("h2load", [*command, job.address], read)


PEERS: dict[str, Peer] = {"wrk": wrk, "oha": oha, "hey": hey, "h2load": h2load, "k6": k6}


def _steady(requests: float, moved: float, seconds: float, errors: tuple[str, ...]) -> Reading:
    """What a client says that has no warm-up: all that it did it measured."""
    if not requests and not errors:
        raise Unreadable("no request was answered")
    return Reading(requests, moved, seconds, requests, moved, errors=errors)


def _bad_statuses(statuses: dict[str, int]) -> tuple[str, ...]:
    return tuple(f"{count} x status {code}" for code, count in statuses.items() if not code.startswith("2"))


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise Unreadable(f"nothing like /{pattern}/")
    return float(found[1])

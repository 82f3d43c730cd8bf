"""regstorm among its peers: a scenario for each job, and what its report says that it did."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import image
from machine import Finished
from work import Contestant, Job, Kind, Lag, Reading, Unreadable

NAME = "regstorm"
INVALID = 4  # the generator was the limit, which is what is measured here; the row says so
FILLER = "filler"  # the journey that is there for its work only, beside the one whose starts are watched


def closed(path: str, job: Job, name: str = NAME) -> Contestant:
    """Users that start over when they are done, for the time of the job."""
    load = f"""\
executor = "constant-vus"
vus = {job.work.connections}
duration = "{job.seconds}s"
warmup = "1s"
"""
    return _contestant(path, job, name, _loaded(load))


def paced(path: str, job: Job, rate: int, filler: int = 0) -> Contestant:
    """`rate` arrivals a second whose starts are watched, and `filler` more from a load of their own."""
    load = f"""\
executor = "constant-arrival-rate"
rate = {rate}
max_vus = {job.work.connections}
warmup = "1s"
duration = "{job.seconds}s"
"""
    more = load.replace(f"rate = {rate}", f"rate = {filler}")
    beside = f'\n[journey.{FILLER}]\n{_journey(job)}\n[[load]]\njourney = "{FILLER}"\n{more}' if filler else ""
    contestant = _contestant(path, job, NAME, _loaded(load) + beside)
    return replace(contestant, note=f"and {filler:,} more requests a second") if filler else contestant


def _loaded(load: str) -> str:
    return f'[[load]]\njourney = "bench"\n{load}'


def _contestant(path: str, job: Job, name: str, loads: str) -> Contestant:
    stem = "".join(it if it.isalnum() else "-" for it in name)
    scenario, report = job.scratch / f"{stem}.toml", job.scratch / f"{stem}.json"
    # What is pushed into a sink cannot be read back.
    audit = '[audit]\nsample = "none"\n'
    target = f'[target]\nurl = "{job.url}"\n'
    scenario.write_text(f'name = "peers"\n{target}{audit}{_images(job)}\n[journey.bench]\n{_journey(job)}\n{loads}')

    def read(finished: Finished) -> Reading:
        if not report.exists():
            raise Unreadable("no report")
        told: dict[str, Any] = json.loads(report.read_text())
        report.unlink()  # so that the next round cannot read it
        return _reading(told, pushing=job.work.kind.is_push)

    return Contestant(name, [path, "run", str(scenario), "--out", str(report), "--quiet"], read, (0, INVALID))


def _images(job: Job) -> str:
    if job.work.kind.is_push:
        layers = len(job.image.layer_paths)
        return f'[images.one]\nsource = "synthetic"\ncount = 1\nlayers = {layers}\nlayer_size = "{job.image.layer_size}B"\n'
    return f'[images.one]\nsource = "existing"\nreferences = ["{job.image.name}:{image.TAG}"]\n'


def _journey(job: Job) -> str:
    work = job.work
    of_kind = {
        Kind.MANIFEST: 'action = "poll"\nmethod = "get"\n',
        Kind.BLOB: f'action = "pull"\nverify = "{work.verify}"\n',
        Kind.PULL_IMAGE: f'action = "pull"\nverify = "{work.verify}"\n',
        # The fewest requests that the specification knows: one for each blob, with everything in it, and the manifest.
        Kind.PUSH: 'action = "push"\nmethod = "post"\nunique = false\nexists_check = "never"\nconfig_check = "never"\n',
        Kind.PUSH_IMAGE: 'action = "push"\nmethod = "put"\nunique = false\nexists_check = "never"\nconfig_check = "never"\n',
    }[work.kind]
    connections = "per-vu" if work.keep_alive else "per-request"
    # One transfer at a time, so that there are as many at once as the peers have.
    one = "" if work.kind is Kind.MANIFEST else "parallel = 1\n"
    return f'images = "one"\nconnections = "{connections}"\nthink_time = "{work.think_time}"\n{of_kind}{one}'


def _reading(told: dict[str, Any], *, pushing: bool) -> Reading:
    way = "sent" if pushing else "received"
    operations = told["operations"]
    measured = told["totals"]
    everything = [measured, *told["periods"]]
    return Reading(
        requests=sum(it["within_window"] for it in operations),
        moved=sum(it["bytes_within_window"][way] for it in operations),
        seconds=told["window_us"] / 1e6,
        all_requests=sum(sum(it["exchanges"].values()) for it in everything),
        all_moved=sum(it["bytes"][way] for it in everything),
        all_images=sum(it["iterations"]["ok"] for it in everything),
        errors=_errors(told, everything),
        notes=_notes(told),
        lag=_lag(told),
    )


def _errors(told: dict[str, Any], everything: list[dict[str, Any]]) -> tuple[str, ...]:
    counts = {
        "exchanges failed": sum(it["exchanges"]["failed"] for it in everything),
        "exchanges cancelled": sum(it["exchanges"]["cancelled"] for it in everything),
        "iterations failed": sum(it["iterations"]["failed"] for it in everything),
        "starts dropped": sum(it["starts"]["dropped"] for it in everything),
    }
    lists = [told["operations"], *(it["operations"] for it in told["periods"])]
    for status, count in (pair for operations in lists for it in operations for pair in it["statuses"].items()):
        if not status.startswith("2"):
            counts[f"x status {status}"] = counts.get(f"x status {status}", 0) + count
    errors = tuple(f"{count} {what}" for what, count in counts.items() if count)
    return (*errors, "interrupted") if told["interrupted"] else errors


def _notes(told: dict[str, Any]) -> tuple[str, ...]:
    """What regstorm thinks of its own numbers."""
    health = told["generator"]["health"]
    if health["verdict"] == "valid":
        return ()
    signals = sorted({it["signal"] for it in health["reasons"]})
    return (f"{health['verdict']}: {', '.join(signals)}",)


def _lag(told: dict[str, Any]) -> Lag | None:
    lag = next(it["start_lag"] for it in told["journeys"] if it["name"] == "bench")
    workers = told["generator"]["signals"]["workers"]
    if lag["p99_us"] is None or not workers:
        return None
    busy = max(it["busy"] for it in workers)
    wanted = max(it["busy"] + it["waiting"] for it in workers)
    return Lag(lag["p50_us"], lag["p99_us"], lag["max_us"], busy, min(wanted, 1.0))

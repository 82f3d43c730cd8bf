"""The rows: what is compared with what, and on which server."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace

import storm
from image import MEGABYTE, SMALL
from machine import run
from metronome import metronome
from peers import PEERS
from servers import Server
from work import Contestant, Job, Kind, Reading, Unreadable, Work

STARTS = 10_000  # a second, where start lag is measured
# Where growth is measured: some 1,000 requests a second, and some nine times as many.
FEW, MANY = "regstorm, users think for 64 ms", "regstorm, users think for 5 ms"
THINKING = {FEW: "64ms", MANY: "5ms"}
BUSY = 0.8  # of a core, where starts are made beside other work
NEAR = 0.04  # how far from that a trial may be
FAR = 0.1  # how far from that a round may be
TRIALS = 6
PATIENCE = 120  # seconds that a client may take longer than it was told


class Table(enum.Enum):
    """Which columns a row has."""

    RATE = enum.auto()
    VOLUME = enum.auto()
    IMAGES = enum.auto()
    MEMORY = enum.auto()
    LAG = enum.auto()
    GROWTH = enum.auto()


@dataclass(frozen=True)
class Programs:
    """Where regstorm is, the peers that are installed, and the machine's own measure."""

    regstorm: str
    peers: dict[str, str]
    metronome: str
    client_core: int


# Makes the contestants of a row. Some rows need to try first what this machine bears.
Field = Callable[[Programs, Job], list[Contestant]]


@dataclass(frozen=True)
class Row:
    """A piece of work, a server, and those who do it."""

    name: str
    title: str
    table: Table
    server: Server
    work: Work
    field: Field
    most_rounds: int | None = None
    more_seconds: int = 0  # on top of what is asked for
    forgiving: bool = False  # a peer's errors are noted, and its round counts


def everybody(programs: Programs, job: Job) -> list[Contestant]:
    """regstorm and the peers that can do the job."""
    able = (PEERS[name](path, job) for name, path in programs.peers.items())
    return [storm.closed(programs.regstorm, job), *(it for it in able if it is not None)]


def paced(programs: Programs, job: Job) -> list[Contestant]:
    """regstorm with arrivals and nothing else to do."""
    return [storm.paced(programs.regstorm, job, STARTS), metronome(programs.metronome, job, STARTS)]


def paced_and_busy(programs: Programs, job: Job) -> list[Contestant]:
    """regstorm with the same arrivals, and as many more requests as make it busy.

    Those come from a second open load of the same run. Its rate is found by trying: each trial tells how much of the
    core the worker wanted, and the next rate supposes that a request costs what it cost in that trial.
    """
    rate = STARTS
    for _ in range(TRIALS):
        trial = storm.paced(programs.regstorm, job, STARTS, rate)
        lag = trial.reading(run(trial.command, programs.client_core, job.seconds + PATIENCE)).lag
        if lag is None:
            raise Unreadable("a trial tells no start lag")
        if abs(lag.wanted - BUSY) <= NEAR:
            break
        # In small steps: one that is full does not tell how much too much it has to do.
        step = min(max(BUSY / max(lag.wanted, 0.01), 0.7), 2.0)
        rate = max(round((STARTS + rate) * step) - STARTS, 1)
    contestant = storm.paced(programs.regstorm, job, STARTS, rate)
    busy = replace(contestant, read=lambda finished: _busy_enough(contestant.read(finished)))
    return [busy, metronome(programs.metronome, job, STARTS)]


def _busy_enough(reading: Reading) -> Reading:
    """The same, with an error where the worker was not as busy as it was to be."""
    if reading.lag and abs(reading.lag.wanted - BUSY) > FAR:
        return replace(reading, errors=(*reading.errors, f"the worker wanted {reading.lag.wanted:.0%} of its core"))
    return reading


def few_and_many(programs: Programs, job: Job) -> list[Contestant]:
    """regstorm with some requests, and with nine times as many in the same time.

    Of the same users, who think for less: arrivals would open more connections at the higher rate, whenever the machine
    falls behind.
    """
    return [
        storm.closed(programs.regstorm, replace(job, work=replace(job.work, think_time=think_time)), name=name)
        for name, think_time in THINKING.items()
    ]


def manifests(name: str, title: str, server: Server, work: Work) -> Row:
    """A row of small answers, in which everybody takes part."""
    return Row(name, title, Table.RATE, server, work, everybody)


def blobs(name: str, title: str, server: Server, work: Work) -> Row:
    """A row of large bodies, in which everybody takes part."""
    return Row(name, title, Table.VOLUME, server, work, everybody)


def images(name: str, title: str, server: Server, kind: Kind, which: str) -> Row:
    """A row of whole images, for which eight users come back; regstorm verifies every byte of what it pulls."""
    return Row(name, title, Table.IMAGES, server, Work(kind, 8, which, verify="digest"), everybody)


GET_64 = Work(Kind.MANIFEST, 64)
GET_1000 = Work(Kind.MANIFEST, 1000)

ROWS = (
    manifests("manifest-64", "Manifest of 1 KiB, c=64", Server.ORIGIN, GET_64),
    manifests("manifest-1000", "Manifest of 1 KiB, c=1000", Server.ORIGIN, GET_1000),
    manifests("nginx-manifest-64", "Manifest of 1 KiB from nginx, c=64", Server.NGINX, GET_64),
    manifests("nginx-manifest-1000", "Manifest of 1 KiB from nginx, c=1000", Server.NGINX, GET_1000),
    manifests(
        "new-connection",
        "A new connection for each request, nginx, c=64",
        Server.NGINX,
        Work(Kind.MANIFEST, 64, keep_alive=False),
    ),
    blobs(
        "blob-verified",
        "Blob of 64 MiB from nginx, c=4; regstorm verifies every byte",
        Server.NGINX,
        Work(Kind.BLOB, 4, verify="digest"),
    ),
    blobs("blob-none", "Blob of 64 MiB from nginx, c=4; no client verifies", Server.NGINX, Work(Kind.BLOB, 4)),
    images("pull-small", "Pull of ten layers of 10 KB, c=8", Server.ORIGIN, Kind.PULL_IMAGE, SMALL),
    images("pull-megabyte", "Pull of one layer of 1 MB, c=8", Server.ORIGIN, Kind.PULL_IMAGE, MEGABYTE),
    images("push-small", "Push of ten layers of 10 KB to a sink, c=8", Server.ORIGIN, Kind.PUSH_IMAGE, SMALL),
    images("push-megabyte", "Push of one layer of 1 MB to a sink, c=8", Server.ORIGIN, Kind.PUSH_IMAGE, MEGABYTE),
    images("nginx-pull-small", "Pull of ten layers of 10 KB from nginx, c=8", Server.NGINX, Kind.PULL_IMAGE, SMALL),
    images("nginx-pull-megabyte", "Pull of one layer of 1 MB from nginx, c=8", Server.NGINX, Kind.PULL_IMAGE, MEGABYTE),
    images("registry-pull-small", "Pull of ten layers of 10 KB from docker-registry, c=8", Server.REGISTRY, Kind.PULL_IMAGE, SMALL),
    images("registry-pull-megabyte", "Pull of one layer of 1 MB from docker-registry, c=8", Server.REGISTRY, Kind.PULL_IMAGE, MEGABYTE),
    blobs("push", "Push of 64 MiB to a sink, c=4", Server.ORIGIN, Work(Kind.PUSH, 4)),
    Row(
        "memory",
        "10,000 connections; regstorm's users pause for 2 s, the peers send without pause",
        Table.MEMORY,
        Server.ORIGIN,
        Work(Kind.MANIFEST, 10_000, think_time="2s"),
        everybody,
        most_rounds=2,
        more_seconds=4,
        forgiving=True,
    ),
    Row("start-lag", "Start lag at 10,000 starts per second", Table.LAG, Server.ORIGIN, Work(Kind.MANIFEST, 200), paced),
    Row(
        "start-lag-busy",
        "Start lag beside a second load that keeps the core 80% busy",
        Table.LAG,
        Server.ORIGIN,
        Work(Kind.MANIFEST, 200),
        paced_and_busy,
    ),
    Row(
        "growth",
        "Memory after nine times as many requests in the same time",
        Table.GROWTH,
        Server.ORIGIN,
        GET_64,
        few_and_many,
        more_seconds=9,
    ),
    manifests("docker-registry", "Manifest of 1 KiB from docker-registry, c=64", Server.REGISTRY, GET_64),
)

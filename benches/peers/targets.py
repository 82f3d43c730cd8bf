"""What regstorm is to reach: the goals of the project, and whether a comparison met them."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass

from metronome import NAME as METRONOME
from results import Metric, Results, cpu_s_a_gigabyte, gigabytes_a_second, lag_p99, peak_megabytes, rate
from rows import FEW, MANY
from storm import NAME


class Verdict(enum.Enum):
    """How a measured value stands to its target."""

    AIM = "meets aim"
    MUST = "meets must"
    MISSED = "**misses**"
    BOTH_MISSED = "**misses**, and so does the machine alone"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Bounds:
    """A number that must be reached, and a better one that should be."""

    must: float
    aim: float
    unit: str = ""
    at_least: bool = True  # False: the less the better

    def verdict(self, value: float) -> Verdict:
        """Judges a measured value."""
        if self._reached(value, self.aim):
            return Verdict.AIM
        return Verdict.MUST if self._reached(value, self.must) else Verdict.MISSED

    def _reached(self, value: float, bound: float) -> bool:
        return value >= bound if self.at_least else value <= bound


def at_least(must: float, aim: float) -> Bounds:
    """The more the better: a ratio."""
    return Bounds(must, aim)


def at_most(must: float, aim: float, unit: str = "") -> Bounds:
    """The less the better."""
    return Bounds(must, aim, unit and f" {unit}", at_least=False)


# What a row has come to; `None` where it was not measured.
Measure = Callable[[Results, str], float | None]


@dataclass(frozen=True)
class Target:
    """What a row is to come to."""

    metric: str
    row: str
    measure: Measure
    bounds: Bounds
    floor: Measure | None = None  # what the machine comes to by itself

    def value(self, it: Results) -> float | None:
        """What was measured."""
        value = self.measure(it, self.row)
        return None if value is None or math.isnan(value) else value

    def verdict(self, it: Results) -> Verdict:
        """Whether that is good enough."""
        value = self.value(it)
        if value is None:
            return Verdict.UNKNOWN
        verdict = self.bounds.verdict(value)
        floor = self.floor(it, self.row) if self.floor and verdict is Verdict.MISSED else None
        if floor is not None and self.bounds.verdict(floor) is Verdict.MISSED:
            return Verdict.BOTH_MISSED
        return verdict


def against(metric: Metric, *others: str) -> Measure:
    """regstorm's metric, divided by that of the best of others."""
    return lambda it, row: it.ratio(row, NAME, metric, others)


def median(metric: Metric, contestant: str = NAME) -> Measure:
    """The median of a metric."""

    def measure(it: Results, row: str) -> float | None:
        spread = it.spread(row, contestant, metric)
        return spread.median if spread else None

    return measure


def growth(it: Results, row: str) -> float | None:
    """Megabytes that some nine times as many requests take more."""
    few, many = (median(peak_megabytes, name)(it, row) for name in (FEW, MANY))
    return None if few is None or many is None else many - few


TARGETS = (
    Target("manifest, c=64: requests/s against oha", "manifest-64", against(rate, "oha"), at_least(1.15, 1.25)),
    Target("manifest, c=64: requests/s against wrk", "manifest-64", against(rate, "wrk"), at_least(0.85, 1.0)),
    Target("manifest, c=1000: requests/s against oha", "manifest-1000", against(rate, "oha"), at_least(1.15, 1.7)),
    Target("manifest, c=1000: requests/s against wrk", "manifest-1000", against(rate, "wrk"), at_least(0.65, 1.0)),
    # Seconds a gigabyte are the machine's as much as a program's: 0.30, 0.22, 0.20 and 0.10, where oha reads one in 0.25.
    Target("pull, every byte verified: CPU a GB against oha", "blob-verified", against(cpu_s_a_gigabyte, "oha"), at_most(1.2, 0.88)),
    Target('pull, `verify = "none"`: CPU a GB against oha', "blob-none", against(cpu_s_a_gigabyte, "oha"), at_most(0.8, 0.4)),
    Target(
        "push: GB/s against the best of wrk, oha, hey",
        "push",
        against(gigabytes_a_second, "wrk", "oha", "hey"),
        at_least(1.1, 1.3),
    ),
    Target("new connection: requests/s against wrk", "new-connection", against(rate, "wrk"), at_least(0.95, 1.0)),
    Target("10,000 users: peak memory", "memory", median(peak_megabytes), at_most(300, 100, "MB")),
    Target("start lag, idle: p99", "start-lag", median(lag_p99), at_most(150, 60, "µs"), median(lag_p99, METRONOME)),
    Target("start lag, 80% busy: p99", "start-lag-busy", median(lag_p99), at_most(150, 60, "µs"), median(lag_p99, METRONOME)),
    # None is wanted; two runs of one plan differ by less than 1 MB.
    Target("nine times the requests: growth of memory", "growth", growth, at_most(1, 1, "MB")),
)

"""What regstorm is to reach: the goals of the project, and whether a comparison met them."""

from __future__ import annotations

import enum
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from metronome import NAME as METRONOME
from results import Metric, Results, cpu_ms_an_image, cpu_s_a_gigabyte, gigabytes_a_second, lag_p99, peak_megabytes, rate
from rows import FEW, MANY
from storm import NAME


class Verdict(enum.Enum):
    """How a measured value stands to its target."""

    AIM = "meets aim"
    MUST = "meets must"
    MISSED = "**misses**"
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

    def value(self, it: Results) -> float | None:
        """What was measured."""
        value = self.measure(it, self.row)
        return None if value is None or math.isnan(value) else value

    def verdict(self, it: Results) -> Verdict:
        """Whether that is good enough."""
        value = self.value(it)
        if value is None:
            return Verdict.UNKNOWN
        return self.bounds.verdict(value)


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


def memory_of_each(it: Results, row: str) -> float | None:
    """Kibibytes of the whole process for each of 10,000 users."""
    megabytes = median(peak_megabytes)(it, row)
    return None if megabytes is None else megabytes * 1e6 / 1024 / 10_000


def lag_of_ours(it: Results, row: str) -> float | None:
    """Microseconds by which regstorm's p99 is above the metronome's of the same round: the median of the three best rounds.

    In the others the machine was late by itself for one of the two.
    """
    ours, floors = it.rounds(row, NAME), it.rounds(row, METRONOME)
    beyond = sorted(lag_p99(ours[number]) - lag_p99(floors[number]) for number in ours if number in floors)
    return statistics.median(beyond[:3]) if beyond else None


of_k6 = against(cpu_ms_an_image, "k6")

TARGETS = (
    Target("manifest, c=64: requests/s vs. oha", "manifest-64", against(rate, "oha"), at_least(1.0, 1.15)),
    Target("manifest, c=1000: requests/s vs. oha", "manifest-1000", against(rate, "oha"), at_least(1.0, 1.2)),
    Target("pull of one layer of 1 MB, verified: CPU per image vs. k6", "pull-megabyte", of_k6, at_most(0.42, 0.36)),
    Target("pull of ten layers of 10 KB, verified: CPU per image vs. k6", "pull-small", of_k6, at_most(0.14, 0.11)),
    Target("push of one layer of 1 MB: CPU per image vs. k6", "push-megabyte", of_k6, at_most(0.5, 0.3)),
    Target("push of ten layers of 10 KB: CPU per image vs. k6", "push-small", of_k6, at_most(0.5, 0.3)),
    # Seconds a gigabyte are the machine's as much as a program's.
    Target("pull, every byte verified: CPU per GB vs. oha", "blob-verified", against(cpu_s_a_gigabyte, "oha"), at_most(1.0, 0.88)),
    Target('pull, `verify = "none"`: CPU per GB vs. oha', "blob-none", against(cpu_s_a_gigabyte, "oha"), at_most(0.6, 0.4)),
    Target(
        "push: GB/s vs. the best of wrk, oha, hey",
        "push",
        against(gigabytes_a_second, "wrk", "oha", "hey"),
        at_least(0.95, 1.05),
    ),
    Target("new connection: requests/s vs. wrk", "new-connection", against(rate, "wrk"), at_least(0.95, 1.0)),
    Target("10,000 users: memory of each", "memory", memory_of_each, at_most(20, 10, "KiB")),
    Target("start lag, idle: p99 beyond the metronome's, the best rounds", "start-lag", lag_of_ours, at_most(60, 30, "µs")),
    Target("start lag, 80% busy: p99 beyond the metronome's, the best rounds", "start-lag-busy", lag_of_ours, at_most(60, 30, "µs")),
    # None is wanted; two runs of one plan differ by less than 1 MB.
    Target("nine times the requests: growth of memory", "growth", growth, at_most(1, 1, "MB")),
)

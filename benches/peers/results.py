"""What was measured, round by round, and medians of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from machine import Finished
from work import Reading


@dataclass(frozen=True)
class Measurement:
    """One round of one contestant."""

    row: str
    contestant: str
    round: int
    finished: Finished
    server_cpu_seconds: float  # of the server while the contestant ran
    reading: Reading | None  # None: its output says nothing
    thrown_out: str | None  # why it does not count
    note: str = ""  # what is to be known of the contestant

    def notes(self) -> list[str]:
        """What is to be known of this round: errors that are forgiven, too."""
        told = (*self.reading.notes, *self.reading.errors) if self.reading else ()
        return [it for it in (self.note, *told) if it]

    def need(self) -> Reading:
        """The reading of a round that counts."""
        if self.reading is None:
            raise ValueError("a round without a reading does not count")
        return self.reading


Metric = Callable[[Measurement], float]


def rate(it: Measurement) -> float:
    """Requests a second."""
    return it.need().requests / it.need().seconds


def gigabytes_a_second(it: Measurement) -> float:
    """10^9 bytes of bodies a second."""
    return it.need().moved / it.need().seconds / 1e9


def cpu_us_a_request(it: Measurement) -> float:
    """Microseconds of processor time for a request, from the start of the process to its end."""
    return it.finished.cpu_seconds * 1e6 / it.need().all_requests


def cpu_s_a_gigabyte(it: Measurement) -> float:
    """Seconds of processor time for 10^9 bytes, from the start of the process to its end."""
    return it.finished.cpu_seconds * 1e9 / it.need().all_moved


def images_a_second(it: Measurement) -> float:
    """Whole images a second, from the start of the process to its end."""
    return it.need().all_images / it.finished.seconds


def cpu_ms_an_image(it: Measurement) -> float:
    """Milliseconds of processor time for an image, from the start of the process to its end."""
    return it.finished.cpu_seconds * 1e3 / it.need().all_images


def core_share(it: Measurement) -> float:
    """Per cent of its core that the client took while it ran."""
    return 100 * it.finished.cpu_seconds / it.finished.seconds


def server_share(it: Measurement) -> float:
    """Per cent of its core that the server took meanwhile: at 100 it is the server that is measured."""
    return 100 * it.server_cpu_seconds / it.finished.seconds


def peak_megabytes(it: Measurement) -> float:
    """The most resident memory, in 10^6 bytes."""
    return it.finished.peak_rss / 1e6


def lag_p50(it: Measurement) -> float:
    """Microseconds that half of the starts were late, or less."""
    lag = it.need().lag
    return lag.p50_us if lag else float("nan")


def lag_p99(it: Measurement) -> float:
    """Microseconds that 99% of the starts were late, or less."""
    lag = it.need().lag
    return lag.p99_us if lag else float("nan")


def busy(it: Measurement) -> float:
    """Per cent of the time that regstorm's worker worked."""
    lag = it.need().lag
    return 100 * lag.busy if lag else float("nan")


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, the least and the most."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Iterable[float]) -> Spread | None:
        """Of nothing there is none; what is no number was not told."""
        known = sorted(it for it in values if not math.isnan(it))
        return Spread(statistics.median(known), known[0], known[-1]) if known else None


@dataclass
class Results:
    """Every round of every row."""

    measurements: list[Measurement] = field(default_factory=list)

    def of_row(self, row: str) -> list[Measurement]:
        """All rounds of a row, those thrown out included."""
        return [it for it in self.measurements if it.row == row]

    def rounds(self, row: str, contestant: str) -> dict[int, Measurement]:
        """The rounds that count, by their number."""
        mine = (it for it in self.of_row(row) if it.contestant == contestant)
        return {it.round: it for it in mine if it.thrown_out is None}

    def spread(self, row: str, contestant: str, metric: Metric) -> Spread | None:
        """A metric over the rounds."""
        return Spread.of(metric(it) for it in self.rounds(row, contestant).values())

    def ratio(self, row: str, contestant: str, metric: Metric, to: Iterable[str]) -> float | None:
        """The median over the rounds of: the contestant's metric, divided by the best (greatest) of others in that round.

        All the others must have done a round for it to count, or the best could be missing.
        """
        mine = self.rounds(row, contestant)
        others = [self.rounds(row, it) for it in to]
        others = [it for it in others if it]
        both = [number for number in mine if others and all(number in it for it in others)]
        spread = Spread.of(metric(mine[it]) / max(metric(other[it]) for other in others) for it in both)
        return spread.median if spread else None

"""What was measured, as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import results
from results import Measurement, Metric, Results, Spread
from rows import Row, Table
from storm import NAME
from targets import Target

UNKNOWN = "-"


@dataclass(frozen=True)
class Column:
    """A heading, and the cell of a contestant."""

    heading: str
    cell: Callable[[Results, str, str], str]  # of the row and the contestant by that name


def _spread(heading: str, metric: Metric, digits: int) -> Column:
    def cell(it: Results, row: str, contestant: str) -> str:
        spread = it.spread(row, contestant, metric)
        return _with_spread(spread, digits) if spread else UNKNOWN

    return Column(heading, cell)


def _median(heading: str, metric: Metric, digits: int) -> Column:
    def cell(it: Results, row: str, contestant: str) -> str:
        spread = it.spread(row, contestant, metric)
        return f"{spread.median:,.{digits}f}" if spread else UNKNOWN

    return Column(heading, cell)


def _ratio(metric: Metric, to: str) -> Column:
    def cell(it: Results, row: str, contestant: str) -> str:
        ratio = it.ratio(row, contestant, metric, [to])
        return UNKNOWN if ratio is None else f"{ratio:.2f}"

    return Column(f"/ {to}", cell)


CORE = _median("% of its core", results.core_share, 0)
SERVER = _median("% of the server's", results.server_share, 0)
MEMORY = _median("peak MB", results.peak_megabytes, 0)

COLUMNS: dict[Table, list[Column]] = {
    Table.RATE: [
        _spread("requests/s", results.rate, 0),
        _ratio(results.rate, "wrk"),
        _ratio(results.rate, "oha"),
        _spread("CPU µs/request", results.cpu_us_a_request, 1),
        CORE,
        SERVER,
        MEMORY,
    ],
    Table.VOLUME: [
        _spread("GB/s", results.gigabytes_a_second, 2),
        _ratio(results.gigabytes_a_second, "wrk"),
        _ratio(results.gigabytes_a_second, "oha"),
        _spread("CPU s/GB", results.cpu_s_a_gigabyte, 3),
        CORE,
        SERVER,
        MEMORY,
    ],
    Table.IMAGES: [
        _spread("images/s", results.images_a_second, 0),
        _spread("CPU ms/image", results.cpu_ms_an_image, 3),
        _ratio(results.cpu_ms_an_image, "k6"),
        CORE,
        SERVER,
        MEMORY,
    ],
    Table.MEMORY: [_spread("peak MB", results.peak_megabytes, 0), _median("requests/s", results.rate, 0), CORE, SERVER],
    Table.LAG: [
        _median("p50 µs", results.lag_p50, 0),
        _spread("p99 µs", results.lag_p99, 0),
        _spread("worker busy %", results.busy, 0),
        _median("requests/s", results.rate, 0),
        CORE,
        SERVER,
    ],
    Table.GROWTH: [_spread("peak MB", results.peak_megabytes, 1), _median("requests/s", results.rate, 0), CORE, SERVER],
}


def of_row(row: Row, it: Results) -> str:
    """The table of a row, and below it what was thrown out."""
    columns = COLUMNS[row.table]
    measured = it.of_row(row.name)
    names = sorted({one.contestant for one in measured}, key=lambda name: (not name.startswith(NAME), name))
    lines = [
        [name, *(column.cell(it, row.name, name) for column in columns), _notes(it.of_row(row.name), name)] for name in names
    ]
    thrown_out = [
        f"- thrown out: {one.contestant}, round {one.round + 1}: {one.thrown_out}" for one in measured if one.thrown_out
    ]
    heading = f"### {row.title} (`{row.name}`)"
    text = _table(["client", *(column.heading for column in columns), "notes"], lines)
    return "\n\n".join([heading, text, *(["\n".join(thrown_out)] if thrown_out else [])])


def of_targets(targets: Iterable[Target], it: Results) -> str:
    """The table of targets."""
    lines = [_target(target, it) for target in targets]
    return "### Targets\n\n" + _table(["metric", "must", "aim", "measured", "verdict"], lines)


def _target(target: Target, it: Results) -> list[str]:
    value, bounds = target.value(it), target.bounds
    must = f"{'at least' if bounds.at_least else 'at most'} {bounds.must:g}{bounds.unit}"
    measured = UNKNOWN if value is None else f"{value:,.2f}{bounds.unit}"
    return [target.metric, must, f"{bounds.aim:g}{bounds.unit}", measured, target.verdict(it).value]


def _with_spread(spread: Spread, digits: int) -> str:
    if spread.least == spread.most:
        return f"{spread.median:,.{digits}f}"
    return f"{spread.median:,.{digits}f} ({spread.least:,.{digits}f} to {spread.most:,.{digits}f})"


def _notes(measured: Iterable[Measurement], contestant: str) -> str:
    """Each note once, with the number of rounds that have it where not all have."""
    rounds = [one for one in measured if one.contestant == contestant and one.thrown_out is None]
    notes: dict[str, int] = {}
    for one in rounds:
        for note in one.notes():
            notes[note] = notes.get(note, 0) + 1
    some = (note if count == len(rounds) else f"{note} ({count} of {len(rounds)} rounds)" for note, count in notes.items())
    return "; ".join(some)


def _table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table whose first and last columns are words; those between are numbers, to the right."""
    rule = ["---", *["---:"] * (len(headings) - 2), "---"]
    escaped = ([cell.replace("|", "\\|") for cell in cells] for cells in [headings, rule, *lines])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)

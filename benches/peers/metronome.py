"""How late this machine is by itself, beside which regstorm's start lag is read."""

from __future__ import annotations

import json
from typing import Any

from machine import Finished
from work import Contestant, Job, Lag, Reading, Unreadable

NAME = "metronome"


def metronome(path: str, job: Job, rate: int) -> Contestant:
    """A timer and a request at each tick, with no other work and nothing measured but how late the ticks were."""
    port = job.url.rpartition(":")[2]
    command = [path, port, job.image.manifest_path, str(rate), str(job.work.connections), str(job.seconds)]

    def read(finished: Finished) -> Reading:
        try:
            told: dict[str, Any] = json.loads(finished.out)
        except json.JSONDecodeError as error:
            raise Unreadable("no JSON") from error
        starts, failures = told["starts"], told["failures"]
        moved = starts * job.body_size
        warm_up = rate  # one second
        return Reading(
            requests=starts,
            moved=moved,
            seconds=job.seconds,
            all_requests=starts + warm_up,
            all_moved=moved + warm_up * job.body_size,
            errors=(f"{failures} answers late or bad",) if failures else (),
            lag=Lag(told["p50_us"], told["p99_us"], told["max_us"]),
        )

    return Contestant(NAME, command, read)

"""k6: a script that moves whole images, and what its summary says that it did."""

from __future__ import annotations

import json
from typing import Any

from image import MANIFEST_TYPE, Image
from machine import Finished
from work import Contestant, Job, Kind, Reading, Unreadable

# k6 checks no byte: it throws bodies away, as its users are told to for load.
OPTIONS = """\
import http from "k6/http";
import { check } from "k6";
export const options = { vus: VUS, duration: "SECONDSs", discardResponseBodies: true, summaryTrendStats: ["avg"] };
const url = "URL", accept = { headers: { Accept: "TYPE" } };
const good = (it) => { check(it, { good: (it) => it.status >= 200 && it.status < 300 }); return it; };
export function handleSummary(data) { return { "SUMMARY": JSON.stringify(data.metrics) }; }
"""
PULL = """\
const blobs = BLOBS;
export default function () {
    good(http.get(url + "MANIFEST", accept));
    for (const blob of blobs) good(http.get(url + blob));
}
"""
PUSH = """\
const blobs = BLOBS.map(([digest, path]) => [digest, open(path, "b")]);
const manifest = open("MANIFEST_FILE", "b");
const bytes = { headers: { "Content-Type": "application/octet-stream" } };
export default function () {
    for (const [digest, body] of blobs) {
        const session = good(http.post(url + "/v2/NAME/blobs/uploads/")).headers["Location"];
        const location = session.startsWith("/") ? url + session : session;
        good(http.put(location + (location.includes("?") ? "&" : "?") + "digest=" + digest, body, bytes));
    }
    good(http.put(url + "MANIFEST", manifest, { headers: { "Content-Type": "TYPE" } }));
}
"""


def k6(path: str, job: Job) -> Contestant | None:
    """k6, with as many users as regstorm has. Images on their way at the end are waited for."""
    if not job.work.kind.is_image:
        return None
    script, summary = job.scratch / "k6.js", job.scratch / "k6.json"
    script.write_text(_script(job, str(summary)))
    command = ["env", "GOMAXPROCS=1", path, "run", "--quiet", "--no-usage-report", "--address", "", str(script)]

    def read(finished: Finished) -> Reading:
        if not summary.exists():
            raise Unreadable("no summary")
        told: dict[str, Any] = json.loads(summary.read_text())
        summary.unlink()  # so that the next round cannot read it
        return _reading(told, job)

    return Contestant("k6", command, read)


def _script(job: Job, summary: str) -> str:
    image = job.image
    pushing = job.work.kind is Kind.PUSH_IMAGE
    words = {
        "MANIFEST_FILE": str(image.file(image.manifest_path)),
        "MANIFEST": image.manifest_path,
        "BLOBS": json.dumps(_blobs(image) if pushing else image.blob_paths),
        "NAME": image.name,
        "VUS": str(job.work.connections),
        "SECONDS": str(job.seconds),
        "SUMMARY": summary,
        "TYPE": MANIFEST_TYPE,
        "URL": job.url,
    }
    text = OPTIONS + (PUSH if pushing else PULL)
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _blobs(image: Image) -> list[tuple[str, str]]:
    return [(it.rsplit("/", 1)[1], str(image.file(it))) for it in image.blob_paths]


def _reading(told: dict[str, Any], job: Job) -> Reading:
    images, requests = (told[it]["values"]["count"] for it in ("iterations", "http_reqs"))
    failed = told["checks"]["values"]["fails"]
    seconds = images / told["iterations"]["values"]["rate"]
    moved = images * job.body_size
    errors = (f"{failed} responses that are not 2xx",) if failed else ()
    return Reading(requests, moved, seconds, requests, moved, images, errors)

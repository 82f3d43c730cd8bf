"""The image that everybody moves: one blob of 64 MiB that nobody can compress, and a manifest of 1 KiB."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from machine import Failure

NAME = "bench"
TAG = "latest"
BLOB_SIZE = 64 << 20
MANIFEST_SIZE = 1 << 10
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG = b"{}"
PIECE = 1 << 20  # this process stays small: its own memory is the least that it can see of its children


@dataclass(frozen=True)
class Image:
    """Files below a directory, under the paths at which a registry serves them."""

    root: Path
    manifest_path: str
    blob_path: str
    config_path: str

    @property
    def blob(self) -> Path:
        """The file of the blob."""
        return self.root / self.blob_path.lstrip("/")

    def push(self, port: int) -> None:
        """Stores the image in the registry on 127.0.0.1:`port`."""
        for path in (self.blob_path, self.config_path):
            location = _request(port, "POST", f"/v2/{NAME}/blobs/uploads/")
            digest = path.rsplit("/", 1)[1]
            _request(port, "PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", self.root / path.lstrip("/"))
        _request(port, "PUT", self.manifest_path, self.root / self.manifest_path.lstrip("/"), MANIFEST_TYPE)


def directory() -> Path:
    """A new directory in memory, or on disk where there is no memory file system with room."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 8 * BLOB_SIZE
    return Path(tempfile.mkdtemp(prefix="regstorm-peers-", dir=shared if roomy else None))


def make(root: Path) -> Image:
    """Writes the image below `root`."""
    blobs = root / "v2" / NAME / "blobs"
    manifests = root / "v2" / NAME / "manifests"
    for it in (blobs, manifests):
        it.mkdir(parents=True)
    layer, config = _random_blob(blobs), "sha256:" + hashlib.sha256(CONFIG).hexdigest()
    (blobs / config).write_bytes(CONFIG)
    (manifests / TAG).write_bytes(_manifest(layer, config))
    paths = (f"/v2/{NAME}/manifests/{TAG}", f"/v2/{NAME}/blobs/{layer}", f"/v2/{NAME}/blobs/{config}")
    return Image(root, *paths)


def _random_blob(blobs: Path) -> str:
    sha256 = hashlib.sha256()
    with (blobs / "new").open("wb") as file:
        for _ in range(BLOB_SIZE // PIECE):
            piece = os.urandom(PIECE)
            sha256.update(piece)
            file.write(piece)
    digest = f"sha256:{sha256.hexdigest()}"
    (blobs / "new").rename(blobs / digest)
    return digest


def _manifest(layer: str, config: str) -> bytes:
    def of(padding: int) -> bytes:
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": len(CONFIG)},
                "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": BLOB_SIZE}],
                "annotations": {"padding": "x" * padding},
            }
        ).encode()

    return of(MANIFEST_SIZE - len(of(0)))


def _request(port: int, method: str, path: str, body: Path | None = None, kind: str = "application/octet-stream") -> str:
    """Sends a request, which must succeed; returns the location that the answer tells."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": kind, "Content-Length": str(body.stat().st_size if body else 0)}
        if body:
            with body.open("rb") as file:
                connection.request(method, path, file, headers)
        else:
            connection.request(method, path, headers=headers)
        response = connection.getresponse()
        if not 200 <= response.status < 300:
            raise Failure(f"{method} {path}: {response.status} {response.read()[:200]!r}")
        return response.headers.get("Location", "")
    finally:
        connection.close()

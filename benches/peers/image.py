"""The images that everybody moves: layers that nobody can compress, a config, and a manifest."""

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

TAG = "latest"
MANIFEST_SIZE = 1 << 10  # of the image with one layer of 64 MiB
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
PIECE = 1 << 20  # this process stays small: its own memory is the least that it can see of its children
# Names of the images: one layer of 64 MiB, one of a megabyte, ten of ten kilobytes.
LARGE, MEGABYTE, SMALL = "bench", "megabyte", "small"
SHAPES = {LARGE: (1, 64 << 20), MEGABYTE: (1, 1_000_000), SMALL: (10, 10_000)}


@dataclass(frozen=True)
class Image:
    """Files below a directory, under the paths at which a registry serves them."""

    root: Path
    name: str
    layer_size: int  # bytes, of each

    manifest_path: str
    config_path: str
    layer_paths: tuple[str, ...]

    def file(self, path: str) -> Path:
        """The file that is served at a path."""
        return self.root / path.lstrip("/")

    @property
    def blob(self) -> Path:
        """The file of its first layer."""
        return self.file(self.layer_paths[0])

    @property
    def blob_paths(self) -> tuple[str, ...]:
        """The paths of its config and its layers."""
        return (self.config_path, *self.layer_paths)

    @property
    def size(self) -> int:
        """The bytes of all of its bodies."""
        return sum(self.file(it).stat().st_size for it in (self.manifest_path, *self.blob_paths))

    def push(self, port: int) -> None:
        """Stores the image in the registry on 127.0.0.1:`port`."""
        for path in self.blob_paths:
            location = _request(port, "POST", f"/v2/{self.name}/blobs/uploads/")
            digest = path.rsplit("/", 1)[1]
            _request(port, "PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", self.file(path))
        _request(port, "PUT", self.manifest_path, self.file(self.manifest_path), MANIFEST_TYPE)


def directory() -> Path:
    """A new directory in memory, or on disk where there is no memory file system with room."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 8 * SHAPES[LARGE][1]
    return Path(tempfile.mkdtemp(prefix="regstorm-peers-", dir=shared if roomy else None))


def make(root: Path) -> dict[str, Image]:
    """Writes the images below `root`."""
    return {name: _make(root, name, layers, size) for name, (layers, size) in SHAPES.items()}


def _make(root: Path, name: str, layers: int, size: int) -> Image:
    blobs, manifests = root / "v2" / name / "blobs", root / "v2" / name / "manifests"
    for it in (blobs, manifests):
        it.mkdir(parents=True)
    digests = [_random_blob(blobs, size) for _ in range(layers)]
    config_text = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": digests}}).encode()
    config = "sha256:" + hashlib.sha256(config_text).hexdigest()
    (blobs / config).write_bytes(config_text)
    (manifests / TAG).write_bytes(_manifest((config, len(config_text)), digests, size))
    path = f"/v2/{name}/blobs"
    return Image(root, name, size, f"/v2/{name}/manifests/{TAG}", f"{path}/{config}", tuple(f"{path}/{it}" for it in digests))


def _random_blob(blobs: Path, size: int) -> str:
    sha256 = hashlib.sha256()
    with (blobs / "new").open("wb") as file:
        for begin in range(0, size, PIECE):
            piece = os.urandom(min(PIECE, size - begin))
            sha256.update(piece)
            file.write(piece)
    digest = f"sha256:{sha256.hexdigest()}"
    (blobs / "new").rename(blobs / digest)
    return digest


def _manifest(config: tuple[str, int], layers: list[str], size: int) -> bytes:
    def of(padding: int) -> bytes:
        kind = "application/vnd.oci.image"
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": {"mediaType": f"{kind}.config.v1+json", "digest": config[0], "size": config[1]},
                "layers": [{"mediaType": f"{kind}.layer.v1.tar", "digest": it, "size": size} for it in layers],
                "annotations": {"padding": "x" * padding},
            }
        ).encode()

    return of(max(MANIFEST_SIZE - len(of(0)), 0))


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

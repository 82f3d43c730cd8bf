"""The servers that are loaded, each on the server's core and a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from image import Image, LARGE
from machine import Cores, free_port, serving


class Server(enum.Enum):
    """What is loaded."""

    ORIGIN = "origin"  # faster than any client: small documents from memory, a sink for uploads
    NGINX = "nginx"  # what sends a file without touching it
    REGISTRY = "docker-registry"  # what users have


@dataclass(frozen=True)
class Running:
    """A server that answers, in one process."""

    pid: int
    port: int


@dataclass(frozen=True)
class Servers:
    """Where the servers' programs are, and what they need."""

    programs: dict[Server, str]
    images: dict[str, Image]
    work: Path  # an empty directory
    cores: Cores

    @contextlib.contextmanager
    def running(self, server: Server) -> Iterator[Running]:
        """Keeps a server running with the images in it; returns control once it answers."""
        port = free_port()
        with serving(self._command(server, port), self.cores.server, port) as pid:
            if server is Server.REGISTRY:
                for image in self.images.values():
                    image.push(port)
            yield Running(pid, port)

    @property
    def _root(self) -> Path:
        return self.images[LARGE].root

    def _command(self, server: Server, port: int) -> list[str]:
        path = self.programs[server]
        match server:
            case Server.ORIGIN:
                return [path, str(port), str(self._root)]
            case Server.NGINX:
                config = self.work / "nginx.conf"
                config.write_text(NGINX.format(work=self.work, root=self._root, port=port))
                return [path, "-p", str(self.work), "-e", str(self.work / "nginx.err"), "-c", str(config)]
            case Server.REGISTRY:
                config = self.work / "registry.yml"
                config.write_text(REGISTRY.format(work=self.work, port=port))
                return [path, "serve", str(config)]


# One process, so that what is killed is all of it.
NGINX = """\
master_process off;
daemon off;
pid {work}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=16384;
        root {root};
        location = /v2/ {{ return 200 "{{}}"; }}
        location ~ /manifests/ {{ default_type application/vnd.oci.image.manifest.v1+json; }}
    }}
}}
"""

REGISTRY = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {work}/registry}}
http: {{addr: "127.0.0.1:{port}", secret: bench}}
"""

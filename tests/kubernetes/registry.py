"""Debian's docker-registry on loopback, and what it was asked for."""

import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Self

from control_plane import PATIENCE, free_port

CONFIG = """version: 0.1
log: {{level: info, formatter: text, accesslog: {{disabled: false}}}}
storage:
  delete: {{enabled: true}}
  maintenance: {{uploadpurging: {{enabled: false}}}}
  filesystem: {{rootdirectory: {directory}/registry}}
http: {{addr: "127.0.0.1:{port}", secret: test}}
"""


class Registry:
    """Runs until the `with` ends."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "docker-registry.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        config = self.directory / "docker-registry.yml"
        config.write_text(CONFIG.format(directory=self.directory, port=self.port))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/v2/", timeout=10).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def pulls(self) -> int:
        """How many manifests were pulled so far."""
        lines = self.log.read_text(errors="replace").splitlines()
        return sum('"GET /v2/' in it and "/manifests/" in it and " 200 " in it for it in lines)

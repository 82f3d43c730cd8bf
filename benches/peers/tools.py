"""The programs: where each is found or how it is built, how a missing one is installed, and which version it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from machine import Failure, program
from peers import PEERS
from rows import Row
from servers import Server

REPOSITORY = Path(__file__).resolve().parents[2]
DEBIAN = {"wrk": "wrk", "hey": "hey", "h2load": "nghttp2-client", "nginx": "nginx", "docker-registry": "docker-registry"}
OTHERS = {
    "oha": "cargo install oha --locked --no-default-features --features rustls",
    "k6": "go install go.k6.io/k6@latest",
}
VERSION = {
    "wrk": ["-v"],
    "oha": ["--version"],
    "h2load": ["--version"],
    "k6": ["version"],
    "nginx": ["-v"],
    "docker-registry": ["--version"],
    "regstorm": ["--version"],
}


def say(text: str) -> None:
    """Tells the one who waits; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def install() -> None:
    """Installs the Debian packages that are missing."""
    missing = sorted(package for name, package in DEBIAN.items() if program(name) is None)
    if missing:
        command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
            raise Failure(f"{shlex.join(command)} failed")


def servable(rows: list[Row]) -> tuple[list[Row], dict[Server, str]]:
    """The rows whose servers are here, and where these are."""
    paths = {}
    for server in dict.fromkeys(row.server for row in rows):
        path = built("ORIGIN", "origin", "--example") if server is Server.ORIGIN else program(server.value)
        if path:
            paths[server] = path
        elif server is Server.NGINX:
            raise Failure(f"nginx is missing: {how_to_get(server.value)}")
        else:
            say(f"{server.value} is missing, so its rows are left out: {how_to_get(server.value)}")
    return [row for row in rows if row.server in paths], paths


def found_peers() -> dict[str, str]:
    """The peers that are installed; tells of those that are not."""
    paths = {name: program(name) for name in PEERS}
    for name, path in paths.items():
        if path is None:
            say(f"{name} is missing and left out: {how_to_get(name)}")
    return {name: path for name, path in paths.items() if path is not None}


def how_to_get(name: str) -> str:
    """The command that installs a program."""
    return OTHERS.get(name) or f"apt-get install {DEBIAN[name]} (or --install)"


def built(variable: str, name: str, kind: str) -> str:
    """A binary of this repository: the one that the environment names, or built now."""
    named = os.environ.get(variable)
    if named:
        if not os.access(named, os.X_OK):
            raise Failure(f"{variable}={named} is no program")
        return str(Path(named).resolve())
    say(f"building {name}")
    command = ["cargo", "build", "--profile", "dist", kind, name, "--message-format", "json-render-diagnostics"]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"{name} could not be built: {error}") from error
    paths = [json.loads(line).get("executable") for line in done.stdout.splitlines()]
    return str(next(path for path in reversed(paths) if path))


def version(name: str, path: str) -> str:
    """The name of a program with its version, as it tells it or as its package has it."""
    if name in VERSION:
        done = subprocess.run([path, *VERSION[name]], capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
    else:
        command = ["dpkg-query", "--show", "--showformat=${Version}", DEBIAN[name]]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout if shutil.which(command[0]) else ""
    found = re.search(r"\d+\.\d+[\w.+]*", text)
    return f"{name} {found[0] if found else '(version unknown)'}"


def commit() -> str:
    """Which commit regstorm was built of, if it was built here."""
    if os.environ.get("REGSTORM"):
        return ""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() if shutil.which("git") else ""
    return f"; regstorm of commit {text}" if text else ""

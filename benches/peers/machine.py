"""What runs where: children on a core of their own, bounded in time, and what they cost."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None, use_errno=True)
# Daemons live in sbin, and what cargo installs in a directory of its own; the path of a normal user may lack both.
MORE_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin", *(str(Path.home() / it / "bin") for it in (".cargo", "go")))


class Failure(Exception):
    """What ends the whole comparison, in words for the one who started it."""


@dataclass(frozen=True)
class Cores:
    """Where the servers run and where the clients; the same core where there is only one."""

    server: int
    client: int

    @staticmethod
    def of_this_machine() -> Cores:
        """The first two cores that this process may use."""
        usable = sorted(os.sched_getaffinity(0))
        return Cores(usable[0], usable[min(1, len(usable) - 1)])

    def __str__(self) -> str:
        if self.server == self.client:
            return f"server and client share core {self.server}: **too few cores, so no number below means anything**"
        return f"server on core {self.server}, client on core {self.client}"


@dataclass(frozen=True)
class Finished:
    """A child that has ended."""

    code: int  # negative: the signal that ended it
    in_time: bool  # False: it was killed at its limit
    seconds: float
    cpu_seconds: float  # user and system, its threads and the children that it waited for included
    peak_rss: int  # bytes; never less than this process had when it made the child
    out: str
    err: str


def program(name: str) -> str | None:
    """The path of a program, if it is installed."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *MORE_PATH)))


def run(command: Sequence[str], core: int, limit: float) -> Finished:
    """Runs a command on one core, for `limit` seconds at most."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        child = _start(command, core, out, err)
        try:
            in_time = _ended_within(child.pid, limit)
            seconds = time.monotonic() - began
        finally:
            _kill(child.pid)  # and whatever it left behind
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        return Finished(
            code=child.returncode,
            in_time=in_time,
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_rss=usage.ru_maxrss * 1024,
            out=_text(out),
            err=_text(err),
        )


@contextlib.contextmanager
def serving(command: Sequence[str], core: int, port: int) -> Iterator[int]:
    """Keeps a server running on one core; returns control with its process id once it takes connections on `port`."""
    with tempfile.TemporaryFile() as output:
        child = _start(command, core, output, output)
        try:
            if not _takes_connections(port, child):
                raise Failure(f"{command[0]} does not serve on port {port}: {_text(output).strip()}")
            yield child.pid
        finally:
            _kill(child.pid)
            child.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time that a running process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


def description() -> str:
    """Processor, memory and kernel of this machine."""
    processor = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores of {processor}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def _start(command: Sequence[str], core: int, out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, preexec_fn=_on_core(core)
    )


def _on_core(core: int) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        # Whatever ends this process, even SIGKILL, ends its children.
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _ended_within(pid: int, limit: float) -> bool:
    """Waits for the end of a child, and leaves it to be reaped: its usage is yet to be read."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(limit * 1000))
    finally:
        os.close(descriptor)


def _takes_connections(port: int, child: subprocess.Popen[bytes]) -> bool:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        if child.poll() is not None:
            return False
        time.sleep(0.05)
    return False


def _kill(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")

"""What a client is asked to do, and what it says that it did."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import image
from image import Image
from machine import Finished


class Kind(enum.Enum):
    """What is moved."""

    MANIFEST = enum.auto()  # GET of 1 KiB
    BLOB = enum.auto()  # GET of 64 MiB
    PUSH = enum.auto()  # 64 MiB in the body of one request
    PULL_IMAGE = enum.auto()  # GET of a manifest, then of its config and of each layer
    PUSH_IMAGE = enum.auto()  # POST and PUT for the config and for each layer, then PUT of the manifest

    @property
    def is_push(self) -> bool:
        """Whether bodies go to the server."""
        return self in (Kind.PUSH, Kind.PUSH_IMAGE)

    @property
    def is_image(self) -> bool:
        """Whether a piece of it is a whole image."""
        return self in (Kind.PULL_IMAGE, Kind.PUSH_IMAGE)


@dataclass(frozen=True)
class Work:
    """As much of one kind as the client manages in a time."""

    kind: Kind
    connections: int
    which: str = image.LARGE  # the name of the image
    keep_alive: bool = True  # False: a connection for each request
    verify: str = "none"  # what regstorm checks of a blob; its peers check nothing
    think_time: str = "0s"  # regstorm's pause after each request; its peers pause never


@dataclass(frozen=True)
class Job:
    """Work, where it is to be done, and for how long."""

    work: Work
    url: str  # of the server
    images: dict[str, Image]
    seconds: int
    scratch: Path  # a directory for scripts, scenarios and reports

    @property
    def image(self) -> Image:
        """The image that is moved."""
        return self.images[self.work.which]

    @property
    def address(self) -> str:
        """The URL that a plain HTTP client asks for."""
        match self.work.kind:
            case Kind.MANIFEST:
                return self.url + self.image.manifest_path
            case Kind.BLOB:
                return self.url + self.image.layer_paths[0]
            case Kind.PUSH:
                return f"{self.url}/v2/{self.image.name}/blobs/uploads/1"
            case Kind.PULL_IMAGE | Kind.PUSH_IMAGE:
                return self.url

    @property
    def body_size(self) -> int:
        """The bytes of a body, whichever way it goes; of an image, of all of its bodies."""
        match self.work.kind:
            case Kind.MANIFEST:
                return image.MANIFEST_SIZE
            case Kind.BLOB | Kind.PUSH:
                return self.image.layer_size
            case Kind.PULL_IMAGE | Kind.PUSH_IMAGE:
                return self.image.size


@dataclass(frozen=True)
class Lag:
    """How late starts were, and how busy the worker was that made them, where that is told."""

    p50_us: float
    p99_us: float
    max_us: float
    busy: float = math.nan  # 0 to 1
    wanted: float = math.nan  # the same and what it waited for because others had the core, 0 to 1


@dataclass(frozen=True)
class Reading:
    """What a client says that it did."""

    requests: float  # in the time that it measured
    moved: float  # bytes of bodies in that time
    seconds: float  # that time
    all_requests: float  # of the whole process, as its processor time is: warm-up included
    all_moved: float
    all_images: float = math.nan  # the same, where whole images are moved
    errors: tuple[str, ...] = ()  # what was not answered with 2xx
    notes: tuple[str, ...] = ()
    lag: Lag | None = None


class Unreadable(Exception):
    """A client's output does not say what it did."""


@dataclass(frozen=True)
class Contestant:
    """A command whose output can be read."""

    name: str
    command: list[str]
    read: Callable[[Finished], Reading] = field(repr=False)
    good_codes: tuple[int, ...] = (0,)
    note: str = ""  # what is to be known of it, whatever its output says

    def reading(self, finished: Finished) -> Reading:
        """What it did; raises `Unreadable` and nothing else."""
        try:
            return self.read(finished)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise Unreadable(repr(error)) from error

"""Who works in a project: one window at a time, on whatever machine.

The lock is a small JSON file in the project folder, made in one step that only one of
two programs can win, also on a shared disk. Its owner counts it up now and then, so
that the others see that somebody is still there.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from pydantic import AwareDatetime, Field, ValidationError

from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.errors import StorageError
from napari_unet.project.identity import Name, Record
from napari_unet.project.layout import LOCK

_LARGEST = 10_000
_BEAT_SECONDS = 10.0
_STALE_SECONDS = 60.0
_LONG_AGO_SECONDS = 3600.0
_START_TOLERANCE = 2.0


class Holder(Record):
    """Who holds a lock: `started` is when the process started, in seconds since 1970.

    The token differs for every window. `beats` is counted up while the window is open.
    """

    user: Name
    host: Name
    pid: int = Field(ge=0, le=2**32)
    started: float = Field(ge=0, allow_inf_nan=False)
    since: AwareDatetime
    token: str = Field(pattern="^[0-9a-f]{16}$")
    beats: int = Field(0, ge=0, le=2**53)

    @classmethod
    def me(cls) -> Holder:
        """Return what there is to say of this process, with a new token."""
        process = psutil.Process()
        user = "somebody"
        with suppress(OSError, KeyError, ImportError):
            user = getpass.getuser()
        return cls(
            user=user,
            host=platform.node(),
            pid=process.pid,
            started=process.create_time(),
            since=datetime.now(UTC),
            token=secrets.token_hex(8),
        )

    def describe(self) -> str:
        """Return who it is, for people."""
        since = self.since.astimezone()
        return f"{self.user} on {self.host} since {since:%d %B, %H:%M}"


_UNKNOWN = Holder(
    user="somebody",
    host="an unknown machine",
    pid=0,
    started=0,
    since=datetime.fromtimestamp(0, UTC),
    token="0" * 16,
)


class FileLock:
    """The right to write somewhere, as a file; `held` is what the last look found."""

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._clock = clock
        self._me = Holder.me()
        # What somebody else's lock looked like, and since when.
        self._seen: tuple[bytes | None, float] = None, 0.0
        self._ours: bytes | None = None
        self.held = False
        self._beat_at = 0.0

    def still_ours(self) -> bool:
        """Look whether the lock is ours: nobody took it away, or it is back again."""
        content = self._read()
        # Asked with every stroke, so what it said last is not understood again.
        if content is None or content != self._ours:
            ours = content is not None and _parse(content).token == self._me.token
            self._ours = content if ours else None
        self.held = self._ours is not None
        return self.held

    def holder(self) -> Holder | None:
        """Return who else holds it; None if nobody does. Only reads.

        A lock is stale when its process is gone, or, on another machine, when it was
        not counted up for a minute, or not for an hour before it was looked at.
        """
        content = self._read()
        found = None if content is None else _parse(content)
        if found is not None and found.token == self._me.token:
            return None
        if content != self._seen[0]:
            self._seen = content, self._clock()
        return None if found is None or self._is_stale(found) else found

    def take(self) -> Holder | None:
        """Take the lock, if it is not ours already; return who else has it."""
        if self.still_ours():
            return None
        for _ in range(2):
            if other := self.holder():
                return other
            with told_in_words(self._path):
                self._remove_stale()
                if self._create():
                    return None
        raise StorageError(f"{self._path.parent} was just opened elsewhere; try again.")

    def sync(self) -> None:
        """Count the lock up now and then, and notice when it was taken; any thread."""
        if not self.held or self._clock() < self._beat_at:
            return
        self._beat_at = self._clock() + _BEAT_SECONDS
        if not self.still_ours():
            return
        self._me = self._me.model_copy(update={"beats": self._me.beats + 1})
        with suppress(OSError):
            write_atomically(self._path, lambda file: file.write(self._as_bytes()))

    def release(self) -> None:
        """Let others have it."""
        if self.still_ours():
            with suppress(OSError):
                self._path.unlink()
        self.held = False

    def _read(self) -> bytes | None:
        """Return what the file holds: asked with every stroke, so not by buffers."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        try:
            return os.read(descriptor, _LARGEST)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _is_stale(self, holder: Holder) -> bool:
        if holder.host == platform.node() and holder.pid:
            return not _is_running(holder)
        if self._clock() - self._seen[1] > _STALE_SECONDS:
            return True
        with suppress(OSError):
            return time.time() - self._path.stat().st_mtime > _LONG_AGO_SECONDS
        return True

    def _remove_stale(self) -> None:
        """Take a stale lock away, if it is still the one that was looked at.

        Only one at a time may look and take: whoever was slow would otherwise take the
        new lock of who was quick, and let a third one in.
        """
        if self._seen[0] is None:
            return
        taking = self._path.with_name(f".{self._path.name}.taking")
        with suppress(OSError):
            # Who made it was killed within a moment.
            if time.time() - taking.stat().st_mtime > _STALE_SECONDS:
                taking.unlink()
        try:
            taking.touch(exist_ok=False)
        except FileExistsError:
            return
        try:
            if self._read() == self._seen[0]:
                self._path.unlink(missing_ok=True)
        finally:
            taking.unlink(missing_ok=True)

    def _create(self) -> bool:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            descriptor = os.open(self._path, flags, 0o666)
        except FileExistsError:
            return False
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._as_bytes())
        except OSError:
            # An empty lock would lock everybody out, this window too.
            with suppress(OSError):
                self._path.unlink()
            raise
        self.held = True
        self._beat_at = self._clock() + _BEAT_SECONDS
        return True

    def _as_bytes(self) -> bytes:
        content = self._me.model_dump(mode="json")
        return (json.dumps(content, indent=1) + "\n").encode()


class ProjectLock(FileLock):
    """The right to write in a project folder."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(folder / LOCK, clock=clock)

    def acquire(self) -> None:
        """Take the lock; a StorageError tells who else has it."""
        if other := self.take():
            raise StorageError(
                f"{self._path.parent} is open elsewhere ({other.describe()}), so "
                "it is read-only here; close it there, or save in another folder."
            )


def read_holder(folder: Path) -> Holder | None:
    """Return who works in a project folder, as far as can be seen at once."""
    return ProjectLock(folder).holder()


def _parse(content: bytes) -> Holder:
    try:
        return Holder.model_validate_json(content)
    except ValidationError:
        return _UNKNOWN


def _is_running(holder: Holder) -> bool:
    try:
        started = psutil.Process(holder.pid).create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
    # Another process may have got the number of one that is gone.
    return abs(started - holder.started) < _START_TOLERANCE

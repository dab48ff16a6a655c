"""Processes that do jobs for this one: what computes for long shares no lock with it.

In Python one thread runs at a time. A window that is painted in keeps a training in the
same process waiting for most of the time, and the training makes the window late.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any, BinaryIO, cast

from napari_unet.core.frames import GREETING, Told, hear, send, send_stop
from napari_unet.core.jobs import Job
from napari_unet.errors import DeviceError

_THREADS = "OMP_NUM_THREADS"
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; "
    "from napari_unet.core.worker import main; main({niceness})"
)
_NICENESS = 10
"""The strokes of a person go first."""
_SECONDS_TO_END = 2.0


class Process:
    """A process that does one job at a time; see `napari_unet.core.worker`.

    `begin`, `stop` and `hear` belong to one thread, `leave` and `end` to any.

    Raises
    ------
    OSError
        If no process can be started, or it is not this program.
    """

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM.format(path=sys.path, niceness=_NICENESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Windows without a console gives none to inherit.
            stderr=None if sys.stderr is not None else subprocess.DEVNULL,
            env=os.environ | {_THREADS: os.environ.get(_THREADS, str(spare_cores()))},
            creationflags=_creation_flags(),
        )
        self._inbox = cast(BinaryIO, self._popen.stdin)
        self._outbox = cast(BinaryIO, self._popen.stdout)
        if self._outbox.read(len(GREETING)) != GREETING:
            self.end()
            raise OSError(f"{sys.executable} does not run this program")

    def begin(self, job: Job[Any, Any]) -> None:
        """Let it do a job.

        Raises
        ------
        DeviceError
            If the process has died.
        """
        try:
            send(self._inbox, job)
        except (OSError, ValueError) as error:
            raise self._death() from error

    def stop(self) -> None:
        """Ask the job to stop after its next event; its end is still told."""
        with suppress(OSError, ValueError):  # it has died; who listens will hear
            send_stop(self._inbox)

    def hear(self) -> Told:
        """Wait for an event of the job, or its end.

        Raises
        ------
        DeviceError
            If the process has died.
        """
        try:
            return hear(self._outbox)
        except (EOFError, OSError, ValueError) as error:
            raise self._death() from error

    @property
    def alive(self) -> bool:
        """Whether it can do a job."""
        return self._popen.poll() is None

    def leave(self) -> None:
        """Let it end by itself, as it does when nobody is there any more."""
        with suppress(OSError):
            self._inbox.close()

    def end(self) -> None:
        """End it, whatever it does; files are written whole or not at all."""
        self.leave()
        try:
            self._popen.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        # Last, for a thread that waits in it holds its lock.
        with suppress(OSError):
            self._outbox.close()

    def _death(self) -> DeviceError:
        self.end()
        code = self._popen.returncode
        how = f"signal {-code}" if code < 0 else f"code {code}"
        return DeviceError(
            f"The process that computed has died ({how}), as it does where memory runs "
            "out. What was published before stays; close other programs, then start "
            "again."
        )


class Processes:
    """Processes that were started, to be used again: the first job waits for torch."""

    def __init__(self) -> None:
        # Threads take and give back; what they do to the lists is atomic.
        self._idle: list[Process] = []
        self._all: list[Process] = []
        self._over = False

    def take(self) -> Process:
        """Return a process that has nothing to do; a new one if there is none.

        Raises
        ------
        OSError
            If none can be started.
        """
        while self._idle:
            if (found := self._idle.pop()).alive:
                return found
        self._forget_ended()
        made = Process()
        self._all.append(made)
        return made

    def give_back(self, process: Process) -> None:
        """Keep a process for the next job, if there may be one."""
        if self._over:
            process.end()
        else:
            self._idle.append(process)

    def rest(self) -> None:
        """Let those end that have nothing to do, and do not wait for it."""
        while self._idle:
            self._idle.pop().leave()

    def _forget_ended(self) -> None:
        """Give back to the system what it keeps of those that have ended."""
        for process in [each for each in self._all if not each.alive]:
            self._all.remove(process)
            process.end()

    def end(self) -> None:
        """End all of them, whatever they do; none is kept any more."""
        self._over = True
        self._idle.clear()
        while self._all:
            self._all.pop().end()


def spare_cores() -> int:
    """Return how many cores there are beside the one that a window needs."""
    if sys.platform == "linux":
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 1) - 1)


def _creation_flags() -> int:
    """Return how Windows starts it: with no console, and after what people do."""
    if sys.platform != "win32":
        return 0
    return subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS

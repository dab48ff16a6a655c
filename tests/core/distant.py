"""Jobs that are done in another process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from napari_unet.core.jobs import Job
from napari_unet.errors import ChannelMismatchError, InputError


@dataclass(frozen=True, slots=True)
class Count(Job[int, int]):
    """Yield numbers, slowly if asked; return the process that did it."""

    apart: ClassVar[bool] = True
    most: int
    pause: float = 0.0
    left: Path | None = None

    def run(self) -> Generator[int, None, int]:
        """Count; `left` is written when it is closed before the end."""
        os.write(1, b"what a job prints goes to standard error\n")
        try:
            for number in range(self.most):
                yield number
                time.sleep(self.pause)
        except GeneratorExit:
            if self.left is not None:
                self.left.write_text("closed")
            raise
        return os.getpid()


@dataclass(frozen=True, slots=True)
class Mute(Job[None, None]):
    """Tell nothing for a minute, as a job that imports much."""

    apart: ClassVar[bool] = True

    def run(self) -> Generator[None, None, None]:
        """Wait."""
        time.sleep(60)
        yield


class Stubborn(Exception):
    """An error that cannot travel."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


@dataclass(frozen=True, slots=True)
class Break(Job[None, Any]):
    """Fail in some way."""

    apart: ClassVar[bool] = True
    how: str

    def run(self) -> Generator[None, None, Any]:
        """Fail."""
        yield
        if self.how == "input":
            raise InputError("Nothing is verified yet.")
        if self.how == "channels":
            raise ChannelMismatchError("It has 3 channels", 1, 3, "CYX", "convert it")
        if self.how == "stubborn":
            raise Stubborn(1, 2)
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return lambda: "no lambda can be pickled"


@dataclass(frozen=True, slots=True)
class Facts(Job[None, dict[str, Any]]):
    """Say what the process is like."""

    def run(self) -> Generator[None, None, dict[str, Any]]:
        """Look around."""
        yield
        return {
            "pid": os.getpid(),
            "threads": os.environ.get("OMP_NUM_THREADS"),
            "nice": os.nice(0),
            "interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        }

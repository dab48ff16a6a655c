"""How a command ends that does not come to its end: a sentence and an exit code.

One rule for all of them:

- 2: something does not fit, is missing or cannot be done here, and a person can mend it
- 130: a person pressed Ctrl+C
- 1: something that the program did not expect, a defect of it; what happened is written
  into a file for whoever mends it
"""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import platformdirs

from napari_unet import __version__
from napari_unet.cli.console import (
    EXIT_DEFECT,
    EXIT_INTERRUPTED,
    EXIT_MISTAKE,
    in_words,
    plain,
    say,
)
from napari_unet.errors import NapariUnetError

_REPORT = "last-failure.txt"
_PACKAGE = __name__.partition(".")[0]


@contextmanager
def told_when_interrupted() -> Iterator[None]:
    """Say that somebody pressed Ctrl+C, and end the program."""
    try:
        yield
    except KeyboardInterrupt:
        _end("Interrupted.", EXIT_INTERRUPTED)


@contextmanager
def failures_in_words() -> Iterator[None]:
    """Say what ended a command, and end the program with the exit code for it."""
    try:
        with told_when_interrupted():
            yield
    except NapariUnetError as error:
        _end(str(error), EXIT_MISTAKE)
    except MemoryError:
        _end(
            "The memory of this machine does not suffice; close other programs, or "
            "give smaller images.",
            EXIT_MISTAKE,
        )
    except ModuleNotFoundError as error:
        if (error.name or _PACKAGE).partition(".")[0] == _PACKAGE:
            _end(_defect(error), EXIT_DEFECT)
        _end(
            f"The package {error.name!r} is missing here; install napari-unet again, "
            "in a fresh environment.",
            EXIT_MISTAKE,
        )
    except OSError as error:
        if words := in_words(error):
            _end(words, EXIT_MISTAKE)
        _end(_defect(error), EXIT_DEFECT)
    # Whatever it is, it is told in words; the traceback goes into a file.
    except Exception as error:  # noqa: BLE001
        _end(_defect(error), EXIT_DEFECT)


def _end(words: str, code: int) -> NoReturn:
    say(words)
    sys.exit(code)


def _defect(error: Exception) -> str:
    """Return what is said of an error that nobody expected, and write down the rest."""
    reason = (str(error).splitlines() or [""])[0][:200]
    words = plain(f"{type(error).__name__}: {reason}" if reason else repr(error))
    told = f"This is a defect of napari-unet, not of your data ({words})."
    for folder in _places():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / _REPORT
            path.write_text(_report(error), encoding="utf-8", errors="replace")
            return f"{told} Please report it, with the file {path}."
    return f"{told} Please report it."


def _places() -> Iterator[Path]:
    with suppress(RuntimeError, OSError):  # there is no home
        yield platformdirs.user_log_path("napari-unet", appauthor=False)
    with suppress(OSError):  # some machines have no such folder
        yield Path(tempfile.gettempdir())


def _report(error: Exception) -> str:
    python = f"Python {platform.python_version()}, {platform.platform()}"
    trace = "".join(traceback.format_exception(error))
    return f"napari-unet {__version__}, {python}\n{sys.argv}\n\n{trace}"

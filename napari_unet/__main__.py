"""The command `napari-unet`, the same as `python -m napari_unet`, and its Ctrl+C.

Whoever presses Ctrl+C gets a sentence and the exit code 130, at any moment. Work is
interrupted by an exception, so that it can clean up. An import that is broken off may
end in a long traceback or a crash, torch's does: while the subcommands themselves are
imported, nothing has begun and the program just ends; a later import is waited for.
Once all is done and told, the exit code is what became of it, whenever Python ends.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 130
_IMPORTING = "<frozen importlib"
_SECONDS = 0.05


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, with other arguments where some are given, and exit."""
    # Not where Ctrl+C is ignored, as shells do for what runs in the background.
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, _leave)
        # The first is called last. Python takes its own handlers away after that, and
        # leaves the signal to the system, which would end it without a word.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    # Not at the top: the handler comes first.
    from napari_unet.cli.app import main as run

    if not ours:
        run(arguments)
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        run(arguments)
    finally:
        _wait_no_more()
        signal.signal(signal.SIGINT, _leave)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt what is done, or wait for an import; who cannot wait presses again."""
    if not _is_importing(frame):
        signal.default_int_handler(number, frame)
    if not hasattr(signal, "setitimer"):  # on Windows
        _leave()
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGALRM, _interrupt_after_import)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS, _SECONDS)


def _interrupt_after_import(number: int, frame: FrameType | None) -> None:
    if not _is_importing(frame):
        _wait_no_more()
        signal.default_int_handler(number, frame)


def _wait_no_more() -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False


def _leave(*_: object) -> NoReturn:
    """End at once."""
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()

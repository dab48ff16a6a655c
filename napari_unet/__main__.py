"""The command `napari-unet`, the same as `python -m napari_unet`, and its Ctrl+C.

Whoever presses Ctrl+C gets a sentence and the exit code 130, at any moment. Importing
takes longest, first the subcommands and then torch, and an import that is broken off
may end in a long traceback or a crash. So nothing is broken off then: the program just
ends. Everything else is interrupted by an exception, so that it can clean up.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 130
_IMPORTING = "<frozen importlib"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, with other arguments where some are given, and exit."""
    usual = signal.getsignal(signal.SIGINT)
    # Not where Ctrl+C is ignored, as shells do for what runs in the background.
    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    # Not at the top: the handler comes first.
    from napari_unet.cli.app import main as run

    try:
        run(arguments)
    finally:
        if usual is signal.default_int_handler:
            signal.signal(signal.SIGINT, lambda *_: _leave())


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        _leave()
    signal.default_int_handler(number, frame)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False


def _leave() -> NoReturn:
    """End at once."""
    os.write(2, b"Interrupted.\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()

"""Several processes that train together and speak as one: the leader does.

Where one of them fails, it alone says why, and the others end without a word, with the
exit code of a failure. torchrun ends the others by a signal, and a terminal sends
Ctrl+C to all of them, which torchrun sends again: only the first signal counts, so what
was learned is saved in peace.
"""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from types import FrameType
from typing import TYPE_CHECKING

import typer

from napari_unet import learning
from napari_unet.cli.console import EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_MISTAKE
from napari_unet.core.torchrun import count_processes
from napari_unet.errors import DeviceError, NapariUnetError

if TYPE_CHECKING:
    from napari_unet.learning.team import Team


_ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def one_voice() -> Iterator[Team]:
    """Meet the processes that train together, and let one of them speak."""
    if count_processes() == 1:
        yield learning.Team()  # torch is not there yet, and mistakes are told at once
        return
    _hear_one_signal()
    with learning.met_team() as team, ExitStack() as muted:
        if not team.leads:
            nowhere = io.StringIO()
            muted.enter_context(redirect_stdout(nowhere))
            muted.enter_context(redirect_stderr(nowhere))
        try:
            yield team
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            _hear_no_signal()
            if team.leads:
                raise
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except Exception as error:
            _hear_no_signal()
            if team.is_first_to_tell():
                raise
            known = isinstance(error, NapariUnetError)
            raise typer.Exit(EXIT_MISTAKE if known else EXIT_DEFECT) from error


def _hear_one_signal() -> None:
    """Let the first signal that ends a training interrupt it, and no other one.

    For good, as the process ends with its training.
    """
    usual = signal.getsignal(signal.SIGINT)

    def hear(number: int, frame: FrameType | None) -> None:
        _hear_no_signal()
        if number == signal.SIGINT and callable(usual):
            usual(number, frame)  # which may wait for an import
            return
        raise DeviceError(
            "The training was ended from outside, as torchrun does when one of its "
            "processes has ended; go on from the last checkpoint with the same command "
            "and --resume."
        )

    for number in _ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, hear)


def _hear_no_signal() -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)

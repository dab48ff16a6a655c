"""A process that does one job after another for the one that started it.

How it flows: `core.apart` starts it and writes jobs to its standard input; what they
yield, and how they end, goes to its standard output. A thread listens meanwhile: it
notes that the job is to stop, and ends the process when nobody is there any more, so
that none is left behind, however the other one died.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from contextlib import closing, suppress
from queue import SimpleQueue
from typing import BinaryIO

from napari_unet.core.frames import GREETING, Message, Told, receive, send, travels
from napari_unet.errors import NapariUnetError


class Worker:
    """Does the jobs that come in, and tells what comes out of them."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._jobs: SimpleQueue[Message] = SimpleQueue()
        self._stopping = threading.Event()

    def serve(self) -> None:
        """Do jobs until nobody is there any more."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        self._outbox.write(GREETING)
        self._outbox.flush()
        while True:
            told = self._do(self._jobs.get())
            try:
                send(self._outbox, told)
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever pickling raises
                send(self._outbox, Told("error", portable(error)))

    def _listen(self) -> None:
        while True:
            try:
                message = receive(self._inbox)
            except (EOFError, OSError):
                os._exit(0)
            if message is None:
                self._stopping.set()
            else:
                # In the order of the pipe: what was to stop has ended.
                self._stopping.clear()
                self._jobs.put(message)

    def _do(self, message: Message) -> Told:
        """Run a job, tell its events; return how it ended."""
        try:
            steps = message.read().run()
            with closing(steps):
                while not self._stopping.is_set():
                    send(self._outbox, Told("event", next(steps)))
            return Told("closed")
        except StopIteration as end:
            return Told("result", end.value)
        except Exception as error:  # noqa: BLE001 - a job's border: any error ends it
            return Told("error", portable(error))


def portable(error: Exception) -> Exception:
    """Return an error as it is, if it survives the way, or one that says the same.

    That is of the same kind, as near as can be.
    """
    error.add_note("".join(traceback.format_exception(error)))
    if travels(error):
        return error
    for kind in type(error).__mro__[:-2]:
        with suppress(Exception):
            found: Exception = kind(str(error))
            if travels(found):
                return found
    return NapariUnetError(str(error))


def main(niceness: int) -> None:
    """Serve by standard input and output, which what jobs print must not disturb."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # Ctrl+C in a terminal is meant for who started this, and ends it by that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        with suppress(OSError):
            os.nice(niceness)
    with suppress(BrokenPipeError):
        Worker(inbox, outbox).serve()
    os._exit(0)

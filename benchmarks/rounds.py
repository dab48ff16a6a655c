"""How much memory a window takes, over rounds of a prediction and a training."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import psutil
from qtpy.QtWidgets import QApplication

from benchmarks.event_loop import NO_DISPLAY
from benchmarks.report import Report, Row
from benchmarks.subject import Subject
from benchmarks.timing import load
from benchmarks.window import Window, has_display, open_window

_EVERY = 10
_PAINTED = 1.0
_MINUTES = 0.02
_MEGABYTE = 2**20


def measure(subject: Subject, tens: int) -> Report:
    """Go through ten times so many rounds; a training takes about a second."""
    height, width = subject.image.shape
    title = f"Memory of the window's process, MB: {height} x {width}"
    if not has_display():
        return Report(title, [], (NO_DISPLAY,))
    note = (
        "A round: predict, paint for a second, accept the view, train. In use is what "
        f"is left when the C library has given back what is free. {load()}"
    )
    with open_window(subject.image, subject.source) as window:
        return Report(title, list(_rounds(window, tens)), (note,))


def _rounds(window: Window, tens: int) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    process = psutil.Process()
    for number in range(1, tens * _EVERY + 1):
        window.predict()
        window.until(lambda: not window.session.state.predicting)
        hand = window.hand(rng)
        hand.start()
        window.live(_PAINTED)
        hand.stop()
        window.dock.bench.tools.use("accept view")
        window.session.finetune(_MINUTES)
        window.until(lambda: not window.session.state.training)
        window.until(lambda: not window.session.state.predicting)
        if number % _EVERY == 0:
            gc.collect()
            taken = process.memory_info().rss / _MEGABYTE
            _give_back()
            in_use = process.memory_info().rss / _MEGABYTE
            yield {
                "rounds": number,
                "MB": round(taken),
                "in use": round(in_use),
                "threads": process.num_threads(),
                "layers": len(window.viewer.layers),
                "widgets": len(QApplication.allWidgets()),
            }


def _give_back() -> None:
    """Let the C library give back memory that is free, where it is glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)

"""How late the event loop of a real napari window comes while something goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from benchmarks.report import Report, Row
from benchmarks.subject import Subject
from benchmarks.timing import load
from napari_unet.core.events import TrainStep, Validated
from napari_unet.session.finetune import TrainRound

if TYPE_CHECKING:
    from benchmarks.window import Hand, Window

_INTERVAL_MS = 10
_MINUTES = 10.0
NO_DISPLAY = (
    "There is no display, so it is left out; "
    "`scripts/with_display.sh python -m benchmarks window` makes one."
)


def measure(subject: Subject, seconds: float) -> Report:
    """Measure the phases of a session one after the other.

    Parameters
    ----------
    seconds : float
        Length of every phase but the prediction, which takes what it takes.
    """
    from benchmarks.window import has_display

    title = f"Delay of a {_INTERVAL_MS} ms timer in the window: {subject.describe()}"
    if not has_display():
        return Report(title, [], (NO_DISPLAY,))
    notes = (
        "Training includes the predictions that better models start by themselves.",
        "In the window means that training has no process of its own.",
        f"Painting: strokes of real mouse events, one move each 16 ms. {load()}",
    )
    return Report(title, _phases(subject, seconds), notes)


def _phases(subject: Subject, seconds: float) -> list[Row]:
    from benchmarks.window import Hand, open_window

    with open_window(subject.image, subject.source) as window:
        session = window.session
        for_a_while = partial(window.live, seconds)
        rows = [_row("idle", for_a_while)]
        window.predict()
        predicted = partial(window.until, lambda: not session.state.predicting)
        rows.append(_row("predicting", predicted))
        hand = Hand(window, np.random.default_rng(0))
        hand.start()
        rows.append(_row("painting", for_a_while))
        hand.stop()
        window.dock.bench.tools.use("accept view")
        rows += _while_training(window, hand, seconds, "training")
        with patch.object(TrainRound, "apart", False):
            rows += _while_training(window, hand, seconds, "training in the window")
    return rows


def _while_training(
    window: Window, hand: Hand, seconds: float, what: str
) -> Iterator[Row]:
    """Measure while a training goes on, without a hand and with one."""
    steps: list[TrainStep] = []

    def note(event: TrainStep | Validated) -> None:
        if isinstance(event, TrainStep):
            steps.append(event)

    training = window.session.training
    training.measured.connect(note)
    window.session.finetune(_MINUTES)
    window.until(lambda: steps)
    yield _row(what, partial(window.live, seconds), lambda: len(steps))
    hand.start()
    painting = f"painting while {what}"
    yield _row(painting, partial(window.live, seconds), lambda: len(steps))
    hand.stop()
    window.stop()
    training.measured.disconnect(note)


def _row(
    what: str, phase: Callable[[], None], count: Callable[[], int] = lambda: 0
) -> Row:
    """Let a phase go by and return the delays in it, and the steps of training."""
    pulse, before = Pulse(), count()
    start = time.perf_counter()
    phase()
    seconds = time.perf_counter() - start
    delays = pulse.stop()
    return {
        "while": what,
        "median ms": float(np.median(delays)),
        "99 % ms": float(np.percentile(delays, 99)),
        "longest ms": float(np.max(delays)),
        "seconds": seconds,
        "steps": count() - before,
    }


class Pulse:
    """A timer that notes by how much every beat comes too late.

    Attributes
    ----------
    computed : list of float
        What the main thread has computed before each beat, in milliseconds.
    """

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self._delays: list[float] = []
        self.computed: list[float] = []
        self._last, self._used = time.perf_counter(), time.thread_time()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def stop(self) -> list[float]:
        """Return the delays in milliseconds, at least one."""
        self._timer.stop()
        self._beat()
        return self._delays

    def _beat(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self._delays.append(max(0.0, 1000 * (now - self._last) - _INTERVAL_MS))
        self.computed.append(1000 * (used - self._used))
        self._last, self._used = now, used

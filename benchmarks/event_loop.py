"""How late the event loop of a real napari window comes while something goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import psutil

from benchmarks.report import Report, Row
from benchmarks.scene import draw_nuclei
from benchmarks.subject import Subject
from benchmarks.timing import load
from napari_unet.core.events import TrainStep, Validated
from napari_unet.session.finetune import TrainRound

if TYPE_CHECKING:
    from benchmarks.window import Hand, Window

_INTERVAL_MS = 10
_MINUTES = 10.0
_TURNS = 4
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
        "Bare napari, and training that is held, by turns with the same in the dock.",
        f"Painting: strokes of real mouse events, one move each 16 ms. {load()}",
    )
    return Report(title, _phases(subject, seconds), notes)


def _phases(subject: Subject, seconds: float) -> list[Row]:
    from benchmarks.window import Hand, open_bare, open_window

    scene = draw_nuclei(subject.image.shape[0])
    with open_window(subject.image, subject.source) as window:
        session = window.session
        rows = [_row("idle", partial(window.live, seconds))]
        window.predict()
        predicted = partial(window.until, lambda: not session.state.predicting)
        rows.append(_row("predicting", predicted))
        hand = window.hand(np.random.default_rng(0))
        with open_bare(scene, window) as bare:
            other = Hand(bare, bare.layers[-1], np.random.default_rng(0))
            both = Turn("painting", hand), Turn("painting in bare napari", other)
            rows += _by_turns(both, seconds)
            window.dock.bench.tools.use("accept view")
            held = Turn("painting, training held", hand, _hold_training)
            rows += _while_training(window, (*both, held), seconds, "training")
        with patch.object(TrainRound, "apart", False):
            inside = "training in the window"
            rows += _while_training(window, both[:1], seconds, inside)
    return rows


def _while_training(
    window: Window, turns: Sequence[Turn], seconds: float, what: str
) -> Iterator[Row]:
    """Measure while a training goes on, without a hand and with each of some."""
    steps: list[TrainStep] = []

    def note(event: TrainStep | Validated) -> None:
        if isinstance(event, TrainStep):
            steps.append(event)

    training = window.session.training
    training.measured.connect(note)
    window.session.finetune(_MINUTES)
    window.until(lambda: steps)
    yield _row(what, partial(window.live, seconds), lambda: len(steps))
    meanwhile = [replace(each, what=f"{each.what}; {what}") for each in turns]
    yield from _by_turns(meanwhile, seconds, lambda: len(steps))
    window.stop()
    training.measured.disconnect(note)


@dataclass(frozen=True, slots=True)
class Turn:
    """A hand that paints for a while, and what is done meanwhile."""

    what: str
    hand: Hand
    meanwhile: Callable[[], AbstractContextManager[None]] = nullcontext


def _by_turns(
    turns: Sequence[Turn], seconds: float, count: Callable[[], int] = lambda: 0
) -> list[Row]:
    """Let hands paint by turns, so that what else the machine does hits all alike."""
    from benchmarks.window import live

    found = [Phase() for _ in turns]
    for _ in range(_TURNS):
        for turn, phase in zip(turns, found, strict=True):
            with turn.meanwhile():
                turn.hand.start()
                phase.go_by(partial(live, seconds / _TURNS), count)
                turn.hand.stop()
    return [phase.row(turn.what) for turn, phase in zip(turns, found, strict=True)]


@contextmanager
def _hold_training() -> Iterator[None]:
    """Let the processes that this one has started stand still."""
    processes = psutil.Process().children()
    for each in processes:
        each.suspend()
    try:
        yield
    finally:
        for each in processes:
            each.resume()


def _row(
    what: str, happen: Callable[[], None], count: Callable[[], int] = lambda: 0
) -> Row:
    phase = Phase()
    phase.go_by(happen, count)
    return phase.row(what)


@dataclass
class Phase:
    """The delays while something went on, and the steps of training."""

    delays: list[float] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0

    def go_by(self, happen: Callable[[], None], count: Callable[[], int]) -> None:
        """Measure while something happens; may be called again."""
        pulse, before = Pulse(), count()
        start = time.perf_counter()
        happen()
        self.seconds += time.perf_counter() - start
        self.delays += pulse.stop()
        self.steps += count() - before

    def row(self, what: str) -> Row:
        """Return what came of it."""
        return {
            "while": what,
            "median ms": float(np.median(self.delays)),
            "99 % ms": float(np.percentile(self.delays, 99)),
            "longest ms": float(np.max(self.delays)),
            "seconds": self.seconds,
            "steps": self.steps,
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

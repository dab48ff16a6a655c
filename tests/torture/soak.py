"""Edits, predicts, trains and saves for a long time, and watches what is taken."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import tifffile

from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.geometry.box import Box
from napari_unet.project.identity import ImageIdentity
from napari_unet.session.session import Session
from tests.annotation.painter import Painter
from tests.session.brightness import brightness_model
from tests.torture.judge import read_back
from tests.torture.victim import SHAPE, ThreadRunner, picture

_WARM_UP = 0.25
_TRAINING_MINUTES = 0.01
_EVERY = 40


@dataclass(frozen=True)
class Taken:
    """What the program has taken of the machine."""

    megabytes: float
    handles: int
    threads: int
    folder_megabytes: float


@dataclass
class Soak:
    """What a long run came to.

    Parameters
    ----------
    minutes : float
        How long it lasted.
    strokes : int
        Strokes that were painted.
    taken : list of Taken
        In the order in which it was looked at, after the warm-up.
    lost : list of str
        What was not as it must be.
    """

    minutes: float
    strokes: int
    taken: list[Taken]
    lost: list[str]

    @property
    def growth(self) -> float:
        """Megabytes an hour, as a straight line through all measurements."""
        hours = np.linspace(0, self.minutes / 60 * (1 - _WARM_UP), len(self.taken))
        values = [each.megabytes for each in self.taken]
        return float(np.polyfit(hours, values, 1)[0]) if len(values) > 2 else 0.0


def run_soak(home: Path, minutes: float, seed: int) -> Soak:
    """Work for so long in one life of the program, then open what it left."""
    rng = np.random.default_rng(seed)
    path = home / "a.tif"
    tifffile.imwrite(path, picture("a"))
    runner = ThreadRunner()
    session = Session(runner)
    session.models.timeline.publish(brightness_model())

    def live_on() -> None:
        runner.deliver()
        session.tick()

    session.images.open(picture("a"), "a", "YX", path)
    while session.images.current is None:
        live_on()
    image = session.images.current
    begun, strokes, taken = time.monotonic(), 0, []
    while (spent := time.monotonic() - begun) < 60 * minutes:
        strokes += 1
        painter = Painter(image.annotation)
        y, x = (int(rng.integers(2, n - 8)) for n in SHAPE)
        painter.write(np.s_[y : y + 4, x : x + 6], image.annotation.new_id())
        image.annotation.notice_change(painter.whole)
        session.note_edit(image)
        if strokes % 7 == 0:
            image.annotation.undo()
            session.note_edit(image)
        if strokes % _EVERY == 0:
            session.correcting.do(AcceptView(Box((0, 0), (16, SHAPE[1]))))
            _predict_and_train(session, strokes)
            if spent > 60 * minutes * _WARM_UP:
                taken.append(_look(image.project.folder))
        live_on()
    while session.state.predicting or session.state.training:
        live_on()
    image.annotation.do(Settle())
    problems = session.close()
    lost = problems + _differences(home, image.annotation)
    return Soak(minutes, strokes, taken, lost)


def _predict_and_train(session: Session, strokes: int) -> None:
    if not session.state.why_not_predict:
        session.predict()
    if strokes % (10 * _EVERY) == 0 and not session.state.why_not_finetune:
        session.finetune(_TRAINING_MINUTES)


def _look(folder: Path) -> Taken:
    process = psutil.Process()
    return Taken(
        process.memory_info().rss / 1e6,
        process.num_fds(),
        process.num_threads(),
        sum(map(_size, _files(folder))) / 1e6,
    )


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; `rglob` fails where one is taken away."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _size(path: Path) -> int:
    """Return the size of a file; none if a save has just renamed it."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _differences(home: Path, annotation: object) -> list[str]:
    found = read_back(home / "a.unet", ImageIdentity.of("a", picture("a"), "YX"))
    return [
        f"{name} differ after the end"
        for name in ("labels", "provenance")
        if not np.array_equal(getattr(found, name), getattr(annotation, name))
    ]

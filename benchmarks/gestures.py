"""How long the window stands still after a gesture, beside a napari without the dock.

What napari does for the same sight is done in a window of its own, in turn with ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from benchmarks.event_loop import NO_DISPLAY, Pulse
from benchmarks.report import Report, Row
from benchmarks.scene import draw_nuclei
from benchmarks.subject import Subject
from benchmarks.timing import load
from benchmarks.window import Window, has_display, live, open_list
from napari_unet.annotation.drawn_edits import DeleteInBox
from napari_unet.geometry.line import Line

_IMAGES = 4
_AFTERWARDS = 1.0
"""Seconds in which a stall is still put down to the gesture."""


Gesture = Callable[[], object]
Stall = tuple[float, float]
"""What the main thread has computed in one go, and how late a timer came."""


def measure(subject: Subject, rounds: int) -> Report:
    """Measure gestures, each so many times, on images as large as that of a subject."""
    size, model = subject.image.shape[0], subject.source
    title = f"Longest stall of the window, milliseconds: {size} x {size}"
    if not has_display():
        return Report(title, [], (NO_DISPLAY,))
    rows = [*_of_opening(size, rounds), *_of_a_list(size, rounds, model)]
    notes = (
        "Bare: what napari takes to show the same by itself, without the dock.",
        "What the main thread computes in one go; late is a timer, by the clock.",
        f"Least and median of {rounds}; the first time imports much. {load()}",
    )
    return Report(title, rows, notes)


def _of_opening(size: int, rounds: int) -> Iterator[Row]:
    """Measure what happens once in a window: the dock, the first labels."""
    from napari_unet.gui.dock import SegmentAndCorrect

    image = draw_nuclei(size).image
    docks, labels, bare = [], [], []
    for _ in range(rounds):
        with _viewer() as viewer:
            viewer.add_image(image)
            live(1.0)
            add = partial(viewer.add_labels, np.zeros(image.shape, np.int32))
            bare.append(_longest(add))
        with _viewer() as viewer:
            viewer.add_image(image)
            live(1.0)
            made: list[Any] = []

            def open_dock(viewer: Any = viewer, made: list[Any] = made) -> None:
                made.append(SegmentAndCorrect(viewer))
                viewer.window.add_dock_widget(made[0])

            docks.append(_longest(open_dock))
            window = Window(viewer, made[0])
            window.until(partial(_can_paint, window))
            live(3.0)
            labels.append(_longest(window.session.correcting.start_empty))
            made[0].bench.close()
    yield _row("open the dock", docks, None)
    yield _row("first labels", labels, bare)


def _of_a_list(size: int, rounds: int, model: str) -> Iterator[Row]:
    """Measure what happens again and again, in a list of images."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_IMAGES):
            path = Path(folder) / f"field{number}.tif"
            tifffile.imwrite(path, draw_nuclei(size, seed=number).image)
        with open_list(Path(folder), model) as window:
            window.predict()
            window.until(lambda: not window.session.state.predicting)
            steps = [_step(window, 1 if n % 2 else -1) for n in range(1, rounds + 1)]
            if window.dock.bench.layers.labels_layer is None:
                window.predict()
                window.until(lambda: not window.session.state.predicting)
            compared = [_compare(window) for _ in range(rounds)]
            deleted = [_delete(window) for _ in range(rounds)]
    bare = [_in_bare_napari(size) for _ in range(rounds)]
    yield _row("next image of the list", steps, [each[0] for each in bare])
    yield _row("a comparison ends", compared, [each[1] for each in bare])
    yield _row("delete all objects by a box", deleted, None)


def _can_paint(window: Window) -> bool:
    return not window.session.state.why_not_paint


def _step(window: Window, by: int) -> Stall:
    window.live(4.0)  # what comes next is read and predicted
    return _longest(lambda: window.session.worklist.going.step(by))


def _compare(window: Window) -> Stall:
    results = window.dock.bench.layers.results
    labels = results.current.layer if results.current is not None else None
    assert labels is not None
    pixels = np.array(labels.data)
    results.preview.show(pixels, labels, "another version", flipped=True)
    window.live(1.0)
    return _longest(results.preview.drop)


def _delete(window: Window) -> Stall:
    """Delete everything in sight, and take that back."""
    image = window.session.images.current
    assert image is not None
    shape = image.annotation.labels.shape
    corners = (0.0, 0.0), tuple(float(extent - 1) for extent in shape)
    everything = DeleteInBox(Line(corners, (0, 1)))
    taken = _longest(lambda: window.session.correcting.do(everything))
    image.canvas.undo()
    return taken


def _in_bare_napari(size: int) -> tuple[Stall, Stall]:
    """Return what napari takes to show another image and labels, and to remove some."""
    scenes = [draw_nuclei(size, seed=number) for number in range(2)]
    with _viewer() as viewer:
        layer = viewer.add_image(scenes[0].image)
        labels = viewer.add_labels(scenes[0].labels)
        other = viewer.add_labels(scenes[1].labels)
        live(1.0)
        removed = _longest(lambda: viewer.layers.remove(other))

        def show_the_other() -> None:
            layer.data, layer.name = scenes[1].image, "the other"
            labels.data, labels.name = scenes[1].labels, "the other labels"

        return _longest(show_the_other), removed


def _longest(do: Gesture) -> Stall:
    """Return how long the window stood still at most, by a gesture."""
    live(0.2)
    pulse = Pulse()
    do()
    live(_AFTERWARDS)
    late = max(pulse.stop())
    return max(pulse.computed), late


@contextmanager
def _viewer() -> Iterator[Any]:
    import napari

    viewer = napari.Viewer()
    viewer.window.resize(1200, 900)
    try:
        yield viewer
    finally:
        viewer.close()
        live(0.2)


def _row(what: str, ours: list[Stall], bare: list[Stall] | None) -> Row:
    row: Row = {"gesture": what}
    for whose, found in (("ours", ours), ("bare", bare)):
        computed = [each[0] for each in found or ()]
        late = [each[1] for each in found or ()]
        row[f"{whose}, first"] = computed[0] if found else ""
        row[f"{whose}, least"] = min(computed) if found else ""
        row[f"{whose}, median"] = float(np.median(computed)) if found else ""
        row[f"{whose}, late"] = float(np.median(late)) if found else ""
    return row

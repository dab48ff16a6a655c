"""What the dock does with an image of 50,000 x 50,000 pixels, in a real window.

``python -m benchmarks.large_dock`` writes a pyramid as zarr, of which most chunks do
not exist, opens it as a person does, predicts the view, paints, takes back, saves, and
opens the work again. Memory is the peak of the whole process: napari, Qt, torch, the
model, image, labels and undo. Strokes and undos are what the main thread computes.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.event_loop import NO_DISPLAY
from benchmarks.report import Report, Row, show
from benchmarks.scene import draw_nuclei
from benchmarks.timing import load
from benchmarks.window import (
    STROKE_MOVES,
    Window,
    empty_window,
    has_display,
    move,
    press,
    release,
)

_SIZE, _CHUNK, _PART = 50_000, 1024, 2048
_STROKES = 20


def measure(size: int, model: str) -> Report:
    """Do a piece of work twice, the second time with the work of the first."""
    title = f"The dock on an image of {size:,} x {size:,} pixels"
    if not has_display():
        return Report(title, [], (NO_DISPLAY,))
    rows: list[Row] = []

    def note(what: str, value: float, unit: str = "s") -> None:
        rows.append({"what": what, "value": value, "unit": unit})

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.zarr"
        _write(path, size)
        middle = (size / 2, size / 2)
        with _open(path, model, middle) as (window, opened):
            note("with torch, napari and the model, before opening", _rss(), "GB")
            note("opened, the view drawn", opened())
            note("peak memory by then", _peak(), "GB")
            _work(window, middle, note)
        with _open(path, model, middle) as (window, opened):
            note("opened again, with its work", opened())
            found = window.session.state.image
            note("objects that are there again", found.objects if found else 0, "")
        note("peak memory of the process", _peak(), "GB")
    return Report(title, rows, (load(),))


def _work(
    window: Window, middle: tuple[float, float], note: Callable[..., None]
) -> None:
    window.until(lambda: not window.session.state.why_not_predict)
    view = window.dock.bench.layers.visible_box()
    assert view is not None
    image = window.session.images.current
    assert image is not None
    begun = time.perf_counter()
    window.session.predict()
    window.until(lambda: not image.annotation.unseen(view).any())
    note(f"the view of {view.shape[0]} x {view.shape[1]} predicted", _since(begun))
    window.session.cancel_prediction()
    window.live(1.0)
    canvas = window.viewer.window._qt_viewer.canvas.native
    layer: Any = window.dock.bench.layers.labels_layer
    window.viewer.layers.selection.active = layer
    layer.mode = "paint"
    strokes, undos = [], []
    centre = canvas.width() / 2, canvas.height() / 2
    for number in range(_STROKES):
        layer.selected_label = image.annotation.new_id()
        place = centre[0] + 8.0 * number - 80, centre[1] - 50
        press(canvas, place)
        for moved in range(1, STROKE_MOVES):
            move(canvas, place, moved)
        journal = image.journal
        assert journal is not None
        before, begun = journal.sequence, time.thread_time()
        release(canvas, place, STROKE_MOVES)
        assert journal.sequence > before
        strokes.append(time.thread_time() - begun)
        window.live(0.05)
    for _ in range(_STROKES // 2):
        begun = time.thread_time()
        layer.undo()
        undos.append(time.thread_time() - begun)
        window.live(0.05)
    note(
        "a stroke, from the button to the journal, median",
        1e3 * np.median(strokes),
        "ms",
    )
    note("the same, the slowest", 1e3 * max(strokes), "ms")
    note("an undo, median", 1e3 * np.median(undos), "ms")
    far = middle[0] / 2, middle[1] / 2
    begun = time.perf_counter()
    window.viewer.camera.center = far
    shown = image.annotation
    window.until(lambda: shown.shown_box.start[0] < far[0] < shown.shown_box.stop[0])
    note("to go elsewhere, with the rest of 0.16 s that a view needs", _since(begun))


@contextmanager
def _open(
    path: Path, model: str, middle: tuple[float, float]
) -> Iterator[tuple[Window, Callable[[], float]]]:
    with empty_window(model) as window:
        viewer = window.viewer
        window.until(
            lambda: window.session.state.model and not window.session.state.loading
        )
        window.live(1.0)

        def opened() -> float:
            begun = time.perf_counter()
            viewer.open(str(path), plugin="napari")
            viewer.camera.center, viewer.camera.zoom = middle, 1.0
            window.until(_is_open(window))
            viewer.window._qt_viewer.canvas.native.repaint()
            return _since(begun)

        yield window, opened


def _is_open(window: Window) -> Callable[[], bool]:
    def is_open() -> bool:
        image = window.session.state.image
        return image is not None and image.open

    return is_open


def _write(path: Path, size: int) -> None:
    """Write a pyramid with nuclei in its middle, and in a place far from there."""
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=2)
    nuclei = draw_nuclei(_PART).image
    nuclei = (255.0 * nuclei / nuclei.max()).astype(np.uint8)
    for level in range(6):
        step = 2**level
        n = size // step
        array = group.create_array(
            str(level), shape=(n, n), chunks=(_CHUNK, _CHUNK), dtype=np.uint8
        )
        part = nuclei[::step, ::step]
        for middle in (n // 2, n // 4):
            start = middle - len(part) // 2
            place = slice(start, start + len(part))
            array[place, place] = part


def _since(begun: float) -> float:
    return time.perf_counter() - begun


def _rss() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e9


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=_SIZE)
    parser.add_argument("--model", default="nuclei")
    options = parser.parse_args()
    show(measure(options.size, options.model), Console())


if __name__ == "__main__":
    main()

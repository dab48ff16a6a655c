"""What the dock does with images larger than memory, in a real window.

``python -m benchmarks.large_dock`` writes a pyramid of 50,000 x 50,000 pixels as zarr,
or with ``--stack`` an array of 200 x 8,192 x 8,192 without one. Most chunks do not
exist. It opens the file as a person does, predicts the view, paints, takes back, goes
elsewhere, looks from afar, saves, and opens the work again. Memory is the peak of the
whole process: napari, Qt, torch, the model, image, labels and undo. Strokes and undos
are what the main thread computes.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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
from napari_unet.geometry.box import Box

_SIZE, _CHUNK, _PART = 50_000, 1024, 2048
_PLANES, _SIDE = 200, 8192
_STROKES = 20


@dataclass(frozen=True, slots=True)
class _Kind:
    """An image: how it is written, and two places in it, of which both show nuclei."""

    title: str
    write: Callable[[Path], None]
    middle: tuple[float, float]
    elsewhere: tuple[float, float]
    planes: tuple[int, int] | None = None

    def look(self, viewer: Any, *, there: bool = False) -> None:
        """Look at one of the places."""
        viewer.camera.center = self.elsewhere if there else self.middle
        viewer.camera.zoom = 1.0
        if self.planes:
            viewer.dims.set_point(0, self.planes[there])

    def shows(self, box: Box) -> bool:
        """Whether a part of the labels holds the second place."""
        at = (*(self.planes[1:] if self.planes else ()), *self.elsewhere)
        ends = zip(box.start, at, box.stop, strict=True)
        return all(start <= each < stop for start, each, stop in ends)


def slide(size: int) -> _Kind:
    """Return a pyramid of a plane."""
    title = f"The dock on an image of {size:,} x {size:,} pixels"
    middle, far = (size / 2, size / 2), (size / 4, size / 4)
    return _Kind(title, partial(_write, size=size), middle, far)


def stack() -> _Kind:
    """Return a stack without a pyramid."""
    title = f"The dock on a stack of {_PLANES} x {_SIDE:,} x {_SIDE:,} voxels"
    middle = (_SIDE / 2, _SIDE / 2)
    return _Kind(title, _write_stack, middle, middle, (_PLANES // 2, _PLANES // 2 + 3))


def measure(kind: _Kind, model: str) -> Report:
    """Do a piece of work twice, the second time with the work of the first."""
    title = kind.title
    if not has_display():
        return Report(title, [], (NO_DISPLAY,))
    rows: list[Row] = []

    def note(what: str, value: float, unit: str = "s") -> None:
        rows.append({"what": what, "value": value, "unit": unit})

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.zarr"
        kind.write(path)
        with _open(path, model, kind) as (window, opened):
            note("with torch, napari and the model, before opening", _rss(), "GB")
            note("opened, the view drawn", opened())
            note("peak memory by then", _peak(), "GB")
            _work(window, kind, note)
        with _open(path, model, kind) as (window, opened):
            note("opened again, with its work", opened())
            found = window.session.state.image
            note("objects that are there again", found.objects if found else 0, "")
        note("peak memory of the process", _peak(), "GB")
    return Report(title, rows, (load(),))


def _work(window: Window, kind: _Kind, note: Callable[..., None]) -> None:
    window.until(lambda: not window.session.state.why_not_predict)
    view = window.dock.bench.layers.visible_box()
    assert view is not None
    image = window.session.images.current
    assert image is not None
    begun = time.perf_counter()
    window.session.predict()
    window.until(lambda: not image.annotation.unseen(view).any())
    note(f"the view of {view.shape[-2]} x {view.shape[-1]} predicted", _since(begun))
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
    begun = time.perf_counter()
    kind.look(window.viewer, there=True)
    shown = image.annotation
    window.until(lambda: kind.shows(shown.shown_box))
    note("to go elsewhere, with the rest of 0.16 s that a view needs", _since(begun))
    begun = time.perf_counter()
    window.viewer.reset_view()
    window.until(lambda: "Overview" in window.viewer.layers)
    note("from afar, until there is the overview", _since(begun))
    window.live(3.0)


@contextmanager
def _open(
    path: Path, model: str, kind: _Kind
) -> Iterator[tuple[Window, Callable[[], float]]]:
    with empty_window(model) as window:
        viewer = window.viewer
        window.until(
            lambda: window.session.state.model and not window.session.state.loading
        )
        window.live(1.0)

        def opened() -> float:
            begun = time.perf_counter()
            viewer.window._qt_viewer._qt_open([str(path)], stack=False)
            window.until(_is_open(window))
            kind.look(viewer)
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


def _write_stack(path: Path) -> None:
    """Write a stack with the same nuclei in some of its planes."""
    import zarr

    nuclei = draw_nuclei(_PART).image
    nuclei = (1000.0 * nuclei / nuclei.max()).astype(np.uint16)
    array = zarr.create_array(
        path,
        shape=(_PLANES, _SIDE, _SIDE),
        chunks=(1, _CHUNK, _CHUNK),
        dtype=np.uint16,
        dimension_names=["z", "y", "x"],
    )
    place = slice((_SIDE - _PART) // 2, (_SIDE + _PART) // 2)
    for plane in range(_PLANES // 2 - 2, _PLANES // 2 + 5):
        array[plane, place, place] = nuclei


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
    parser.add_argument("--stack", action="store_true")
    parser.add_argument("--model", default="nuclei")
    options = parser.parse_args()
    kind = stack() if options.stack else slide(options.size)
    show(measure(kind, options.model), Console())


if __name__ == "__main__":
    main()

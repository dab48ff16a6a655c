"""What a stroke costs in the labels of the dock, and in a labels layer of bare napari.

Counted is what the main thread computes while it is told of the mouse: napari's brush,
and all that is made of a stroke: taking note of it, undo, the journal. To draw the
picture anew takes longer, and is the same in both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from benchmarks.event_loop import NO_DISPLAY
from benchmarks.report import Report, Row
from benchmarks.scene import draw_nuclei
from benchmarks.subject import Subject
from benchmarks.timing import load
from benchmarks.window import (
    STROKE_MOVES,
    Window,
    has_display,
    live,
    move,
    open_bare,
    open_list,
    press,
    release,
)

_STROKES = 30
_BETWEEN_MOVES = 0.006
"""Seconds: napari leaves moves out that come sooner after another one."""

_BRUSH = 10


def measure(subject: Subject) -> Report:
    """Paint in turn in both windows."""
    size = subject.image.shape[0]
    title = f"A stroke of {STROKE_MOVES} moves, computed milliseconds: {size} x {size}"
    if not has_display():
        return Report(title, [], (NO_DISPLAY,))
    ours, bare = _paint(subject)
    rows: list[Row] = [
        {
            "part": part,
            "bare napari": float(np.median(theirs)),
            "with the dock": float(np.median(mine)),
            "more": float(np.median(mine) - np.median(theirs)),
        }
        for part, mine, theirs in zip(
            ("button down", "one move", "button up", "whole stroke"),
            ours.T,
            bare.T,
            strict=True,
        )
    ]
    note = f"Medians of {_STROKES} strokes, by turns. {load()}"
    return Report(title, rows, (note,))


def _paint(subject: Subject) -> tuple[Any, Any]:
    scene = draw_nuclei(subject.image.shape[0])
    with tempfile.TemporaryDirectory() as folder:
        tifffile.imwrite(Path(folder) / "field.tif", scene.image)
        with open_list(Path(folder), subject.source) as window:
            window.predict()
            window.until(lambda: not window.session.state.predicting)
            with open_bare(scene, window) as other:
                return _by_turns(window, other)


def _by_turns(window: Window, other: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    ours: Any = window.dock.bench.layers.labels_layer
    layers = ours, other.layers[-1]
    for layer in layers:
        layer.mode, layer.brush_size = "paint", _BRUSH
    both: tuple[list[Any], list[Any]] = ([], [])
    for number in range(_STROKES):
        middle = rng.uniform(0.3, 0.7, 2)
        for viewer, layer, found in zip(
            (window.viewer, other), layers, both, strict=True
        ):
            viewer.layers.selection.active = layer
            layer.selected_label = 100_000 + number
            live(0.1)
            found.append(_stroke(viewer, middle))
    return np.array(both[0]), np.array(both[1])


def _stroke(viewer: Any, middle: Any) -> tuple[float, float, float, float]:
    canvas = viewer.window._qt_viewer.canvas.native
    at = tuple(middle * (canvas.width(), canvas.height()))
    down = _computed(press, canvas, at)
    moves = 0.0
    for number in range(1, STROKE_MOVES + 1):
        live(_BETWEEN_MOVES)
        moves += _computed(move, canvas, at, number)
    live(_BETWEEN_MOVES)
    up = _computed(release, canvas, at, STROKE_MOVES)
    return down, moves / STROKE_MOVES, up, down + moves + up


def _computed(tell: Callable[..., None], *what: Any) -> float:
    """Return how many milliseconds the main thread computes while it is told."""
    before = time.thread_time()
    tell(*what)
    return 1000 * (time.thread_time() - before)

"""Files with images larger than memory, of which napari would read all at once.

They become layers with several levels, of which napari reads what is in view. Where the
file has no pyramid the coarse levels are read in the background, plane by plane, as
soon as somebody looks from afar.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from napari.layers import Image, Labels
from qtpy.QtCore import QObject, QTimer

from napari_unet.core.jobs import Job
from napari_unet.geometry.box import Box, PlaneIndex
from napari_unet.gui.napari_private import made_from_file
from napari_unet.gui.reading import NAPARI
from napari_unet.images.coarse import CoarseLevel, CoarsePlanes
from napari_unet.io.large_file import (
    LargeFile,
    find_large,
    open_large,
    read_coarsely,
)
from napari_unet.io.source import Source
from napari_unet.session.images.size import is_large
from napari_unet.session.runner import Handlers, Runner, Running
from napari_unet.session.session import Session

if TYPE_CHECKING:
    from napari.components import ViewerModel

_LEAST_BYTES = 2**20
"""No file that is smaller is looked into: it would have to be packed very well."""

_LOOK_MS = 200


@dataclass(frozen=True, slots=True, eq=False)
class OpenLarge(Job[None, LargeFile]):
    """Look at a few squares of a file, for its grey values."""

    source: Source

    def run(self) -> Generator[None, None, LargeFile]:
        """Look."""
        yield
        return open_large(self.source)


@dataclass(frozen=True, slots=True, eq=False)
class CoarsePart:
    """Every n-th pixel of a part of a plane."""

    box: Box
    values: npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class ReadCoarsely(Job[CoarsePart, None]):
    """Read every n-th pixel of a plane; see `read_coarsely`."""

    source: Source
    rows: int
    at: PlaneIndex
    step: int

    def run(self) -> Generator[CoarsePart, None, None]:
        """Read, part by part."""
        with copy.copy(self.source) as own:
            for found in read_coarsely(own, self.rows, self.at, self.step):
                yield CoarsePart(*found)


class LargeFiles:
    """Opens such files, and reads what is looked at from afar."""

    def __init__(
        self, viewer: ViewerModel, session: Session, runner: Runner, parent: QObject
    ) -> None:
        self._viewer = viewer
        self._session = session
        self._runner = runner
        self._reading: Running | None = None
        self._changed: set[Image | Labels] = set()
        self._timer = QTimer(parent)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        viewer.layers.events.inserted.connect(self._on_inserted)

    def close(self) -> None:
        """Read no more."""
        self._timer.stop()
        if self._reading is not None:
            self._reading.cancel()
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)

    def take(self, path: Path, then: Callable[[], None] = lambda: None) -> bool:
        """Open a file if its image is larger than memory; return whether it is.

        `then` is called when it is in the window.
        """
        if path.is_file() and path.stat().st_size < _LEAST_BYTES:
            return False
        most = self._session.images.most_bytes
        source = find_large(path, lambda shape, axes: is_large(shape, axes, most))
        if source is None:
            return False
        self._runner.start(
            OpenLarge(source),
            Handlers(
                result=partial(self._add, path, then),
                error=partial(self._session.report, "image"),
            ),
        )
        return True

    def _add(self, path: Path, then: Callable[[], None], found: LargeFile) -> None:
        with made_from_file(str(path), NAPARI):
            layer = Image(
                list(found.levels),
                name=path.stem,
                multiscale=True,
                contrast_limits=found.limits,
                metadata={"axes": found.axes},
            )
        self._viewer.add_layer(layer)
        then()

    def _on_inserted(self, event: Any) -> None:
        if _coarse_of(event.value) is not None:
            self._timer.start()

    def _look(self) -> None:
        """Draw what was read, and have read what somebody has looked at."""
        for layer in self._changed & set(self._viewer.layers):
            if layer.data_level:  # from near it is read from the file
                if layer.ndim == 2:
                    layer.data = layer.data  # or napari shows what it has read before
                layer.refresh(extent=False, highlight=False)
        self._changed.clear()
        if self._reading is not None and self._reading.running:
            return
        coarse = {x: c for x in self._viewer.layers if (c := _coarse_of(x)) is not None}
        if not coarse:
            self._timer.stop()
        for layer, planes in coarse.items():
            if planes.wanted:
                self._read(layer, planes, planes.wanted[-1])
                return

    def _read(
        self, layer: Image | Labels, planes: CoarsePlanes, at: PlaneIndex
    ) -> None:
        planes.begin(at)

        def take(part: CoarsePart) -> None:
            planes.take(at, part.box, part.values)
            self._changed.add(layer)

        self._reading = self._runner.start(
            ReadCoarsely(layer.data[0].source, planes.rows, at, planes.step),
            Handlers(event=take, error=partial(self._session.report, "image")),
        )


def _coarse_of(layer: Any) -> CoarsePlanes | None:
    """Return the coarse planes that a layer shows from afar, if it has any."""
    if not isinstance(layer, Image | Labels) or not layer.multiscale:
        return None
    last = layer.data[-1]
    return last.planes if isinstance(last, CoarseLevel) else None

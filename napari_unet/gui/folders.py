"""A folder that was dropped into the window: many images, not one volume.

napari stacks the files of a folder along a new axis, whatever they are. Here they are
opened one by one instead, as the command line takes them. The stack is kept, for those
whose files are the sections of one image.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from napari_unet.errors import InputError
from napari_unet.io.pairing import list_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

MOST_OPENED = 30
"""More layers make napari slow; the rest can be dropped in, or predicted at once."""

_NAPARI = "napari"
_ONE_IMAGE = "napari_unet_one_image"


def folder_of(layer: Any) -> Path | None:
    """Return the folder whose files a layer stacks; None for every other layer."""
    if not isinstance(layer, Image) or layer.metadata.get(_ONE_IMAGE):
        return None
    if not layer.source.path or layer.source.reader_plugin != _NAPARI:
        return None  # another reader knows what it makes of a folder
    path = Path(layer.source.path)
    if any(part.endswith(".zarr") for part in path.parts):
        return None
    return path if path.is_dir() and _images(path) else None


def _images(folder: Path) -> list[Path]:
    try:
        return [path for path in list_images(folder) if path.is_file()]
    except InputError:
        return []


class Folders(QObject):
    """Opens the images of folders one by one, and can have them as one stack again."""

    changed = Signal()  # there is something else to tell

    def __init__(
        self, viewer: ViewerModel, open_file: Callable[[Path], object]
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._open_file = open_file
        self._stack: Image | None = None
        self._found: list[Path] = []
        self._waiting: deque[Path] = deque()
        # One file at a time, so that the window lives in between.
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._open_next)
        viewer.layers.events.inserted.connect(self._on_inserted)
        for layer in viewer.layers:
            self._look_at(layer)

    @property
    def told(self) -> str:
        """What was done with the last folder, or nothing."""
        if self._stack is None:
            return ""
        number = len(self._found)
        folder = self._found[0].parent.name
        if number == 1:
            return f"The folder {folder} holds one image."
        text = f"The folder {folder} holds {number} images, each is one of its own."
        if number > MOST_OPENED:
            text += (
                f" The first {MOST_OPENED} are open; drop others in, or predict all "
                "with: napari-unet predict"
            )
        return text

    def stack(self) -> None:
        """Have the files of the last folder as the sections of one image."""
        stack, self._stack = self._stack, None
        if stack is None:
            return
        self._timer.stop()
        self._waiting.clear()
        stack.metadata[_ONE_IMAGE] = True
        self._viewer.add_layer(stack)
        self.changed.emit()

    def close(self) -> None:
        """Open no more."""
        self._timer.stop()
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)

    def _on_inserted(self, event: Any) -> None:
        self._look_at(event.value)

    def _look_at(self, layer: Any) -> None:
        folder = folder_of(layer)
        if folder is None:
            return
        self._stack = layer
        self._found = _images(folder)
        self._waiting.extend(self._found[:MOST_OPENED])
        # Not at once: others still have to hear that the layer was inserted.
        self._timer.start(0)

    def _open_next(self) -> None:
        if self._stack is not None and self._stack in self._viewer.layers:
            self._viewer.layers.remove(self._stack)
            self.changed.emit()
        elif self._waiting:
            self._open_file(self._waiting.popleft())
        if not self._waiting:
            self._timer.stop()

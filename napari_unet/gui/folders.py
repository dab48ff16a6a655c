"""A folder that was dropped into the window: many images, not one volume.

napari stacks the files of a folder along a new axis, whatever they are. Here they come
into the list of images instead, and the first one is opened. The stack is kept, for
those whose files are the sections of one image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_unet.errors import InputError
from napari_unet.gui.connections import single_shot
from napari_unet.io.pairing import list_images

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.session.worklist.worklist import Worklist

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
    """Puts images of folders into the list, and can have them as one stack again."""

    changed = Signal()  # there is something else to tell

    def __init__(self, viewer: ViewerModel, worklist: Worklist) -> None:
        super().__init__()
        self._viewer = viewer
        self._worklist = worklist
        self._stack: Image | None = None
        self._found: list[Path] = []
        self._waiting: list[tuple[Image, Path]] = []  # several may be dropped at once
        self._timer = single_shot(self._list, 0, self)
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
        return f"The folder {folder} holds {number} images, each is one of its own."

    def stack(self) -> None:
        """Have the files of the last folder as the sections of one image."""
        stack, self._stack = self._stack, None
        if stack is None:
            return
        self._timer.stop()
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
        self._waiting.append((layer, folder))
        # Not at once: others still have to hear that the layer was inserted.
        self._timer.start()

    def _list(self) -> None:
        waiting, self._waiting = self._waiting, []
        there = [each for each in waiting if each[0] in self._viewer.layers]
        for layer, _ in there:
            self._viewer.layers.remove(layer)
        if there:
            self.changed.emit()
            folders = [folder for _, folder in there]
            self._worklist.listing.add(folders, go=True)

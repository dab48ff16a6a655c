"""A folder that was dropped into the window: many images, not one volume.

napari stacks the files of a folder along a new axis, whatever they are. Here they come
into the list of images instead, and the first one is opened. The stack is kept, for
those whose files are the sections of one image.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.gui.connections import single_shot
from napari_unet.io.pairing import list_images
from napari_unet.io.read import read_header
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.status import Place

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


@dataclass(frozen=True, slots=True)
class LookForSizes(Job[None, tuple[tuple[int, ...], ...]]):
    """Return how large the images of files are, those of which that is known."""

    paths: tuple[Path, ...]

    def run(self) -> Generator[None, None, tuple[tuple[int, ...], ...]]:
        """Read what the files state, one after the other."""
        sizes = []
        for path in self.paths:
            yield
            sizes.append(read_header(path).shape)
        return tuple(sizes)


class Folders(QObject):
    """Puts images of folders into the list, and can have them as one stack again.

    `report` tells a person why something is refused.
    """

    changed = Signal()  # there is something else to tell

    def __init__(
        self,
        viewer: ViewerModel,
        worklist: Worklist,
        runner: Runner,
        report: Callable[[Place, Exception], None],
    ) -> None:
        super().__init__()
        self._runner = runner
        self._report = report
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
        return f"The folder {folder} holds {number} images."

    def stack(self) -> None:
        """Have the files of the last folder as sections of one image, if they fit."""
        stack, found = self._stack, self._found
        if stack is None:
            return

        def add(sizes: tuple[tuple[int, ...], ...]) -> None:
            if stack is not self._stack:
                return
            if why_not := _why_no_stack(found, sizes):
                self._report("image", InputError(why_not))
            else:
                self._add(stack)

        self._runner.start(LookForSizes(tuple(found)), Handlers(result=add))

    def _add(self, stack: Image) -> None:
        self._stack = None
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


def _why_no_stack(found: list[Path], sizes: tuple[tuple[int, ...], ...]) -> str:
    """Return why files are not the sections of one image, or nothing."""
    for path, size in zip(found, sizes, strict=True):
        if not size:
            return (
                f"The files are no stack: {path.name} cannot be read as an image. Take "
                "it out of the folder, and drop the folder again."
            )
        if size != sizes[0]:
            one, other = (" x ".join(map(str, each)) for each in (sizes[0], size))
            return (
                f"The files are no stack: {found[0].name} has {one} pixels, and "
                f"{path.name} {other}. Sections of one image are equally large."
            )
    return ""

"""A folder that was dropped into the window: many images, not one volume.

napari would stack the files of a folder along a new axis, whatever they are, and fails
where they differ. Here they come into the list of images instead, and the first one is
opened. For those whose files are the sections of one image the stack is made when a
person wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal
from qtpy.QtCore import QObject

from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.gui.connections import single_shot
from napari_unet.gui.napari_private import made_from_file
from napari_unet.gui.reading import NAPARI, read_stack
from napari_unet.io.pairing import list_images
from napari_unet.io.read import read_header
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.status import Place

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.session.worklist.worklist import Worklist

_ONE_IMAGE = "napari_unet_one_image"


def folder_of(layer: Any) -> Path | None:
    """Return the folder whose files a layer stacks; None for every other layer."""
    if not isinstance(layer, Image) or layer.metadata.get(_ONE_IMAGE):
        return None
    if not layer.source.path or layer.source.reader_plugin != NAPARI:
        return None  # another reader knows what it makes of a folder
    path = Path(layer.source.path)
    if any(part.endswith(".zarr") for part in path.parts):
        return None
    return path if path.is_dir() and _images(path) else None


def _images(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(path for path in list_images(folder) if path.is_file())
    except InputError:
        return ()


@dataclass(frozen=True, slots=True)
class ListFiles(Job[None, tuple[Path, ...]]):
    """Return the files of a folder that are images."""

    folder: Path

    def run(self) -> Generator[None, None, tuple[Path, ...]]:
        """Look for them."""
        yield
        return _images(self.folder)


@dataclass(frozen=True, slots=True)
class StackFiles(Job[None, Any]):
    """Return the files of a folder as napari stacks them; an InputError says why not.

    No more is read than what they state of themselves, and one of them.
    """

    paths: tuple[Path, ...]

    def run(self) -> Generator[None, None, Any]:
        """Look at what the files state, one after the other."""
        sizes = []
        for path in self.paths:
            yield
            sizes.append(read_header(path).shape)
        if why_not := _why_no_stack(self.paths, sizes):
            raise InputError(why_not)
        return read_stack(self.paths)


class Folders(QObject):
    """Puts images of folders into the list, and can have them as one stack as well.

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
        self._found: tuple[Path, ...] = ()
        self._waiting: list[tuple[Image, Path]] = []  # several may be opened at once
        self._timer = single_shot(self._list, 0, self)
        viewer.layers.events.inserted.connect(self._on_inserted)
        for layer in viewer.layers:
            self._look_at(layer)

    @property
    def told(self) -> str:
        """What was done with the last folder, or nothing."""
        number = len(self._found)
        if not number:
            return ""
        folder = self._found[0].parent.name
        if number == 1:
            return f"The folder {folder} holds one image."
        return f"The folder {folder} holds {number} images."

    def take(self, folders: Sequence[Path]) -> None:
        """Put the images of folders into the list, and open the first one."""
        self._worklist.listing.add(folders, go=True)
        last = ListFiles(folders[-1])
        self._runner.start(last, Handlers(result=self._tell_of))

    def stack(self) -> None:
        """Have the files of the last folder as sections of one image, if they fit."""
        found = self._found
        if not found:
            return

        def add(pixels: Any) -> None:
            if found is self._found:
                self._add(pixels, found[0].parent)

        def fail(error: Exception) -> None:
            if found is self._found:
                self._report("image", error)

        self._runner.start(StackFiles(found), Handlers(result=add, error=fail))

    def _tell_of(self, found: tuple[Path, ...]) -> None:
        self._found = found
        self.changed.emit()

    def _add(self, pixels: Any, folder: Path) -> None:
        with made_from_file(str(folder), NAPARI):
            layer = Image(pixels, name=folder.name, metadata={_ONE_IMAGE: True})
        self._tell_of(())
        self._viewer.add_layer(layer)

    def close(self) -> None:
        """Open no more."""
        self._timer.stop()
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)

    def _on_inserted(self, event: Any) -> None:
        self._look_at(event.value)

    def _look_at(self, layer: Any) -> None:
        """Take a folder that napari has stacked, as scripts and its dialogs let it."""
        folder = folder_of(layer)
        if folder is None:
            return
        self._waiting.append((layer, folder))
        # Not at once: others still have to hear that the layer was inserted.
        self._timer.start()

    def _list(self) -> None:
        waiting, self._waiting = self._waiting, []
        there = [each for each in waiting if each[0] in self._viewer.layers]
        for layer, _ in there:
            self._viewer.layers.remove(layer)
        if there:
            self.take([folder for _, folder in there])


def _why_no_stack(paths: Sequence[Path], sizes: Sequence[tuple[int, ...]]) -> str:
    """Return why files are not the sections of one image, or nothing."""
    for path, size in zip(paths, sizes, strict=True):
        if not size:
            return (
                f"The files are no stack: {path.name} cannot be read as an image. Take "
                "it out of the folder, and drop the folder again."
            )
        if size != sizes[0]:
            one, other = (" x ".join(map(str, each)) for each in (sizes[0], size))
            return (
                f"The files are no stack: {paths[0].name} has {one} pixels, and "
                f"{path.name} {other}. Sections of one image are equally large."
            )
    return ""

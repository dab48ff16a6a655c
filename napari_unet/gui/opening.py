"""What a person drops or opens, and napari would not read, or would read all at once.

napari makes one stack of the files in a folder, and ends with an error where they
differ, or where there is any other file or only folders. Of a zarr it reads one array,
or a group of arrays without others in it. So projects are opened here, images of
folders come into the list, images larger than memory are opened by regions
(`large_files.py`), and label maps become layers (`label_files.py`). Files are napari's;
what it fails to read comes into the list.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.errors import NoAvailableReaderError, ReaderPluginError

from napari_unet.errors import InputError
from napari_unet.gui.folders import Folders
from napari_unet.gui.label_files import LabelFiles
from napari_unet.gui.large_files import LargeFiles
from napari_unet.gui.one_image import OneImage
from napari_unet.gui.reading import is_read_as_image
from napari_unet.io.pairing import is_image_name
from napari_unet.io.zarr import Inside, is_zarr, look_inside
from napari_unet.project.layout import SUFFIX
from napari_unet.session.session import Session
from napari_unet.session.worklist.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable


class Opening:
    """Takes what is dropped before napari does, and what it has failed to read."""

    def __init__(
        self,
        session: Session,
        large: LargeFiles,
        labels: LabelFiles,
        folders: Folders,
        one_image: OneImage,
    ) -> None:
        self._session = session
        self._large = large
        self._labels = labels
        self._folders = folders
        self._one_image = one_image
        # What is done when an image of the list is in the window.
        self._then: dict[Path, Callable[[], None]] = {}
        one_image.shown.connect(self._on_shown)

    def close(self) -> None:
        """Wait for no image any more."""
        self._labels.close()
        self._one_image.shown.disconnect(self._on_shown)

    def open(self, paths: list[str], napari: Callable[[list[str]], None]) -> None:
        """Open what can be opened here, and let napari open what is left.

        It stops at the first file that it cannot read.
        """
        left = self.take(paths)
        while left:
            try:
                napari(left)
                return
            except (NoAvailableReaderError, ReaderPluginError) as error:
                failed = _unread(error)
                if failed not in left or not self._rescue(Path(failed)):
                    raise
                left = left[left.index(failed) + 1 :]

    def take(self, paths: list[str]) -> list[str]:
        """Open what can be opened here; return what is left for napari."""
        left, folders = [], []
        for path in map(Path, paths):
            if path.suffix == SUFFIX and path.is_dir():
                self._session.projects.open(path)
            elif is_zarr(path):
                if not self._take_zarr(path):
                    left.append(str(path))
            elif path.is_dir() and not _is_for_napari(path):
                folders.append(path)
            elif not self._large.take(path):
                left.append(str(path))
        if folders:
            self._folders.take(folders)
        return left

    def _rescue(self, file: Path) -> bool:
        """Put a file into the list if that can take it, which says what is wrong."""
        if not (file.is_file() and is_image_name(file.name)):
            return False
        self._session.worklist.listing.add([file], go=True)
        return True

    def _take_zarr(self, path: Path) -> bool:
        """Show what is in a zarr; return whether it is not left for napari."""
        try:
            inside = look_inside(path)
        except (InputError, OSError):
            inside = Inside(image=True, labels=(), plain=False)  # the list says why not
        show = partial(self._labels.show, path, inside.labels)
        then = show if inside.labels else _nothing
        if inside.image and self._large.take(path, then):
            return True
        if inside.image and not inside.plain:
            self._then[path.resolve()] = then
            self._session.worklist.listing.add([path], go=True)
            return True
        then()
        return bool(inside.labels)

    def _on_shown(self, entry: Entry) -> None:
        if entry.path is not None:
            self._then.pop(entry.path.resolve(), _nothing)()


def _unread(error: NoAvailableReaderError | ReaderPluginError) -> str:
    """Return the path that napari failed to read.

    Where no other reader is left it says so of all paths that it was given.
    """
    first = error.__cause__
    found = first if isinstance(first, ReaderPluginError) else error
    return str(found.paths[0])


def _nothing() -> None:
    """Do nothing."""


def _is_for_napari(folder: Path) -> bool:
    """Whether napari reads files of a folder, of which the list can take none."""
    try:
        suffixes = set()
        for name in _files(folder):
            if is_image_name(name):
                return False
            suffixes.add(Path(name).suffix.lower())
    except OSError:
        return True  # it says what is wrong
    return bool(suffixes) and all(map(is_read_as_image, suffixes))


def _files(folder: Path) -> Iterator[str]:
    """Yield the names of files as napari looks for them."""
    with os.scandir(folder) as found:
        for each in found:
            if "." in each.name[1:] and each.name[0] != "." and each.is_file():
                yield each.name

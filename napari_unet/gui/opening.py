"""What a person drops or opens, and napari would not read, or would read all at once.

napari makes one stack of the files in a folder, and ends with an error where there is
any other file or only folders. A project is opened here, and images that cannot be such
a stack come into the list. What napari can stack it does; see `folders.py`. Images
larger than memory are opened by regions; see `large_files.py`.
"""

from __future__ import annotations

from pathlib import Path

from napari_unet.gui.large_files import LargeFiles
from napari_unet.gui.reading import is_read_as_image
from napari_unet.io.zarr import is_zarr
from napari_unet.project.layout import SUFFIX
from napari_unet.session.session import Session


class Opening:
    """Takes folders before napari does."""

    def __init__(self, session: Session, large: LargeFiles) -> None:
        self._session = session
        self._large = large

    def take(self, paths: list[str]) -> list[str]:
        """Open what can be opened here; return what is left for napari."""
        left, folders = [], []
        for path in map(Path, paths):
            if path.suffix == SUFFIX and path.is_dir():
                self._session.projects.open(path)
            elif path.is_dir() and not _is_for_napari(path):
                folders.append(path)
            elif not self._large.take(path):
                left.append(str(path))
        if folders:
            self._session.worklist.listing.add(folders, go=True)
        return left


def _is_for_napari(folder: Path) -> bool:
    """Whether napari reads a folder: a zarr, or files that can all be images."""
    if folder.suffix == ".zarr" or is_zarr(folder):
        return True
    try:
        # As napari looks for them.
        found = [each for each in folder.glob("*.*") if not each.name.startswith(".")]
        suffixes = {each.suffix.lower() for each in found if each.is_file()}
    except OSError:
        return True  # it says what is wrong
    return bool(suffixes) and all(map(is_read_as_image, suffixes))

"""Image files, read as napari reads those that are dropped into its window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.plugins.io import read_data_with_plugins
from npe2 import PluginManager

from napari_unet.errors import InputError
from napari_unet.gui.napari_private import is_taken_for_colour
from napari_unet.io.large_file import find_large, open_large
from napari_unet.io.pairing import in_natural_order
from napari_unet.io.read import is_damaged
from napari_unet.session.images.size import is_large
from napari_unet.session.worklist.reading import Picture, PlainReader

NAPARI = "napari"
"""What napari calls its own reader."""

_NO_IMAGES = frozenset({".csv", ".obj", ".py"})
"""What it makes points, surfaces, and who knows what of."""


def is_read_as_image(suffix: str) -> bool:
    """Return whether napari takes files with a suffix for images."""
    readers = PluginManager.instance().iter_compatible_readers([f"image{suffix}"])
    known = any(reader.plugin_name == NAPARI for reader in readers)
    return known and suffix not in _NO_IMAGES


@dataclass(frozen=True, slots=True)
class NapariReader:
    """Reads a file as napari does; what that cannot read, as this program does.

    Implements `napari_unet.session.worklist.reading.Reader`.
    """

    def read(self, path: Path) -> Picture:
        """Read a file; an InputError says why that cannot be."""
        if is_damaged(path):
            return PlainReader().read(path)  # which says so; napari shows what is left
        if (source := find_large(path, is_large)) is not None:
            found = open_large(source)
            # It is indexed as numpy's arrays are, and is no more than that.
            pixels: Any = found.levels[0]
            shown = list(found.levels)
            return Picture(pixels, found.axes, shown=shown, limits=found.limits)
        try:
            layers, _ = read_data_with_plugins([str(path)], plugin=NAPARI)
        except Exception:  # noqa: BLE001 - readers raise anything at all
            layers = []
        if not layers or not _is_array(layers[0][0]):
            return PlainReader().read(path)
        data = layers[0][0]
        pixels = data[0] if isinstance(data, list) else data
        return Picture(pixels, colour=is_taken_for_colour(pixels), shown=data)


def read_stack(paths: Sequence[Path]) -> Any:
    """Return files of one folder along a new axis, as napari stacks them.

    It reads them one by one, when they are looked at. An InputError says why that
    cannot be.
    """
    folder = paths[0].parent
    # As napari looks for them; it takes several kinds of files from a folder alone.
    files = (each for each in folder.glob("*.*") if each.is_file())
    alone = {each for each in files if not each.name.startswith(".")} == {*paths}
    wanted = [folder] if alone else in_natural_order(paths)
    try:
        layers, _ = read_data_with_plugins(
            [str(each) for each in wanted], plugin=NAPARI, stack=not alone
        )
        return (layers or [])[0][0]
    except Exception as error:  # readers raise anything at all
        raise InputError(
            f"napari could not make one stack of the images in {folder.name}; keep "
            "files of one kind alone in a folder, and drop that."
        ) from error


def _is_array(data: Any) -> bool:
    pixels = data[0] if isinstance(data, list) and data else data
    return hasattr(pixels, "dtype") and getattr(pixels, "ndim", 0) >= 2

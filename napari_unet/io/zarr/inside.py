"""Which images a zarr folder holds: an image of its own, a plate, series, labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from napari_unet.errors import InputError
from napari_unet.io.zarr.metadata import (
    group_attributes,
    is_group,
    level_folder,
    neither,
)

_CONTAINER = "bioformats2raw.layout"
_MOST_FOLDERS, _DEEPEST = 2_000, 5
_MOST_IMAGES = 100_000
_SHOWN = 3


def list_zarr_images(folder: Path) -> list[Path]:
    """Return the images of a zarr, in the order of its metadata.

    All fields of a plate or of a well; all series of a container that has several.
    Everything else is one image, which is read or refused as a whole.
    """
    attributes = group_attributes(folder) or {}
    if "plate" in attributes:
        wells = _paths(folder, attributes["plate"], "wells")
        found = [field for well in wells for field in _fields(well)]
    elif "well" in attributes:
        found = _fields(folder)
    else:
        series = _series(folder, attributes)
        found = series if len(series) > 1 else []
    root = folder.resolve()
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise leading_out(folder, path)
    return found or [folder]


def labels_inside(path: Path) -> Path:
    """Return the one label map of an OME-Zarr image, or else the path itself.

    An image with several is refused, with their names.
    """
    group = path / "labels"
    if not (path.is_dir() and is_group(path) and is_group(group)):
        return path
    names = (group_attributes(group) or {}).get("labels")
    found = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
    if not found:
        return path
    inside = [level_folder(group, name) for name in found]
    if len(inside) > 1:
        some = ", ".join(repr(str(one)) for one in inside[:_SHOWN])
        raise InputError(
            f"The zarr {str(path)!r} has {len(inside)} label maps; name one: {some}."
        )
    if not inside[0].resolve().is_relative_to(path.resolve()):
        raise leading_out(path, inside[0])
    return inside[0]


def leading_out(folder: Path, link: Path) -> InputError:
    """Return an error that names a link to what is not in a zarr."""
    return InputError(
        f"The zarr {str(folder)!r} was not read: {link.name!r} in it is a link that "
        "leads out of it; copy the whole zarr."
    )


def image_inside(folder: Path) -> tuple[Path, str | None]:
    """Return the one image that a zarr stands for, and what is said of others.

    A plate or another group without an image of its own is refused with those inside.
    """
    attributes = group_attributes(folder)
    if attributes is None or "multiscales" in attributes:
        return folder, None
    series = _series(folder, attributes)
    if not series:
        inside = list(islice(_images_below(folder), _SHOWN))
        if not inside:
            raise neither(folder)
        raise InputError(
            f"The zarr {str(folder)!r} is no image but a group of several; name the "
            f"one inside: {', '.join(repr(str(one)) for one in inside)}."
        )
    note = (
        f"the zarr holds {len(series)} images and only {series[0].name!r} was read; "
        f"name the others, such as {str(series[-1])!r}"
    )
    return series[0], note if len(series) > 1 else None


def _series(folder: Path, attributes: dict[str, Any]) -> list[Path]:
    """Return the images of a container, in the order of their numbers."""
    if _CONTAINER not in attributes:
        return []
    names = (one.name for one in folder.iterdir())
    numbers = sorted(int(n) for n in names if n.isascii() and n.isdecimal())
    return [folder / str(n) for n in numbers if is_group(folder / str(n))]


def _fields(well: Path) -> list[Path]:
    attributes = group_attributes(well) if well.is_dir() else None
    return _paths(well, (attributes or {}).get("well"), "images")


def _paths(folder: Path, found: Any, what: str) -> list[Path]:
    """Return the folders in a list of metadata, which can be any nonsense."""
    entries = found.get(what) if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return []
    if len(entries) > _MOST_IMAGES:
        raise InputError(f"A zarr tells of {len(entries):,} {what}; name one of them.")
    paths = (one.get("path") for one in entries if isinstance(one, dict))
    return [level_folder(folder, p) for p in paths if isinstance(p, str) and p]


def _images_below(folder: Path) -> Iterator[Path]:
    """Yield images and arrays inside of a group; not the levels of an image."""
    waiting, looked_at = [(folder, 0)], 0
    while waiting and looked_at < _MOST_FOLDERS:
        here, depth = waiting.pop(0)
        looked_at += 1
        if depth and _is_image(here):
            yield here
        elif depth < _DEEPEST:
            folders = sorted(one for one in here.iterdir() if one.is_dir())
            waiting += [(one, depth + 1) for one in folders if not one.is_symlink()]


def _is_image(folder: Path) -> bool:
    try:
        attributes = group_attributes(folder)
    except InputError:
        return False
    return attributes is None or "multiscales" in attributes

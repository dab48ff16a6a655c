"""Which images a zarr folder holds: an image of its own, a plate, series, labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
_MARK = "image-label"
"""What OME-Zarr says of a label map."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What a zarr holds.

    Attributes
    ----------
    image : bool
        Whether there is an image, or several.
    labels : tuple of Path
        The label maps that belong to it, or are all there is.
    plain : bool
        Whether it is an array, or an image whose arrays are all that is in it.
    """

    image: bool
    labels: tuple[Path, ...]
    plain: bool


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
    inside = _listed_labels(path) if path.is_dir() and is_group(path) else []
    if len(inside) > 1:
        some = ", ".join(repr(str(one)) for one in inside[:_SHOWN])
        raise InputError(
            f"The zarr {str(path)!r} has {len(inside)} label maps; name one: {some}."
        )
    return inside[0] if inside else path


def look_inside(path: Path) -> Inside:
    """Return what a zarr holds, by its metadata alone; an InputError if damaged."""
    attributes = group_attributes(path)
    if attributes is None:
        return Inside(image=True, labels=(), plain=True)
    if _MARK in attributes:
        return Inside(image=False, labels=(path,), plain=False)
    alone = "multiscales" in attributes
    # Of a plate with hundreds of wells nobody reads what each of them says.
    images = alone or "plate" in attributes or "well" in attributes
    image = images or bool(_series(path, attributes))
    groups = any(is_group(one) for one in islice(path.iterdir(), _MOST_FOLDERS))
    return Inside(image, tuple(_listed_labels(path)), plain=alone and not groups)


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
        if labels := _listed_labels(folder):
            some = ", ".join(repr(str(one)) for one in labels[:_SHOWN])
            raise InputError(
                f"The zarr {str(folder)!r} holds labels ({some}) and no image; name "
                "the image that they belong to. To look at them, drop the zarr on the "
                "window of napari while the dock is open."
            )
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


def _listed_labels(folder: Path) -> list[Path]:
    """Return the label maps of an image, or of the group of labels in one."""
    inside: list[Path] = []
    for group in (folder / "labels", folder):
        attributes = group_attributes(group) if is_group(group) else None
        names = (attributes or {}).get("labels")
        if isinstance(names, list):
            found = (name for name in names if isinstance(name, str))
            inside = [level_folder(group, name) for name in found]
            break
    root = folder.resolve() if inside else folder
    for one in inside:
        if not one.resolve().is_relative_to(root):
            raise leading_out(folder, one)
    return inside


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

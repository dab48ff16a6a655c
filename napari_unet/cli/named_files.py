"""The files that arguments of the command line name: files, folders, patterns."""

from __future__ import annotations

import glob
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.io.pairing import by_stem, in_natural_order, list_images
from napari_unet.io.remote import is_address, place_of


def named_sources(images: list[str]) -> list[Path]:
    """Return the files that are named, and what stands for images at an address."""
    there = [image for image in images if is_address(image)]
    files = named_images([image for image in images if not is_address(image)])
    return [*files, *(place_of(image) for image in dict.fromkeys(there))]


def named_images(images: list[str]) -> list[Path]:
    """Return the files that are named; those of two equal names are refused."""
    if there := next(filter(is_address, images), None):
        raise InputError(
            f"{there!r} is an address, which predict alone reads, block by block: give "
            "it --output-format; or copy the image to this machine first."
        )
    # Patterns may overlap: a file that is named twice is one.
    paths = dict.fromkeys(path for image in images for path in expand(image))
    return list(by_stem(paths).values())


def expand(image: str, *, more: frozenset[str] = frozenset()) -> list[Path]:
    """Return the files that an argument names; Windows leaves patterns to us.

    In folders these are images, and files with the suffixes in `more`.
    """
    path = Path(image)
    if path.is_dir():
        return in_natural_order(list_images(path, more=more))
    if path.exists() or path.is_symlink() or not glob.has_magic(image):
        return [path]
    for pattern in (image, image.replace("[", "[[]")):
        # Path.glob takes no absolute patterns.
        if found := glob.glob(pattern):  # noqa: PTH207
            return in_natural_order(map(Path, found))
    raise InputError(f"No file fits the pattern {image!r}; check the folder.")

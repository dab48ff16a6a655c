"""Which files of a folder are images, what they are called, and which belong together.

Names that are the same for a person are the same here, and names that only look the
same are told apart in words.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.io.zarr import is_group, is_zarr, list_zarr_images

_IMAGE_SUFFIXES = frozenset(
    {".bmp", ".btf", ".gif", ".jpeg", ".jpg", ".lsm", ".png", ".tf8", ".tif", ".tiff"}
    | {".czi", ".lif", ".nd2"}
)
_ZARR = ".zarr"
_PLATE_DEPTH = 3  # field, well, row
_OME = ".ome"
_ALIKE = 0.6
_SHOWN = 3
_NUMBER = re.compile(r"(\d+)", re.ASCII)


def list_images(
    folder: str | Path, *, more: frozenset[str] = frozenset()
) -> list[Path]:
    """Return the images of a folder, sorted by name; hidden files are left out.

    Images are files, and folders whose names end in `.zarr`. A folder that is a zarr
    itself is one image, or those of a plate or container. Other folders are not
    searched deeper. `more` names suffixes of other files that are welcome.

    Raises an InputError if the folder cannot be read or holds no image.
    """
    folder = Path(folder)
    name = repr(str(folder))

    def is_image(path: Path) -> bool:
        suffix = path.suffix.lower()
        if path.name.startswith("."):
            return False
        if suffix == _ZARR:
            return path.is_dir()
        return suffix in _IMAGE_SUFFIXES | more and path.is_file()

    try:
        if folder.is_file():
            raise InputError(
                f"Expected a folder of images, found the file {name}; name its folder."
            )
        if is_zarr(folder):
            return list_zarr_images(folder)
        found = sorted(path for path in folder.iterdir() if is_image(path))
    except FileNotFoundError as error:
        raise InputError(f"There is no folder {name}; check the name.") from error
    except OSError as error:
        raise InputError(
            f"Cannot read the folder {name}: {error.strerror}; change its permissions."
        ) from error
    if not found:
        raise InputError(
            f"The folder {name} holds no image (TIFF, PNG, JPEG, BMP); "
            "name the folder that does."
        )
    return found


def is_image_name(name: str) -> bool:
    """Whether `list_images` takes a file that is called so for an image."""
    return not name.startswith(".") and Path(name).suffix.lower() in _IMAGE_SUFFIXES


def pair_by_stem(
    images: str | Path,
    labels: str | Path,
    *,
    what: str = "label map",
    more: frozenset[str] = frozenset(),
) -> list[tuple[Path, Path]]:
    """Pair the images of two folders that have the same name up to the suffix, sorted.

    Letters with accents are the same however they are composed, and `.ome.tif` is one
    suffix. `what` the second folder holds is named in the messages; `more` are suffixes
    that its files may have besides those of images.

    Raises an InputError if a folder is missing or empty, or anything in either has no
    partner.
    """
    left, right = by_stem(list_images(images)), by_stem(list_images(labels, more=more))
    lonely = sorted(left.keys() - right.keys())
    if lonely:
        raise InputError(
            f"No {what} in {str(labels)!r} for {name_some(lonely)} of "
            f"{str(images)!r}; give both the same name up to the suffix, or move the "
            f"image away.{hint_at(lonely, right.keys() - left.keys())}"
        )
    lonely = sorted(right.keys() - left.keys())
    if lonely:
        raise InputError(
            f"No image in {str(images)!r} for the {what} {name_some(lonely)} of "
            f"{str(labels)!r}; give both the same name up to the suffix, or move the "
            f"{what} away."
        )
    return [(left[stem], right[stem]) for stem in sorted(left)]


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """Return paths sorted as people count: "t2" comes before "t10"."""

    def parts(path: Path) -> list[tuple[int, int, str]]:
        found = _NUMBER.split(str(path))
        return [(0, int(p), p) if p.isdecimal() else (1, 0, p) for p in found]

    return sorted(paths, key=parts)


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Return the paths by their names without suffix, in Unicode's normal form.

    Raises an InputError if two have the same name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        stem = _same_name(name_of(path))
        if stem in found:
            raise InputError(
                f"{str(found[stem])!r} and {str(path)!r} have the same name up to the "
                "suffix, so they cannot be told apart; rename one."
                + _difference(found[stem].name, path.name)
            )
        found[stem] = path
    return found


def hint_at(lonely: list[str], others: Iterable[str]) -> str:
    """Return a sentence on the name that is nearest to a name without a partner."""
    look = _look(lonely[0])
    by_look = {_look(other): other for other in sorted(others)}
    longer = [other for other in by_look if other.startswith(look)]
    found = longer or difflib.get_close_matches(look, by_look, n=1, cutoff=_ALIKE)
    if not found:
        return ""
    near = by_look[found[0]]
    how = _difference(lonely[0], near) or " Rename one of them if they belong together."
    return f" There is {near!r}.{how}"


def name_some(names: list[str]) -> str:
    """Return up to three names in quotes, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def name_of(path: Path) -> str:
    """Return what an image is called: no suffix, but the way to it inside a zarr.

    Such as "plate_A_1_0". Rows of a plate may be plain folders.
    """
    here = path.absolute()
    around = [one for one in here.parents if one.suffix.lower() == _ZARR]
    if not around and is_group(here.parent):
        around = [one for one in here.parents[:_PLATE_DEPTH] if is_group(one)]
    if not around:
        return stem_of(path)
    return "_".join((stem_of(around[-1]), *here.relative_to(around[-1]).parts))


def stem_of(path: Path) -> str:
    """Return a file's name without suffix; `.ome.tif` and `.ome.zarr` are one."""
    stem = path.stem
    if stem.lower().endswith(_OME) and len(stem) > len(_OME):
        return stem[: -len(_OME)]
    return stem


def _same_name(name: str) -> str:
    """Return a name as it is compared: macOS takes letters apart from their accents."""
    return unicodedata.normalize("NFC", name)


def _difference(name: str, other: str) -> str:
    """Return a sentence on how two names differ that look the same, or nothing."""
    if name == other:
        return ""
    if _same_name(name) == _same_name(other):
        return " Their accents are written in two ways that look the same."
    if name.casefold() == other.casefold():
        return " They differ in capital letters alone."
    if len(name) != len(other):
        return ""
    first, second = next((a, b) for a, b in zip(name, other, strict=True) if a != b)
    if first.isascii() and second.isascii():
        return ""
    return (
        f" They differ in {_in_words(first)} and {_in_words(second)}, which may look "
        "the same."
    )


def _look(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _in_words(letter: str) -> str:
    called = unicodedata.name(letter, "a letter without a name")
    return f"U+{ord(letter):04X} ({called.lower()})"

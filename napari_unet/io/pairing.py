"""Which files of a folder are images, and which belong together."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.io.names import difference, nearest, same_name, stem_of
from napari_unet.io.zarr_groups import list_zarr_images, name_inside
from napari_unet.io.zarr_metadata import is_zarr

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".btf", ".gif", ".jpeg", ".jpg", ".lsm", ".png", ".tf8", ".tif", ".tiff"}
)
"""Lower-case suffixes of the files that a folder of images is searched for."""

_ZARR = ".zarr"
_SHOWN = 3


def list_images(
    folder: str | Path, *, more: frozenset[str] = frozenset()
) -> list[Path]:
    """Return the images of a folder, sorted by name; hidden files are left out.

    Images are files, and folders whose names end in `.zarr`. A folder that is a zarr
    itself is one image, or those of a plate or container.

    Parameters
    ----------
    folder : str or Path
        Not searched deeper.
    more : frozenset of str
        Suffixes of other files that are welcome, in lower case.

    Raises
    ------
    InputError
        If the folder is missing, is a file, cannot be read or holds no image.
    """
    folder = Path(folder)
    name = repr(str(folder))
    suffixes = IMAGE_SUFFIXES | more
    if folder.is_file():
        raise InputError(
            f"Expected a folder of images, found the file {name}; name its folder."
        )
    if is_zarr(folder):
        return list_zarr_images(folder)
    try:
        found = sorted(path for path in folder.iterdir() if _is_one(path, suffixes))
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


def pair_by_stem(
    images: str | Path,
    labels: str | Path,
    *,
    what: str = "label map",
    more: frozenset[str] = frozenset(),
) -> list[tuple[Path, Path]]:
    """Pair the images of two folders that have the same name up to the suffix.

    Letters with accents are the same however they are composed, and `.ome.tif` is one
    suffix.

    Parameters
    ----------
    images, labels : str or Path
        The folders.
    what : str
        What the second folder holds, for the messages.
    more : frozenset of str
        Suffixes that its files may have besides those of images.

    Returns
    -------
    list of (Path, Path)
        Image and label map, sorted by name.

    Raises
    ------
    InputError
        If a folder is missing or empty, or anything in either has no partner.
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


def name_of(path: Path) -> str:
    """Return what an image is called: no suffix, but the way to it inside a zarr."""
    return name_inside(path) or stem_of(path)


def by_stem(paths: Iterable[Path]) -> dict[str, Path]:
    """Return the paths by their names without suffix, in Unicode's normal form.

    An image inside of a zarr has the name of the zarr and the way to it.

    Raises
    ------
    InputError
        If two have the same stem.
    """
    found: dict[str, Path] = {}
    for path in paths:
        stem = same_name(name_of(path))
        if stem in found:
            raise InputError(
                f"{str(found[stem])!r} and {str(path)!r} have the same name up to the "
                "suffix, so they cannot be told apart; rename one."
                + difference(found[stem].name, path.name)
            )
        found[stem] = path
    return found


def hint_at(lonely: list[str], others: Iterable[str]) -> str:
    """Return a sentence on the name that is nearest to a name without a partner."""
    near = nearest(lonely[0], others)
    if near is None:
        return ""
    how = difference(lonely[0], near) or " Rename one of them if they belong together."
    return f" There is {near!r}.{how}"


def name_some(names: list[str]) -> str:
    """Return up to three names in quotes, and how many more there are."""
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _is_one(path: Path, suffixes: frozenset[str]) -> bool:
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return False
    return path.is_dir() if suffix == _ZARR else suffix in suffixes and path.is_file()

"""The formats, one file for each kind; what most people want comes first."""

from __future__ import annotations

from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.exports.format import Format
from napari_unet.exports.formats.coco import COCO
from napari_unet.exports.formats.geojson import GEOJSON
from napari_unet.exports.formats.ome_zarr import OME_ZARR, OME_ZARR_0_4
from napari_unet.exports.formats.picture import OUTLINES
from napari_unet.exports.formats.regions import IMAGEJ_ROI
from napari_unet.exports.formats.table import CSV, PARQUET
from napari_unet.exports.formats.tiff import FIJI, OME_TIFF
from napari_unet.exports.formats.tracks import CTC, CTC_TRUTH, TRACKS

FORMATS: tuple[Format, ...] = (
    FIJI,
    CSV,
    IMAGEJ_ROI,
    GEOJSON,
    OUTLINES,
    OME_TIFF,
    OME_ZARR,
    OME_ZARR_0_4,
    COCO,
    PARQUET,
    TRACKS,
    CTC,
    CTC_TRUTH,
)


def find_format(name: str) -> Format:
    """Return the format of that name; an InputError names those that there are."""
    found = {each.name: each for each in FORMATS}
    if name not in found:
        known = ", ".join(found)
        raise InputError(f"There is no format {name!r}; choose one of: {known}.")
    return found[name]


def format_of(path: Path) -> Format:
    """Return the format that the name of a file asks for, or raise an InputError."""
    suffix = suffix_of(path)
    if not suffix:
        # Several formats may have one ending: it is the first that is meant.
        first = {each.suffix: each.name for each in reversed(FORMATS)}
        known = ", ".join(f"{s} ({name})" for s, name in reversed(first.items()))
        raise InputError(
            f"The name {path.name!r} tells no format; let it end with one of {known}, "
            "or name the format."
        )
    return next(each for each in FORMATS if each.suffix == suffix)


def has_suffix(path: Path, format_: Format) -> bool:
    """Return whether a name ends as names of a format do."""
    return suffix_of(path) == format_.suffix


def suffix_of(path: Path) -> str:
    """Return the longest suffix of a format with which a name ends, or nothing."""
    name = path.name.lower()
    if name.endswith(".tiff"):
        name = name[:-1]  # one ending in two spellings
    suffixes = sorted({each.suffix for each in FORMATS}, key=len)
    return next((each for each in reversed(suffixes) if name.endswith(each)), "")

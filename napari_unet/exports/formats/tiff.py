"""Label maps as TIFF: as Fiji opens them at once, and as OME-TIFF."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_unet import io
from napari_unet.core.atomic import write_atomically
from napari_unet.errors import InputError
from napari_unet.exports.colours import label_colours
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result, in_order
from napari_unet.tasks import task_of

_MOST_BYTES = 2**32 - 2**24
"""Files of ImageJ's are no BigTIFF."""

_EXACT = 2**24
"""Up to here a float32 holds every whole number."""

_COLOURS = 256
_ORDER = "TZCYX"


def _write_fiji(result: Result, path: Path) -> Steps:
    yield
    labels, axes = in_order(_as_imagej(result), result.axes, _ORDER)
    if labels.nbytes > _MOST_BYTES:
        raise InputError(
            f"{path.name}: Fiji's own TIFF holds 4 GB at most, and these labels have "
            f"{labels.nbytes / 1e9:.1f}; export OME-TIFF or OME-Zarr."
        )
    tags = _calibration(result.pixel_size)
    metadata = {"axes": axes, **tags.pop("metadata"), **_look(labels, result)}
    write = partial(
        tifffile.imwrite, data=labels, imagej=True, metadata=metadata, **tags
    )
    write_atomically(path, write)


def _as_imagej(result: Result) -> npt.NDArray[Any]:
    """Return labels of a type that ImageJ has: it knows no 32-bit whole numbers."""
    labels, kind = result.labels, np.dtype(task_of(result.schema).labels.exported)
    most = int(labels.max(initial=0)) if kind.kind in "iu" else 0
    if kind.kind in "iu" and labels.min(initial=0) < 0:
        return labels.astype(np.float32)
    if kind.kind == "f" or most <= np.iinfo(np.uint8).max >= np.iinfo(kind).max:
        return labels.astype(kind)
    if most <= np.iinfo(np.uint16).max:
        return labels.astype(np.uint16)
    if most > _EXACT:
        raise InputError(
            f"Fiji holds whole numbers up to {_EXACT:,}, and the largest label is "
            f"{most:,}; export OME-TIFF."
        )
    return labels.astype(np.float32)


def _calibration(size: Mapping[str, float]) -> dict[str, Any]:
    if not {"Y", "X"} <= size.keys():
        return {"metadata": {}}
    metadata: dict[str, Any] = {"unit": "um"}
    if "Z" in size:
        metadata["spacing"] = size["Z"]
    return {"resolution": (1 / size["X"], 1 / size["Y"]), "metadata": metadata}


def _look(labels: npt.NDArray[Any], result: Result) -> dict[str, Any]:
    """Return colours for labels, one of its own for each as long as they suffice."""
    if task_of(result.schema).labels.values:
        return {"Labels": list(result.schema.names)} if result.schema.names else {}
    most = max(_COLOURS - 1, int(labels.max(initial=0)))
    return {
        "LUTs": [label_colours(_COLOURS).T],
        "Ranges": (0.0, float(most)),
        "min": 0.0,
        "max": float(most),
        "mode": "grayscale",
    }


def _write_ome(result: Result, path: Path) -> Steps:
    yield
    labels = task_of(result.schema).labels.as_exported(result.labels)
    size = {axis: n for axis, n in result.pixel_size.items() if axis in result.axes}
    io.write_image(path, labels, result.axes, overwrite=True, pixel_size=size)


FIJI = Format(
    "fiji",
    "Label image for Fiji (TIFF)",
    "Opens in Fiji as labels in colours, with the size of pixels; also for "
    "MorphoLibJ, TrackMate, CellProfiler, and this program.",
    " labels.tif",
    _write_fiji,
    takes_values=True,
    common=True,
    large=True,
)

OME_TIFF = Format(
    "ome-tiff",
    "OME-TIFF",
    "For OMERO, Bio-Formats and Python: ids as they are, with axes and sizes.",
    " labels.ome.tif",
    _write_ome,
    takes_values=True,
)

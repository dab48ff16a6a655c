"""What *File > Save Selected Layers* offers: labels as files of other programs.

Labels that are kept here are written as *Results* writes them, with the names of
classes, what is verified, and the grey values of their image; of all others only what
the layer states is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari import current_viewer
from napari.utils.notifications import show_warning

from napari_unet import exports
from napari_unet.annotation.schema import INSTANCES
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError, NapariUnetError
from napari_unet.exports import Result
from napari_unet.geometry.axes import resolve_axes
from napari_unet.gui.dock import open_workbench
from napari_unet.gui.stated import micrometres, stated_axes
from napari_unet.io.pairing import stem_of


def _save(name: str, path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer in a format, and return which files were written.

    A writer of npe2's. A NapariUnetError says why nothing was written; never one that
    is a ValueError, too, which napari takes for a format that nobody has.
    """
    format_ = exports.find_format(name)
    # The window has asked for the very name that was typed, and for no other one.
    named = exports.has_suffix(Path(path), format_)
    place = Path(path) if named else Path(f"{path}{format_.suffix}")
    notes: tuple[str, ...] = ()
    try:
        result = _kept(data)
        if result is None:
            result, notes = _of_stranger(stem_of(place), data, meta)
        drain(exports.iter_write(result, format_, place, overwrite=named))
    except InputError as error:
        raise NapariUnetError(str(error)) from error
    if notes:
        show_warning(f"{place.name} is saved, but {' '.join(notes)}")
    return [str(place)]


def _kept(data: Any) -> Result | None:
    """Return the work that a layer with these pixels shows, if it is kept here."""
    bench = open_workbench(current_viewer())
    if bench is None:
        return None
    for image, shown in bench.layers.results:
        if shown.layer.data is data:
            return bench.session.exporting.result_of(image)
    return None


def _of_stranger(
    name: str, data: Any, meta: Mapping[str, Any]
) -> tuple[Result, tuple[str, ...]]:
    """Return what is known of a layer that nobody keeps, and what had to be changed."""
    labels = np.asarray(data[0] if meta.get("multiscale") else data)
    names = [str(name) for name in meta.get("axis_labels", ())]
    stated = stated_axes(meta.get("metadata", {}), names, labels.ndim)
    axes = resolve_axes(labels.shape, labels.dtype, layer=stated).letters
    return exports.result_of(
        name, labels, INSTANCES, None, axes, _pixel_size(axes, meta)
    )


def _pixel_size(axes: str, meta: Mapping[str, Any]) -> dict[str, float]:
    """Return micrometres from pixel to pixel, as far as the layer states them."""
    found = zip(axes, meta.get("scale", ()), meta.get("units", ()), strict=False)
    sizes = {axis: micrometres(*stated) for axis, *stated in found if axis in "ZYX"}
    return {axis: size for axis, size in sizes.items() if size is not None}


save_fiji = partial(_save, "fiji")
save_csv = partial(_save, "csv")
save_imagej_roi = partial(_save, "imagej-roi")
save_geojson = partial(_save, "geojson")
save_outlines = partial(_save, "outlines")
save_ome_tiff = partial(_save, "ome-tiff")
save_ome_zarr = partial(_save, "ome-zarr")
save_ome_zarr_0_4 = partial(_save, "ome-zarr-0.4")
save_coco = partial(_save, "coco")
save_parquet = partial(_save, "parquet")
save_tracks = partial(_save, "tracks")
save_ctc = partial(_save, "ctc")
save_ctc_truth = partial(_save, "ctc-truth")

"""Labels as OME-Zarr: beside their image where there is one, as the standard has it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_unet.core.atomic import write_folder_atomically
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.result import Result, in_order
from napari_unet.exports.written import files_as_noted, note_files
from napari_unet.tasks import task_of

_CHUNK = 1024
_NAME = "labels"
_TYPES = {"T": "time", "C": "channel"}

_Version = Literal["0.4", "0.5"]


def _write(result: Result, path: Path, version: _Version) -> Steps:
    yield
    # What another program wrote there, such as labels beside ours, is not replaced.
    write_folder_atomically(
        path,
        partial(_fill, result=result, version=version),
        overwrite=True,
        earlier=files_as_noted(path),
    )


def _fill(folder: Path, result: Result, version: _Version) -> None:
    _put_groups(folder, result, version)
    note_files(folder)


def _put_groups(folder: Path, result: Result, version: _Version) -> None:
    # Takes half a second, and few want it.
    import zarr

    exported = task_of(result.schema).labels.as_exported(result.labels)
    labels = exported, result.axes
    root = zarr.open_group(folder, mode="w", zarr_format=2 if version == "0.4" else 3)
    if result.image is None:
        said = _multiscales(root, result.name, *labels, result.pixel_size)
        _say(root, {**said, "image-label": {}}, version)
        return
    image = result.image.astype(result.image.dtype.newbyteorder("="), copy=False)
    said = _multiscales(root, result.name, image, result.image_axes, result.pixel_size)
    group = root.create_group(_NAME)
    inner = group.create_group(_NAME)
    of_labels = _multiscales(inner, _NAME, *labels, result.pixel_size)
    source = {"source": {"image": "../../"}}
    _say(inner, {**of_labels, "image-label": source}, version)
    _say(group, {"labels": [_NAME]}, version)
    _say(root, said, version)


def _multiscales(
    group: Any, name: str, array: npt.NDArray[Any], axes: str, size: Mapping[str, float]
) -> dict[str, Any]:
    """Write an array, and smaller and smaller ones; return what is to be said of it."""
    array, axes = in_order(array, axes)
    step = 1
    datasets: list[dict[str, Any]] = []
    while not datasets or step * _CHUNK < max(array.shape[-2:]) * 2:
        level = array[..., ::step, ::step]
        path = str(len(datasets))
        _put(group, path, level, axes)
        scale = [size.get(a, 1.0) * (step if a in "YX" else 1) for a in axes]
        change = [{"type": "scale", "scale": scale}]
        datasets.append({"path": path, "coordinateTransformations": change})
        step *= 2
    said = {
        "name": name,
        "axes": [axis_as_said(a, size) for a in axes],
        "datasets": datasets,
    }
    return {"multiscales": [said]}


def axis_as_said(letter: str, size: Mapping[str, float]) -> dict[str, str]:
    """Return what the metadata say of an axis."""
    found = {"name": letter.lower(), "type": _TYPES.get(letter, "space")}
    return {**found, "unit": "micrometer"} if letter in size else found


def _put(group: Any, path: str, array: npt.NDArray[Any], axes: str) -> None:
    planes = len(array.shape) - 2
    chunks = (1,) * planes + tuple(min(_CHUNK, n) for n in array.shape[-2:])
    options: dict[str, Any] = {}
    if group.metadata.zarr_format == 2:
        options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
    else:
        options["dimension_names"] = [letter.lower() for letter in axes]
    made = group.create_array(
        path, shape=array.shape, chunks=chunks, dtype=array.dtype, **options
    )
    made[...] = np.ascontiguousarray(array)


def _say(group: Any, said: dict[str, Any], version: _Version) -> None:
    """Write metadata in the place that a version has for them."""
    if version == "0.5":
        group.attrs["ome"] = {"version": version, **said}
        return
    for each in said.get("multiscales", ()):
        each["version"] = version
    if "image-label" in said:
        said["image-label"] = {"version": version, **said["image-label"]}
    group.attrs.update(said)


OME_ZARR = Format(
    "ome-zarr",
    "OME-Zarr 0.5",
    "The image with its labels in one folder, in resolutions; for napari, MoBIE, "
    "Vizarr and Python.",
    " labels.ome.zarr",
    partial(_write, version="0.5"),
    large=True,
)

OME_ZARR_0_4 = Format(
    "ome-zarr-0.4",
    "OME-Zarr 0.4",
    "The same in the older version, which more programs read.",
    " labels 0-4.ome.zarr",
    partial(_write, version="0.4"),
)

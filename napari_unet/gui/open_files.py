"""Files that napari does not read: regions, models, heads of projects and of zarrs.

Regions become a labels layer over the image that is chosen. A project is a folder, and
a reader of folders would claim all of them: whoever drops a folder of images, or an
OME-Zarr, would be asked which plugin is to read it, and scripts that open one would
fail. So the reader takes the file in it, and an open dock the folder (`opening.py`). So
it is with an OME-Zarr, of which napari reads no labels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt
from napari import current_viewer
from napari.layers import Image, Labels
from napari.utils.notifications import show_error, show_warning

from napari_unet import exchange
from napari_unet.errors import InputError, NapariUnetError
from napari_unet.geometry.axes import result_axes
from napari_unet.gui.dock import open_workbench, show_dock
from napari_unet.gui.image_layers import axes_of, is_image, source_of
from napari_unet.gui.placement import ChannelAxis, cover
from napari_unet.images.channels import channel_count
from napari_unet.io.rois import read_regions
from napari_unet.project.layout import MANIFEST, SUFFIX

_HEAD_OF_ZARR = "zarr.json"

Found: TypeAlias = list[tuple[Any, ...]]
"""Layers as napari takes them from readers."""

NO_LAYERS: Found = [(None,)]
"""What napari takes for a file that was opened and is no layer."""


def get_reader(path: str | list[str]) -> Callable[[str], Found] | None:
    """Return what opens a file, or None: several are no stack. A reader of npe2's."""
    if not isinstance(path, str):
        return None
    file = Path(path)
    if file.name == MANIFEST and file.parent.suffix == SUFFIX:
        return open_project
    if file.name == _HEAD_OF_ZARR:
        return open_zarr
    if file.suffix.lower() == ".zip" and exchange.holds_model(file):
        return open_model
    return open_regions


def open_project(path: str) -> Found:
    """Open the project that a manifest belongs to; there is no layer in that."""
    viewer = current_viewer()
    if viewer is not None:
        show_dock(viewer).bench.session.projects.open(Path(path).parent)
    return NO_LAYERS


def open_zarr(path: str) -> Found:
    """Open what is in the zarr whose head this is, as if it was dropped on a dock."""
    viewer = current_viewer()
    if viewer is not None:
        show_dock(viewer).bench.open(Path(path).parent)
    return NO_LAYERS


def open_model(path: str) -> Found:
    """Let the model predict that a file holds; there is no layer in that."""
    viewer = current_viewer()
    if viewer is not None:
        show_dock(viewer).bench.session.models.bring_in(Path(path))
    return NO_LAYERS


def open_regions(path: str) -> Found:
    """Return a labels layer with the regions of a file; or tell why there is none.

    It is told and not raised: napari would wrap the sentence into others, on plugins.
    """
    try:
        return [_regions(Path(path))]
    except NapariUnetError as error:
        show_error(str(error))
        return NO_LAYERS


def _regions(path: Path) -> tuple[Any, ...]:
    below = _chosen_image()
    if below is None:
        raise InputError(
            f"{path.name} holds regions, which know no size of an image; open the "
            "image that they were drawn on first, and select its layer."
        )
    bench = open_workbench(current_viewer())
    images = bench.session.images if bench is not None else None
    shape, axes = source_of(below).shape, axes_of(below, images)
    kept = result_axes(axes)
    sizes = dict(zip(axes, shape, strict=True))
    extent = tuple(sizes[axis] for axis in kept)
    found = read_regions(path, extent, kept, channel_count(shape, axes))
    for note in found.notes:
        show_warning(f"{path.name}: {note}")
    layer = _layer_over(below, found.array, axes, path.stem)
    data: tuple[Any, ...] = layer.as_layer_data_tuple()
    return data


def _chosen_image() -> Image | None:
    """Return the image in hand: the dock's, the selected one, or the topmost."""
    viewer = current_viewer()
    if viewer is None:
        return None
    bench = open_workbench(viewer)
    if bench is not None and bench.layers.images.chosen is not None:
        return bench.layers.images.chosen
    images = [each for each in reversed(viewer.layers) if is_image(each)]
    selected = [each for each in images if each in viewer.layers.selection]
    return next(iter([*selected, *images]), None)


def _layer_over(below: Image, labels: npt.NDArray[Any], axes: str, name: str) -> Labels:
    shape = source_of(below).shape
    channels = ChannelAxis.over(axes, shape, rgb=below.rgb)
    layer = Labels(channels.spread(labels), name=name)
    cover(layer, below)
    return layer

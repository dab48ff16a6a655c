"""Zarr folders, with or without OME's metadata: what others may use of this room."""

from napari_unet.io.zarr.image import find_zarr, read_zarr_header
from napari_unet.io.zarr.inside import (
    Inside,
    labels_inside,
    list_zarr_images,
    look_inside,
)
from napari_unet.io.zarr.metadata import is_group, is_zarr

__all__ = [
    "Inside",
    "find_zarr",
    "is_group",
    "is_zarr",
    "labels_inside",
    "list_zarr_images",
    "look_inside",
    "read_zarr_header",
]

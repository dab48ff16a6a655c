"""Zarr folders, with or without OME's metadata: what others may use of this room."""

from napari_unet.io.zarr.image import find_zarr, read_zarr_header
from napari_unet.io.zarr.inside import labels_inside, list_zarr_images
from napari_unet.io.zarr.metadata import is_group, is_zarr

__all__ = [
    "find_zarr",
    "is_group",
    "is_zarr",
    "labels_inside",
    "list_zarr_images",
    "read_zarr_header",
]

"""TIFF, OME-TIFF and ImageJ files: what others may use of this room."""

from napari_unet.io.tiff.read import (
    is_damaged_tiff,
    is_shown_otherwise,
    is_tiff,
    read_tiff,
    read_tiff_header,
)

__all__ = [
    "is_damaged_tiff",
    "is_shown_otherwise",
    "is_tiff",
    "read_tiff",
    "read_tiff_header",
]

"""TIFF, OME-TIFF and ImageJ files: what others may use of this room."""

from napari_unet.io.tiff.file import is_damaged_tiff, is_shown_otherwise, is_tiff
from napari_unet.io.tiff.image import find_tiff, read_tiff_header

__all__ = [
    "find_tiff",
    "is_damaged_tiff",
    "is_shown_otherwise",
    "is_tiff",
    "read_tiff_header",
]

"""Label maps from regions: what others may use of this room."""

from napari_unet.io.rois.outlines import fill, window_of
from napari_unet.io.rois.read import ROI_SUFFIXES, is_roi_file, read_regions, read_rois

__all__ = [
    "ROI_SUFFIXES",
    "fill",
    "is_roi_file",
    "read_regions",
    "read_rois",
    "window_of",
]

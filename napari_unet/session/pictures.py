"""Pictures of a segmentation, without a display."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.io import imsave
from skimage.segmentation import find_boundaries

from napari_unet.geometry.maps import LabelMap

_TRUE = (0.0, 0.75, 1.0)
_FOUND = (1.0, 0.75, 0.0)


def draw_outlines(
    image: npt.NDArray[Any], found: LabelMap, truth: LabelMap | None = None
) -> npt.NDArray[np.uint8]:
    """Return an RGB picture: found objects outlined in orange, true ones in blue.

    The two colours are told apart by colour-blind people too.
    """
    low, high = np.percentile(image, [0.5, 99.8])
    grey = np.clip((image - float(low)) / max(float(high - low), 1e-9), 0, 1)
    picture = np.repeat(0.85 * grey[..., None], 3, axis=-1)
    if truth is not None:
        picture[find_boundaries(truth, mode="inner")] = _TRUE
    picture[find_boundaries(found, mode="inner")] = _FOUND
    return (255 * picture).astype(np.uint8)


def save_side_by_side(path: Path, pictures: list[npt.NDArray[np.uint8]]) -> None:
    """Save pictures of one height beside each other, with a white line between."""
    gap = np.full((len(pictures[0]), 6, 3), 255, np.uint8)
    parts = [pictures[0]]
    for picture in pictures[1:]:
        parts += [gap, picture]
    imsave(path, np.concatenate(parts, axis=1), check_contrast=False)

"""Images with ground truth, read and normalised as the program would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage import io

from napari_unet.core.normalize import PercentileNormalization
from napari_unet.core.provenance import LabelMap, Mask

PARTLY_LABELLED = {"cells_phase"}
"""Data sets in which what has no label is unknown, not background."""

_RING = 6
_FLAT = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One image and what is known of it.

    Parameters
    ----------
    stem : str
        Name of its files.
    raw : ndarray, shape (Y, X) or (Y, X, 3)
        As it was read.
    image : ndarray of float32, shape (C, Y, X)
        Normalised.
    values : ndarray of int32, shape (Y, X)
        Object ids or classes.
    verified : ndarray of bool, shape (Y, X), optional
        Where `values` can be trusted; None if everywhere.
    """

    stem: str
    raw: npt.NDArray[np.generic]
    image: npt.NDArray[np.float32]
    values: LabelMap
    verified: Mask | None = None


def read_pictures(folder: Path, stems: list[str] | None = None) -> list[Picture]:
    """Read `images/*` and `labels/*.tif` with equal stems, sorted by stem."""
    partly = folder.name in PARTLY_LABELLED
    normalization = PercentileNormalization()
    pictures = []
    for path in sorted((folder / "images").iterdir()):
        if stems is not None and path.stem not in stems:
            continue
        raw = io.imread(path)
        values = io.imread(folder / "labels" / f"{path.stem}.tif").astype(np.int32)
        channels = np.moveaxis(raw, -1, 0) if raw.ndim == 3 else raw[None]
        image = normalization.apply(channels)
        verified = verified_part(image, values) if partly else None
        pictures.append(Picture(path.stem, raw, image, values, verified))
    return pictures


def verified_part(image: npt.NDArray[np.float32], values: LabelMap) -> Mask:
    """Return what can be trusted where some objects have no labels.

    These are the objects, a ring around each (whoever drew it looked there), and what
    is flat: there is nothing that anybody could have forgotten.
    """
    objects = values > 0
    distance = ndi.distance_transform_edt(~objects)
    grey = image.mean(axis=0)
    spread = ndi.gaussian_filter(grey**2, 4) - ndi.gaussian_filter(grey, 4) ** 2
    away = distance > _RING
    flat = away & (spread < np.quantile(spread[away], _FLAT))
    return np.asarray(objects | (distance <= _RING) | flat)

"""Images with ground truth, read and normalised as the program would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage as ndi
from skimage import io

from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.images.normalize import PercentileNormalization

PARTLY_LABELLED = {"cells_phase"}
"""Data sets in which what has no label is unknown, not background."""

CLASS_OF_OBJECTS = {"axons_sem": 2}
"""Data sets of classes, and the class whose connected pieces are objects."""

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


def read_pictures(
    folder: Path,
    stems: Sequence[str] | None = None,
    *,
    grey: bool = False,
    objects: bool = False,
) -> list[Picture]:
    """Read `images/*` and `labels/*.tif` with equal stems, sorted by stem.

    Parameters
    ----------
    stems : sequence of str, optional
        Those to read; others of the folder, and stems that it has not, are left out.
    grey : bool
        Whether colours become their mean.
    objects : bool
        Whether the pieces of a class become objects, see `CLASS_OF_OBJECTS`.
    """
    wanted = None if stems is None else set(stems)
    paths = sorted((folder / "images").iterdir())
    return [
        _read(path, grey=grey, objects=objects)
        for path in paths
        if wanted is None or path.stem in wanted
    ]


def _read(path: Path, *, grey: bool, objects: bool) -> Picture:
    folder = path.parent.parent
    raw = io.imread(path)
    if grey and raw.ndim == 3:
        raw = raw.mean(axis=-1, dtype=np.float32)
    values = io.imread(folder / "labels" / f"{path.stem}.tif").astype(np.int32)
    if objects and folder.name in CLASS_OF_OBJECTS:
        values = ndi.label(values == CLASS_OF_OBJECTS[folder.name])[0]
    channels = np.moveaxis(raw, -1, 0) if raw.ndim == 3 else raw[None]
    image = PercentileNormalization().apply(channels)
    partly = folder.name in PARTLY_LABELLED
    verified = verified_part(image, values) if partly else None
    return Picture(path.stem, raw, image, values, verified)


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

"""Images whose objects cross every seam, and predictions of them in small blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr

from napari_unet.core.jobs import drain
from napari_unet.inference.blocks import Cutting
from napari_unet.large import Engine, Predicted, Settings, Task, ask, iter_predict_to
from napari_unet.weights.model import Model
from tests.session.brightness import brightness_model

CUTTING = Cutting(core=64, margin=16, band=8)


def crossing(shape: tuple[int, int], pitch: int = 40) -> np.ndarray:
    """Return bright disks, and among them bars that are longer than any block."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    rows, columns = y % pitch - pitch // 2, x % pitch - pitch // 2
    disks = rows**2 + columns**2 <= (pitch // 3) ** 2
    bars = (y % 150 >= 145) | ((x - y // 7) % 170 >= 166)
    gaps = (np.abs(y % 150 - 147) <= 6) | (np.abs((x - y // 7) % 170 - 168) <= 5)
    return (20 + 200 * (bars | (disks & ~gaps))).astype(np.uint16)


def asked(image: Any, out: Path, model: Model | None = None, **options: Any) -> Task:
    """Return a task in small blocks; options are those of `ask` and what it takes."""
    engine = Engine(options.pop("workers", None), options.pop("scheduler", None), "cpu")
    own = {name: options.pop(name) for name in Settings.model_fields if name in options}
    settings = Settings(**{"cutting": CUTTING, **own})
    chosen = model or brightness_model()
    return ask(image, chosen, out, settings=settings, engine=engine, **options)


def predicted(image: Any, out: Path, *args: Any, **options: Any) -> Predicted:
    return drain(iter_predict_to(asked(image, out, *args, **options)))


def labels_of(found: Predicted) -> np.ndarray:
    """Return a whole result, read by the libraries of others."""
    path = Path(found.labels)
    if path.suffix == ".tif":
        return tifffile.imread(path)
    group = zarr.open_group(path, mode="r")
    inside = "labels/cells/0" if "labels" in group else "0"
    return np.asarray(group[inside][...])


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two label maps differ in nothing but their ids."""
    assert one.shape == other.shape
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    zeros = (pairs[0] == 0) == (pairs[1] == 0)
    each = [len(np.unique(side)) for side in pairs]
    return bool(zeros.all()) and each == [pairs.shape[1]] * 2

"""Label maps with everything that formats tend to lose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import drain
from napari_unet.exports import Result, find_format, iter_write


def awkward() -> np.ndarray:
    """A hole with an object in it, parts, corners that meet, neighbours, a border."""
    labels = np.zeros((20, 30), np.int32)
    labels[1:8, 1:9] = 7
    labels[3:6, 3:6] = 0
    labels[4, 4] = 300
    labels[1:8, 9:12] = 2
    labels[12:14, 2:4] = labels[14:16, 4:6] = labels[12:14, 8:9] = 41
    labels[10:20, 20:30] = 5
    labels[12, 22] = labels[13, 23] = 0
    labels[15:17, 24:26] = 0
    labels[0, 29] = 9
    return labels


def result_of(labels: np.ndarray, axes: str = "YX", **options: object) -> Result:
    image = (1000 + 3 * labels).astype(np.uint16)
    known = {"image": image, "image_axes": axes, "image_file": "cells.tif", **options}
    return Result("cells", labels, axes, **known)  # type: ignore[arg-type]


def write(result: Result, name: str, folder: Path) -> Path:
    format_ = find_format(name)
    path = folder / f"{result.name}{format_.ending}"
    drain(iter_write(result, format_, path, overwrite=True))
    return path


@pytest.fixture
def classes() -> Result:
    labels = (awkward() > 0).astype(np.int32) + (awkward() == 5)
    schema = LabelSchema("classes", ("ground", "cell", "dead"))
    return Result("cells", labels, "YX", schema)

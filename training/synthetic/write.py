"""Write scenes as TIFF files that Fiji, napari and Python read with their axes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from training.synthetic.catalogue import Scene

INDEX = "index.json"


def write_scene(scene: Scene, folder: Path) -> Iterator[Path]:
    """Write all images of a scene with their labels; yields every path written."""
    for index in range(1, scene.count + 1):
        picture = scene.picture(index)
        stem = f"{scene.name}_{index:02d}.tif"
        for part, array, axes in (
            ("images", picture.image, scene.axes),
            ("labels", picture.labels, scene.axes.replace("C", "")),
        ):
            path = folder / scene.name / part / stem
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_tiff(path, array, axes)
            yield path


def write_index(scenes: tuple[Scene, ...], folder: Path) -> Path:
    """Write the list of samples that the package reads."""
    entries = [{"name": s.name, "title": s.title, "axes": s.axes} for s in scenes]
    path = folder / INDEX
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    return path


def _write_tiff(path: Path, array: npt.NDArray[np.integer[Any]], axes: str) -> None:
    # The ImageJ flavour knows no int32; ids fit into uint16.
    narrow = array.astype(np.uint16) if array.dtype == np.int32 else array
    tifffile.imwrite(
        path, narrow, imagej=True, compression="zlib", metadata={"axes": axes}
    )

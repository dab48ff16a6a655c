"""The way of an image from `nu.predict` to its labels stays short enough to be read."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

import napari_unet
from napari_unet.inference.predict import predict
from napari_unet.weights.folder import load_model
from tests.tiny import make_disks

PACKAGE = Path(napari_unet.__file__).parent
# Regions, axes, ids and loops: what any array needs, whatever it shows.
BELOW = {"core", "geometry", "errors.py"}
# A network is one stop, whatever its layers; which one it is, its model says.
AS_ONE = {"nets"}


def stop(path: Path) -> str | None:
    room, *_ = path.relative_to(PACKAGE).parts
    if room in BELOW:
        return None
    return room if room in AS_ONE else str(path.relative_to(PACKAGE))


def carries_pixels(frame: FrameType) -> bool:
    """Whether a function was called with an image, its maps or its labels."""
    return any(
        isinstance(each, np.ndarray | torch.Tensor) and each.ndim > 1
        for each in frame.f_locals.values()
    )


def stops_of(run: Any) -> list[str]:
    """Return the files that pixels pass while something runs, in their order."""
    found: dict[str, None] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or not path.is_relative_to(PACKAGE):
            return
        where = stop(path)
        if where is not None and where not in found and carries_pixels(frame):
            found[where] = None

    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(None)
    return list(found)


def test_an_image_passes_ten_files_on_its_way_to_labels() -> None:
    model, image = load_model("nuclei"), make_disks(192).image
    labels = predict(image, model, device="cpu")
    stops = stops_of(lambda: predict(image, model, device="cpu"))
    assert labels.max() > 10
    assert stops[0] == "inference/predict.py"
    assert len(stops) <= 10, stops

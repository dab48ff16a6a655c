"""An image of the package that shows what a model takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from napari_unet import exports, io
from napari_unet.annotation.schema import LabelSchema
from napari_unet.core.jobs import drain
from napari_unet.exchange.decode import decode
from napari_unet.exchange.graph import ExportedNetwork, sizes_of
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.model import Model

_EXTENT = 256
"""Pixels along Y and X where the network takes so few; volumes are as small as can."""

_USUAL = "nuclei"
_SAMPLES = ("phase", "membranes")
"""Those that are taken where the model's name has their name in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A raw image (C, [Z,] Y, X), and what the model makes of it.

    Maps (K, [Z,] Y, X) are as an exported network gives them; values are what a person
    gets.
    """

    image: npt.NDArray[np.float32]
    maps: npt.NDArray[np.float32]
    values: npt.NDArray[Any]


def make_sample(model: Model) -> Sample:
    """Return a part of a sample image that has the size and channels a model takes."""
    sizes, dims = sizes_of(model), model.net.dims
    wanted = sizes.least if dims == 3 else max(_EXTENT, sizes.least)
    image = _cut(_stack(model.spec), sizes.holding(wanted))
    seen = torch.from_numpy(model.spec.normalization.apply(image))[None]
    with torch.inference_mode():
        maps = ExportedNetwork(model)(seen)[0].numpy()
    return Sample(image, maps, decode(maps, model))


def draw_cover(model: Model, sample: Sample, path: Path) -> None:
    """Write a picture of the sample with what was found in it."""
    spec = model.spec
    # A picture shows a plane, which of values is the image alone.
    plane = sample.values if not spec.variables else np.zeros(sample.values.shape[1:])
    image = sample.image
    if model.net.dims == 3:
        plane, image = plane[len(plane) // 2], image[:, image.shape[1] // 2]
    colours = len(image) == 3
    result = exports.Result(
        spec.name,
        plane.astype(np.int32),
        "YX",
        LabelSchema("instances") if spec.variables else LabelSchema(spec.task),
        image=np.moveaxis(image, 0, -1) if colours else image[0],
        image_axes="YXC" if colours else "YX",
    )
    drain(exports.find_format("outlines").write(result, path))


def _stack(spec: ModelSpec) -> npt.NDArray[np.float32]:
    """Return a sample image (C, [Z,] Y, X) that looks like what the model knows."""
    if spec.architecture.dims == 3:
        name = "zstack"
    elif spec.in_channels == 2:
        name = "two_channels"
    else:
        name = next((each for each in _SAMPLES if each in spec.name), _USUAL)
    sample = io.load_sample(name)[0]
    image = sample.image.astype(np.float32)
    channels = image if "C" in sample.axes else image[None]
    return np.resize(channels, (spec.in_channels, *channels.shape[1:]))


def _cut(image: npt.NDArray[np.float32], extent: int) -> npt.NDArray[np.float32]:
    """Return the middle of an image, mirrored at its borders where it is too small."""
    missing = [max(0, extent - n) for n in image.shape[1:]]
    image = np.pad(image, [(0, 0), *((0, n) for n in missing)], mode="symmetric")
    starts = [(n - extent) // 2 for n in image.shape[1:]]
    parts = tuple(slice(start, start + extent) for start in starts)
    return np.ascontiguousarray(image[:, *parts])

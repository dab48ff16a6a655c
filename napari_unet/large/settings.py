"""What is asked of a prediction, as far as its labels depend on it."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_unet.geometry.box import Box
from napari_unet.images.source import ImageSource
from napari_unet.inference.blocks import Cutting
from napari_unet.instances.three_sides import Stacks
from napari_unet.weights.model import Model

LAYOUT = 2
"""Of what lies in a run's folder; another one is not gone on with."""


_LOOKED_AT = 256


class Settings(BaseModel):
    """Settings of a prediction, which can be stored.

    Attributes
    ----------
    axes : str, optional
        Of the image, where a person says them.
    channel : str, optional
        What the model sees, as `napari_unet.predict` has it.
    probabilities, rotations, full_precision : bool
        As `napari_unet.predict` has them.
    diameter, pixel_size : float, optional
        Of the objects in pixels, and of a pixel in micrometres.
    anisotropy, stacks : optional
        How far sections are apart, and how stacks are seen, as `napari_unet.predict`
        has them.
    cutting : Cutting, optional
        How planes are cut; by the network where it is missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: str | None = None
    channel: str | None = None
    probabilities: bool = False
    rotations: bool = False
    full_precision: bool = False
    diameter: float | None = None
    pixel_size: float | None = None
    anisotropy: float | None = None
    stacks: Stacks | None = None
    cutting: Cutting | None = None


def identity(settings: Settings, fingerprint: str, model: Model) -> str:
    """Return what is another text where labels may be others."""
    said = {
        "layout": LAYOUT,
        "image": fingerprint,
        "model": model.spec.model_dump(mode="json", exclude={"checksum"}),
        "weights": _weights(model),
        "settings": settings.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _weights(model: Model) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(model.net.state_dict().items()):
        found.update(name.encode())
        found.update(tensor.contiguous().cpu().numpy().tobytes())
    return found.hexdigest()


def fingerprint_of(source: ImageSource) -> str:
    """Return what a source says of its content, or a hash of a part of its pixels."""
    own = getattr(source, "fingerprint", None)
    if own is not None:
        return str(own())
    shape = source.shape
    start = tuple(max(0, n - _LOOKED_AT) // 2 for n in shape)
    stop = tuple(min(n, a + _LOOKED_AT) for n, a in zip(shape, start, strict=True))
    pixels = np.ascontiguousarray(source.read(Box(start, stop)))
    return f"{shape} {hashlib.sha256(pixels.tobytes()).hexdigest()}"

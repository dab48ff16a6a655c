"""A viewer without a window, with a session that does everything at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image

from napari_unet.gui.layers import ViewerLayers
from napari_unet.session.runner import Runner
from napari_unet.session.session import Session
from tests.runners import InlineRunner
from tests.session.brightness import disks

KINDS = {"YX": (32, 40), "ZYX": (3, 32, 40), "CYX": (2, 32, 40), "TCYX": (2, 2, 32, 40)}


class Desk:
    """A viewer without a window, and a session that does everything at once.

    Or when the test says so, with a runner that it steps.
    """

    def __init__(self, model: Path, runner: Runner | None = None) -> None:
        from napari.components import ViewerModel

        self.viewer = ViewerModel()
        self.session = Session(runner or InlineRunner())
        self.layers = ViewerLayers(self.viewer, self.session)
        self.session.models.choose(model)
        self._made = 0

    def pixels(self, axes: str) -> np.ndarray:
        self._made += 1
        pixels = np.broadcast_to(disks((32, 40)), KINDS[axes]).copy()
        pixels[..., -1, -1] = self._made  # no two images are the same
        return pixels

    def add(self, axes: str = "YX", **options: Any) -> Image:
        options.setdefault("name", f"image {self._made}")
        pixels = self.pixels(axes)
        return self.viewer.add_image(pixels, metadata={"axes": axes}, **options)

    def predict(self) -> None:
        self.session.predict()
        while self.session.state.predicting:
            self.session.tick()

    def begin(self) -> None:
        """Show labels to paint in, whatever the model thinks of the channels."""
        self.session.images.show_labels(self.image)

    @property
    def image(self) -> Any:
        return self.session.images.current

    @property
    def labels(self) -> Any:
        return self.layers.labels_layer

    def close(self) -> None:
        self.layers.close()
        self.session.close()


def move(layer: Any, how: str, value: Any) -> None:
    """Set one of the attributes by which a layer is moved."""
    n = layer.ndim
    if how in ("scale", "translate"):
        value = [1.0] * (n - 2) + [value, 1.5]
    elif how == "rotate":
        turn = np.eye(n)
        c, s = np.cos(np.radians(value)), np.sin(np.radians(value))
        turn[-2:, -2:] = [[c, -s], [s, c]]
        value = turn
    elif how == "shear":
        sheared = np.eye(n)
        sheared[-2, -1] = value
        value = sheared
    elif how == "affine":
        matrix = np.eye(n + 1)
        matrix[-3:-1, -3:] += value
        value = matrix
    elif how == "units":
        value = (value,) * n
    else:
        value = tuple(value[-n:])
    setattr(layer, how, value)


def lie_together(image: Any, other: Any, axes: str) -> bool:
    """Whether pixels of a result lie on the pixels of the image they belong to."""
    for point in ((0.0,) * other.ndim, tuple(range(1, other.ndim + 1))):
        here = other.data_to_world(point)
        there = image.data_to_world((0.0,) * (image.ndim - other.ndim) + point)
        if not np.allclose(here, there[-other.ndim :]):
            return False
    return image.ndim == other.ndim or axes[0] == "C"

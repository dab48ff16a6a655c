"""What is measured: one network, one image, one device, the settings it is best at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.scene import draw_nuclei
from benchmarks.timing import Run
from napari_unet.core.jobs import drain
from napari_unet.inference.forward import PlanePredictor, fold_norms
from napari_unet.inference.predict import predict
from napari_unet.nets.device import (
    Execution,
    choose_execution,
    describe_device,
    resolve_device,
)
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and where it came from, an image (Y, X), how the device computes best."""

    source: str
    model: Model
    image: npt.NDArray[Any]
    execution: Execution

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        return self.execution.device

    def describe(self) -> str:
        """Return a title: model, image, device, precision and memory order."""
        precision = str(self.execution.autocast or torch.float32).removeprefix("torch.")
        order = "channels_last" if self.execution.channels_last else "contiguous"
        height, width = self.image.shape
        return (
            f"{self.model.name}, {height} x {width}, {describe_device(self.device)}, "
            f"{precision}, {order}"
        )

    def normalized(self) -> npt.NDArray[np.float32]:
        """Return the image as the network wants it, shape (1, Y, X)."""
        return self.model.spec.normalization.apply(self.image[None])


def prepare(model: str, size: int, device: str) -> Subject:
    """Load the model, draw the image, and ask the engine how to compute.

    Parameters
    ----------
    model : str
        A built-in model or a model folder; it must take one channel.
    size : int
        Extent of the square image, in pixels; a multiple of the network's stride, so
        that the bare forward pass can take it whole.
    device : {"auto", "cuda", "mps", "cpu"}
        Where to compute.
    """
    execution = choose_execution(resolve_device(device))
    return Subject(model, load_model(model), draw_nuclei(size).image, execution)


def forward_pass(subject: Subject) -> Callable[[], Tensor]:
    """Return the bare forward pass of the whole image.

    The network alone at its best: norms folded, the device's memory order and
    precision, one call, the result left on the device.
    """
    execution = subject.execution
    net = execution.place_net(fold_norms(subject.model.net))
    image = execution.place(torch.from_numpy(subject.normalized())[None])

    def run() -> Tensor:
        with torch.inference_mode(), execution.precision():
            logits: Tensor = net(image)
        return logits

    return run


def forward_pass_in_windows(subject: Subject, extent: int = 512) -> Run:
    """Return the same bare pass over windows that do not overlap.

    Its logits are wrong along the seams, and left where they are. On a CPU it is
    quicker than one call, because what it computes stays in the caches.
    """
    execution = subject.execution
    net = execution.place_net(fold_norms(subject.model.net))
    image = torch.from_numpy(subject.normalized())[None]
    windows = [
        execution.place(window.contiguous())
        for rows in image.split(extent, 2)
        for window in rows.split(extent, 3)
    ]

    def run() -> list[Tensor]:
        with torch.inference_mode(), execution.precision():
            return [net(window) for window in windows]

    return run


def whole_prediction(subject: Subject) -> Run:
    """Return the prediction that a person gets: grey values in, labels out."""
    device = subject.device.type

    def run() -> npt.NDArray[np.int32]:
        return predict(subject.image, subject.model, axes="YX", device=device)

    return run


def plane_maps(
    predictor: PlanePredictor, image: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Run all windows of a normalised image (C, Y, X); return maps (K, Y, X)."""
    return drain(predictor.iter_maps(image))

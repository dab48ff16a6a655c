"""The same task with MONAI's sliding window and scikit-image, at its best.

Same weights with folded norms, same normalisation, same memory order and precision,
same thresholds; what differs is how windows are blended and labels are made. MONAI
slides the windows; scikit-image makes the labels, see `decode`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from skimage.measure import label
from skimage.morphology import h_maxima, remove_small_objects
from skimage.segmentation import watershed
from torch import Tensor

from benchmarks.subject import Subject
from benchmarks.timing import Run
from napari_unet.inference.forward import fold_norms
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.decoding import Decoding

MISSING = "MONAI is not installed, so it is left out; `make bench` installs it."


@dataclass(frozen=True, slots=True)
class Sliding:
    """Settings of `monai.inferers.sliding_window_inference`."""

    window: int
    overlap: float
    batch: int
    mode: Literal["constant", "gaussian"]

    def describe(self) -> str:
        """Return the settings in a few words."""
        return (
            f"windows {self.window} px, overlap {self.overlap:g}, "
            f"{self.batch} at once, {self.mode}"
        )


USUAL = Sliding(512, 0.25, 4, "constant")
"""MONAI's default overlap and blending with a common window."""

BEST = Sliding(1088, 0.05, 1, "gaussian")
"""The winner of `predict.tune`; on a GPU all four windows go at once."""

CANDIDATES = (
    USUAL,
    Sliding(512, 0.25, 1, "gaussian"),
    Sliding(1152, 0.2, 1, "constant"),
    Sliding(1152, 0.2, 1, "gaussian"),
    BEST,
    Sliding(1024, 0.0, 1, "constant"),
)
"""Windows up to the size that this package uses; beyond the image nothing slides."""


def is_installed() -> bool:
    """Return whether MONAI can be imported."""
    return find_spec("monai") is not None


def best_settings(subject: Subject) -> Sliding:
    """Return the best settings for the device."""
    if subject.device.type == "cpu":
        return BEST
    return Sliding(BEST.window, BEST.overlap, 4, BEST.mode)


def sliding_maps(
    subject: Subject, sliding: Sliding
) -> Callable[[], npt.NDArray[np.float32]]:
    """Return the part without labels: grey values in, maps (K, Y, X) out."""
    from monai.inferers.utils import sliding_window_inference

    execution = subject.execution
    # A window beyond the image would be padded and computed for nothing.
    window = min(sliding.window, *subject.image.shape)
    net = execution.place_net(fold_norms(subject.model.net))

    def forward(windows: Tensor) -> Tensor:
        with execution.precision():
            logits: Tensor = net(execution.place(windows))
        return logits.float()

    def run() -> npt.NDArray[np.float32]:
        image = torch.from_numpy(subject.normalized())[None].to(execution.device)
        with torch.inference_mode():
            logits = sliding_window_inference(
                image,
                (window, window),
                sliding.batch,
                forward,
                overlap=sliding.overlap,
                mode=sliding.mode,
            )
            maps: npt.NDArray[np.float32] = logits[0].sigmoid().cpu().numpy()
        return maps

    return run


def sliding_prediction(subject: Subject, sliding: Sliding) -> Run:
    """Return the whole prediction: grey values in, labels out."""
    maps = sliding_maps(subject, sliding)
    decoding = subject.model.spec.decoding
    return lambda: decode(maps(), decoding)


def decode(maps: Any, decoding: Decoding) -> npt.NDArray[np.integer[Any]]:
    """Separate objects with a standard watershed of scikit-image.

    It floods the foreground from the h-maxima of the mean of all other maps. That is
    what the distances are made for. The mean reach of a pixel falls towards the borders
    of its object too, so the same steps are the usual way to objects from those maps,
    quick and plain; that of the package looks at every border between fragments, tells
    objects of more shapes apart, and is timed with all it does. Foreground and least
    area are the model's; so is the prominence, where it has one.
    """
    foreground = maps[0] >= decoding.foreground
    height = np.where(foreground, maps[1:].mean(axis=0), 0)
    usual = DistancesDecoding()
    told = decoding if isinstance(decoding, DistancesDecoding) else usual
    seeds = label(h_maxima(height, told.prominence), connectivity=1)
    labels = watershed(-height, seeds, mask=foreground)
    return np.asarray(remove_small_objects(labels, max_size=decoding.min_size - 1))

"""What *File > Open Sample > U-Net* opens: one function per entry of the manifest.

Samples of the package come as images alone: finding the objects is the person's task.
Real images come from scikit-image, which downloads most of them when they are opened
for the first time and keeps them. An error that is raised here becomes a notification
in napari; no layer is added and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy.typing as npt
import skimage

from napari_unet.errors import NapariUnetError
from napari_unet.io.samples import load_sample

LayerData = tuple[npt.NDArray[Any], dict[str, Any], str]


def _own(name: str, index: int = 0, **options: Any) -> list[LayerData]:
    """Return an image of the package."""
    sample = load_sample(name)[index]
    return _layer(sample.image, sample.name, sample.axes, **options)


def _fetched(function: str, file: str, name: str) -> list[LayerData]:
    """Return an image (Y, X) of scikit-image."""
    return _layer(_fetch(function, file), name, "YX")


def _cells3d(channel: int, name: str) -> list[LayerData]:
    """Return a channel of scikit-image's stack of cells in fluorescence."""
    volume = _fetch("cells3d", "cells3d.tif")[:, channel]
    return _layer(volume, name, "ZYX", scale=(0.29, 0.26, 0.26))


def _layer(
    image: npt.NDArray[Any], name: str, axes: str, **options: Any
) -> list[LayerData]:
    metadata = {"axes": axes, "napari_unet_sample": name}
    return [(image, {"name": name, "metadata": metadata, **options}, "image")]


def _fetch(function: str, file: str) -> npt.NDArray[Any]:
    """Return an image of scikit-image, which downloads it if need be."""
    read: Callable[[], npt.NDArray[Any]] = getattr(skimage.data, function)
    try:
        return read()
    except ImportError as error:
        raise NapariUnetError(
            f"Could not download {file}: one more package is needed for it; "
            "run: pip install pooch"
        ) from error
    # Whatever goes wrong on the way (no network, a proxy, a full disk, a file that
    # is not the expected one) is an OSError or, for a wrong checksum, a ValueError.
    except (OSError, ValueError) as error:
        # napari's notification shows the first words until it is opened.
        raise NapariUnetError(
            f"Could not download {file}: it is not on this computer yet and "
            "gitlab.com/scikit-image cannot be reached; connect to the internet and "
            f"open the sample again ({type(error).__name__})."
        ) from error


open_nuclei = partial(_own, "nuclei")
open_phase = partial(_own, "phase")
# Another field of the same cells, to try a fine-tuned model on.
open_phase_other = partial(_own, "phase", index=1)
open_membranes = partial(_own, "membranes")
open_zstack = partial(_own, "zstack", scale=(3.0, 1.0, 1.0))
open_timelapse = partial(_own, "timelapse")
open_two_channels = partial(_own, "two_channels")
open_cell = partial(_fetched, "cell", "cell.png", "cell")
open_human_mitosis = partial(_fetched, "human_mitosis", "mitosis.tif", "human_mitosis")
open_cells3d_nuclei = partial(_cells3d, 1, "cells3d_nuclei")
open_cells3d_membranes = partial(_cells3d, 0, "cells3d_membranes")

"""What *File > Open Sample > U-Net* opens: one function per entry of the manifest.

Samples of the package come as images alone: finding the objects is the person's task.
Real images come from scikit-image, which downloads most of them when they are opened
for the first time and keeps them. An error that is raised here becomes a notification
in napari; no layer is added and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt
import skimage

from napari_unet.errors import NapariUnetError
from napari_unet.io.samples import load_sample

LayerData = tuple[npt.NDArray[Any], dict[str, Any], str]


def open_nuclei() -> list[LayerData]:
    """Return touching nuclei in fluorescence, (Y, X)."""
    return [_own("nuclei")]


def open_phase() -> list[LayerData]:
    """Return adherent cells in phase contrast, (Y, X)."""
    return [_own("phase")]


def open_phase_other() -> list[LayerData]:
    """Return another field of the same cells, to try a fine-tuned model on."""
    return [_own("phase", index=1)]


def open_membranes() -> list[LayerData]:
    """Return tissue in an electron microscope, (Y, X)."""
    return [_own("membranes")]


def open_zstack() -> list[LayerData]:
    """Return a stack of nuclei, (Z, Y, X), with slices three pixels apart."""
    return [_own("zstack", scale=(3.0, 1.0, 1.0))]


def open_timelapse() -> list[LayerData]:
    """Return nuclei that move and divide, (T, Y, X)."""
    return [_own("timelapse")]


def open_two_channels() -> list[LayerData]:
    """Return nuclei and cytoplasm as one layer, (C, Y, X)."""
    return [_own("two_channels")]


def open_cell() -> list[LayerData]:
    """Return one floating cell, a quantitative phase image, (Y, X)."""
    return [_layer(_fetch("cell", "cell.png"), "cell", "YX")]


def open_human_mitosis() -> list[LayerData]:
    """Return human nuclei, some of them dividing, in fluorescence, (Y, X)."""
    image = _fetch("human_mitosis", "mitosis.tif")
    return [_layer(image, "human_mitosis", "YX")]


def open_cells3d_nuclei() -> list[LayerData]:
    """Return the nuclei of a stack of cells in fluorescence, (Z, Y, X)."""
    return [_cells3d(channel=1, name="cells3d_nuclei")]


def open_cells3d_membranes() -> list[LayerData]:
    """Return the membranes of a stack of cells in fluorescence, (Z, Y, X)."""
    return [_cells3d(channel=0, name="cells3d_membranes")]


def _own(name: str, index: int = 0, **options: Any) -> LayerData:
    sample = load_sample(name)[index]
    return _layer(sample.image, sample.name, sample.axes, **options)


def _cells3d(channel: int, name: str) -> LayerData:
    volume = _fetch("cells3d", "cells3d.tif")[:, channel]
    return _layer(volume, name, "ZYX", scale=(0.29, 0.26, 0.26))


def _layer(image: npt.NDArray[Any], name: str, axes: str, **options: Any) -> LayerData:
    metadata = {"axes": axes, "napari_unet_sample": name}
    return image, {"name": name, "metadata": metadata, **options}, "image"


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

"""File > Open Sample: layers with axes, and a sentence when there is no network."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Layer
from npe2 import PluginManifest
from skimage import data

import napari_unet
from napari_unet.errors import NapariUnetError
from napari_unet.gui import sample_data
from napari_unet.io.samples import list_samples

MANIFEST = Path(napari_unet.__file__).parent / "napari.yaml"
OWN = {
    "open_nuclei": "YX",
    "open_phase": "YX",
    "open_phase_other": "YX",
    "open_membranes": "YX",
    "open_zstack": "ZYX",
    "open_timelapse": "TYX",
    "open_two_channels": "CYX",
    "open_cell": "YX",
}
DOWNLOADED = {
    "open_human_mitosis": ("human_mitosis", (64, 64), "YX"),
    "open_cells3d_nuclei": ("cells3d", (6, 2, 32, 32), "ZYX"),
    "open_cells3d_membranes": ("cells3d", (6, 2, 32, 32), "ZYX"),
}


def open_sample(function: str) -> Image:
    """Return the one layer that napari makes of a sample, and it has no labels."""
    (datum,) = getattr(sample_data, function)()
    layer = Layer.create(*datum)
    assert isinstance(layer, Image)
    return layer


@pytest.mark.parametrize(("function", "axes"), OWN.items())
def test_samples_that_ship_open_as_one_image_layer(function: str, axes: str) -> None:
    layer = open_sample(function)
    assert layer.metadata["axes"] == axes
    assert layer.metadata["napari_unet_sample"] == layer.name
    assert layer.ndim == len(axes)
    assert not layer.rgb


def test_the_other_field_is_another_image() -> None:
    first, other = open_sample("open_phase"), open_sample("open_phase_other")
    assert first.name != other.name
    assert not np.array_equal(first.data, other.data)


def test_the_slices_of_the_stack_lie_apart() -> None:
    assert open_sample("open_zstack").scale.tolist() == [3, 1, 1]


@pytest.mark.parametrize("function", DOWNLOADED)
def test_downloaded_samples(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, shape, axes = DOWNLOADED[function]
    image = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    monkeypatch.setattr(data, source, lambda: image)
    layer = open_sample(function)
    assert layer.metadata["axes"] == axes
    assert layer.ndim == len(axes)


def test_the_two_channels_of_cells3d_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = np.zeros((6, 2, 8, 8), np.uint16)
    image[:, 1] = 1
    monkeypatch.setattr(data, "cells3d", lambda: image)
    assert open_sample("open_cells3d_nuclei").data.min() == 1
    assert open_sample("open_cells3d_membranes").data.max() == 0


def failing(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ConnectionError("no route"), "connect to the internet and open the sample"),
        (OSError("disk full"), "connect to the internet and open the sample"),
        (ValueError("SHA256 hash does not match"), "open the sample again"),
        (ModuleNotFoundError("pooch"), "pip install pooch"),
    ],
)
def test_a_failed_download_is_told_in_words(
    error: Exception, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "human_mitosis", failing(error))
    with pytest.raises(
        NapariUnetError, match=r"Could not download mitosis\.tif"
    ) as told:
        sample_data.open_human_mitosis()
    assert remedy in str(told.value)


def test_a_failed_download_leaves_the_viewer_as_it_was(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "human_mitosis", failing(ConnectionError()))
    viewer = make_napari_viewer()
    with pytest.raises(NapariUnetError, match="Could not download"):
        viewer.open_sample("napari-unet-live", "human_mitosis")
    assert len(viewer.layers) == 0
    (layer,) = viewer.open_sample("napari-unet-live", "phase")
    assert layer.source.sample == ("napari-unet-live", "phase")


def test_every_sample_is_in_the_menu() -> None:
    contributions = PluginManifest.from_file(MANIFEST).contributions
    commands = {c.id: str(c.python_name) for c in contributions.commands or ()}
    offered = {s.key: s for s in contributions.sample_data or ()}
    for sample in offered.values():
        module, function = commands[sample.command].split(":")
        assert callable(getattr(importlib.import_module(module), function))
    for known in list_samples():
        assert offered[known.name].display_name == known.title

"""Axes that are guessed are told, and channels are chosen by number or name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

import napari_unet as nu
from napari_unet.io.labels import read_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Annotated, Run

NAMES = ("blank", "GFP", "DAPI")


def _add_channels(path: Path) -> None:
    """Make the image of a file the second of three channels."""
    image = tifffile.imread(path)
    planes = np.stack([image * 0, image, image // 2])
    metadata = {"axes": "CYX", "Channel": {"Name": NAMES}}
    tifffile.imwrite(path, planes, ome=True, metadata=metadata)


@pytest.fixture
def colourful(annotated: Annotated) -> Annotated:
    """Annotated images of three channels."""
    for path in annotated.images.iterdir():
        _add_channels(path)
    return annotated


def test_the_channel_that_is_named_is_predicted(
    run: Run, model: Path, colourful: Annotated, tmp_path: Path
) -> None:
    path = colourful.images / "a.tif"
    image = tifffile.imread(path)
    expected = nu.predict(image[1], nu.load_model(model))
    for number, name in enumerate(("2", "GFP", "gfp")):
        out = tmp_path / str(number)
        options = ("--model", model, "--out", out, "--channel", name)
        assert run("predict", path, *options).code == 0
        np.testing.assert_array_equal(read_ids(out / "a.tif"), expected)


def test_several_channels_come_in_the_order_of_the_model(
    run: Run, make_model: Callable[..., Path], colourful: Annotated, tmp_path: Path
) -> None:
    model = make_model(tmp_path / "two", 2)
    path, out = colourful.images / "a.tif", tmp_path / "out"
    options = ("--model", model, "--out", out, "--channel", "DAPI,2")
    assert run("predict", path, *options).code == 0
    image = tifffile.imread(path)[[2, 1]]
    expected = nu.predict(image, nu.load_model(model), axes="CYX")
    np.testing.assert_array_equal(read_ids(out / "a.tif"), expected)


def test_the_way_out_is_an_option_that_exists(
    run: Run, model: Path, colourful: Annotated, tmp_path: Path
) -> None:
    path, out = colourful.images / "a.tif", tmp_path / "out"
    options = ("predict", path, "--model", model, "--out", out)
    refused = run(*options)
    refused.refused("--channel 1 (there are 1 blank, 2 GFP, 3 DAPI)")
    run(*options, "--channel", "4").refused("a number from 1 to 3 or a name")
    run(*options, "--channel", "Cy5").refused("There is no channel 'Cy5'")


def test_a_model_learns_from_the_channel_that_is_named(
    run: Run, colourful: Annotated, tmp_path: Path
) -> None:
    options = (
        *("train", "--images", colourful.images, "--labels", colourful.labels),
        *("--out", tmp_path / "m", "--steps", 1, "--device", "cpu"),
        *("--set", "architecture.depth=2", "--set", "architecture.base_channels=4"),
    )
    run(*options, "--channel", "Cy5").refused("There is no channel 'Cy5'")
    assert run(*options, "--channel", "GFP").code == 0
    assert nu.load_model(tmp_path / "m").spec.in_channels == 1


def test_what_is_guessed_is_said_with_the_way_to_say_it_better(
    run: Run, model: Path, tmp_path: Path
) -> None:
    stack = np.random.default_rng(0).integers(0, 4000, (5, 48, 48), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", metadata=None)
    out = tmp_path / "out"
    for axes, said in (([], True), (["--axes", "TYX"], False)):
        options = ("--model", model, "--out", out, "--json", "--overwrite", *axes)
        result = run("predict", tmp_path / "a.tif", *options)
        notes = json.loads(result.out)["written"][0]["notes"]
        guesses = [note for note in notes if "--axes TYX (time-lapse)" in note]
        assert bool(guesses) is said

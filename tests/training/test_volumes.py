"""Volumes that train: those that are drawn, those that are read, and thinned ones."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.weights.folder import load_model
from training.pictures import GENERATED_VOLUMES, read_pictures
from training.recipe import RECIPES
from training.splits import read_split
from training.synthetic.thick import thick_names, thick_volume
from training.volumes import held_out, of_sample, score

RECIPE = RECIPES["nuclei-3d"]
NAME = "thick 006"


def test_drawn_volumes_are_the_same_each_time_and_have_nuclei() -> None:
    first, again = thick_volume(NAME), thick_volume(NAME)
    assert np.array_equal(first.image, again.image)
    ids = np.unique(first.labels)
    assert ids.tolist() == list(range(len(ids)))
    assert len(ids) > 4
    inside, outside = (
        first.image[m].mean() for m in (first.labels > 0, first.labels < 1)
    )
    assert inside > outside
    assert {*thick_names()} == {
        s for g in read_split([GENERATED_VOLUMES]).groups for s in g
    }


def test_volumes_are_read_as_such_and_thinned_as_far_as_crops_allow(tmp_path) -> None:
    drawn = thick_volume(NAME)
    volume, labels = (np.tile(a, (5, 1, 1))[:60] for a in (drawn.image, drawn.labels))
    for part, array in (("images", volume), ("labels", labels.astype(np.uint16))):
        (tmp_path / part).mkdir()
        tifffile.imwrite(tmp_path / part / "a.tif", array)
    (picture,) = read_pictures(tmp_path, grey=True, objects=True)
    assert picture.axes == "ZYX"
    assert picture.image.shape == (1, *picture.values.shape)
    spread = RECIPE.spread_out([picture])
    assert [len(each.values) for each in spread] == [60, 30]
    assert np.array_equal(spread[1].values, picture.values[::2])
    assert RECIPE.extent == (24, 96, 96)


def test_the_sample_stack_is_found_as_well_as_asked() -> None:
    scores, _ = score(load_model("nuclei-3d"), of_sample())
    assert scores.pooled.ap["0.50"] >= 0.9


def test_held_out_volumes_are_found_as_well_as_asked(shared_data) -> None:
    scores, _ = score(load_model("nuclei-3d"), held_out(shared_data))
    said = load_model("nuclei-3d").spec.card.score["AP50 pooled"]
    assert scores.pooled.ap["0.50"] == pytest.approx(said, abs=0.005)
    assert said >= 0.6

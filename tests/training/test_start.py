"""A training begins with the weights of a run or model, and judges fairly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from napari_unet.models.architectures.subpixel import SubpixelConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import new_model
from training.few import unseen
from training.fit import begin
from training.recipe import RECIPES, Recipe, changed
from training.splits import read_split
from training.start import load_start, seen_by

SMALL = UNetConfig(depth=1, base_channels=2)


def test_a_head_with_other_maps_is_new_and_the_rest_is_old(tmp_path):
    recipe = Recipe(name="mine", architecture=SMALL)
    old = new_model(recipe.spec())
    save_model(old, tmp_path / "mine")
    net = changed(recipe, ["head=centre"]).network()
    fresh = {key: value.clone() for key, value in net.state_dict().items()}
    assert fresh["head.weight"].shape != old.net.state_dict()["head.weight"].shape
    load_start(net, tmp_path / "mine")
    for key, value in net.state_dict().items():
        from_old = not key.startswith("head.")
        expected = old.net.state_dict()[key] if from_old else fresh[key]
        assert torch.equal(value, expected)


def test_a_built_in_model_is_a_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = load_model("nuclei")
    recipe = Recipe(architecture=shipped.spec.architecture)
    net = recipe.network()
    load_start(net, Path("nuclei"))
    own, old = net.state_dict(), shipped.net.state_dict()
    assert all(torch.equal(own[key], old[key]) for key in own if "head" not in key)


def test_another_architecture_is_no_start(tmp_path):
    save_model(new_model(Recipe(architecture=SMALL).spec()), tmp_path / "mine")
    net = Recipe(architecture=UNetConfig(depth=1, base_channels=4)).network()
    with pytest.raises(ValueError, match="do not fit"):
        load_start(net, tmp_path / "mine")


def test_a_built_in_model_has_seen_what_trains_its_recipe(tmp_path):
    nuclei = Path("nuclei")
    data = RECIPES["nuclei"].data
    assert seen_by(nuclei) == {*read_split(data).parts(None)[0]}
    save_model(
        new_model(Recipe(name="mine", architecture=SMALL).spec()), tmp_path / "m"
    )
    assert seen_by(tmp_path / "m") == set()
    begin(RECIPES["nuclei"], tmp_path / "fair", None, nuclei)
    with pytest.raises(ValueError, match="has seen"):
        begin(RECIPES["nuclei"], tmp_path / "unfair", 0, nuclei)


@pytest.mark.parametrize("fold", [None, 0])
def test_kinds_that_are_left_out_are_strangers(tmp_path, fold):
    recipe = Recipe(data=("axons_sem", "cells_phase")).without(["axons_sem"])
    train = begin(recipe, tmp_path, fold)
    parts = json.loads((tmp_path / "parts.json").read_text())
    left = {stem for group in read_split(["axons_sem"]).groups for stem in group}
    assert left <= {*parts["strangers"]}
    assert left.isdisjoint(train)
    assert left.isdisjoint(parts["known"])
    assert train
    others = ["axons_sem", "cells_phase", "nuclei_u2os"]
    assert unseen(str(tmp_path), others) == ["axons_sem", "nuclei_u2os"]


def test_only_what_trains_can_be_left_out():
    recipe = Recipe(data=("axons_sem", "cells_phase"))
    with pytest.raises(ValueError, match="not trained on mushrooms"):
        recipe.without(["mushrooms"])
    with pytest.raises(ValueError, match="Nothing is left"):
        recipe.without(recipe.data)


def test_a_subpixel_network_begins_below_the_top_of_another(tmp_path):
    old = new_model(Recipe(architecture=UNetConfig(depth=3, base_channels=2)).spec())
    save_model(old, tmp_path / "mine")
    net = Recipe(architecture=SubpixelConfig(depth=2, base_channels=4)).network()
    load_start(net, tmp_path / "mine")
    own, old_weights = net.state_dict(), old.net.state_dict()
    for new, former in [
        ("first.3.weight", "down.0.3.weight"),
        ("down.1.0.weight", "down.2.0.weight"),
        ("up.1.convs.0.weight", "up.1.convs.0.weight"),
    ]:
        assert torch.equal(own[new], old_weights[former])
    other = Recipe(architecture=SubpixelConfig(depth=2, base_channels=3)).network()
    with pytest.raises(ValueError, match="do not fit"):
        load_start(other, tmp_path / "mine")


@pytest.mark.parametrize(
    "architecture", [SMALL, SubpixelConfig(depth=1, base_channels=2)]
)
def test_a_network_for_colours_sees_grey_as_the_one_it_began_with(
    tmp_path, architecture
):
    recipe = Recipe(name="grey", architecture=architecture)
    grey = new_model(recipe.spec())
    save_model(grey, tmp_path / "grey")
    net = recipe.model_copy(update={"channels": 3}).network()
    load_start(net, tmp_path / "grey")
    image = torch.rand(1, 1, 32, 32)
    seen, expected = net.eval()(image.expand(-1, 3, -1, -1)), grey.net.eval()(image)
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)

"""Model folders from strangers: nothing is built or read before all of it is right."""

from __future__ import annotations

import pytest
import torch

from napari_unet.errors import InputError, ModelError
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.architectures.backbone import ENCODERS
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.build import MOST_WEIGHTS, build, outline
from napari_unet.weights.folder import load_model
from tests.hostile.bad_models import BAD_MODELS
from tests.nets.conftest import needs_timm


@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_lie_is_answered_with_one_sentence(make_model, name: str) -> None:
    spoil, phrase = BAD_MODELS[name]
    folder = make_model("stranger")
    spoil(folder)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert phrase in str(caught.value)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_refused_was_good_before(make_model) -> None:
    assert load_model(make_model("good")).name == "good"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_outline_has_the_shapes_of_the_network(name: str) -> None:
    if name in ENCODERS:
        needs_timm()
    spec = ModelSpec(name=name, architecture=ARCHITECTURES[name])
    torch.manual_seed(0)
    empty = outline(spec).state_dict()
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), drawn)
    net = build(spec).state_dict()
    assert all(value.device.type == "meta" for value in empty.values())
    assert {k: (v.shape, v.dtype) for k, v in empty.items()} == {
        k: (v.shape, v.dtype) for k, v in net.items()
    }


def test_a_network_that_is_too_large_is_not_built() -> None:
    spec = ModelSpec(name="x", architecture=UNetConfig(depth=7, base_channels=256))
    with pytest.raises(InputError, match="million weights"):
        build(spec)
    large = ModelSpec(name="x", architecture=UNetConfig(depth=5, base_channels=64))
    count = sum(value.numel() for value in outline(large).parameters())
    assert MOST_WEIGHTS / 10 < count < MOST_WEIGHTS

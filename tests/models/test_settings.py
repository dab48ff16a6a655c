"""Options of a model, as they are written on the command line."""

from __future__ import annotations

import pytest

from napari_unet.errors import InputError
from napari_unet.models.architectures import ARCHITECTURES
from napari_unet.models.spec import ModelSpec, with_settings


def spec(name: str = "unet") -> ModelSpec:
    return ModelSpec(name="new", architecture=ARCHITECTURES[name])


def test_options_are_set_by_their_path():
    made = with_settings(
        spec(),
        [
            "architecture.base_channels=24",
            "architecture.norm=group",
            "architecture.residual = true",
            "pixel_size=0.65",
            "normalization.low=2.5",
        ],
    )
    assert made.architecture.base_channels == 24
    assert made.architecture.norm == "group"
    assert made.architecture.residual
    assert made.pixel_size == 0.65
    assert made.normalization.low == 2.5


def test_the_dropout_of_the_original_can_be_set():
    made = with_settings(spec("original"), ["architecture.dropout=0.5"])
    assert made.architecture.dropout == 0.5


def test_no_settings_change_nothing():
    assert with_settings(spec("resnet34"), []) == spec("resnet34")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("architecture.base_channels", "Expected PATH=VALUE"),
        ("architecture.width=3", "choose one of: depth, base_channels"),
        ("architecture.kind=original", "There is no option"),
        ("architecture=original", "architecture=original is not possible"),
        ("architecture.depth.more=3", "There is no option"),
        ("task=classes", "cannot be set; choose something in: architecture"),
        ("weights=1", "cannot be set"),
        ("=1", "cannot be set"),
        ("architecture.base_channels=0", "greater than or equal to 1"),
        ("architecture.base_channels=many", "architecture.base_channels=many is not"),
        ("architecture.norm=layer", "batch"),
        ("pixel_size=-1", "greater than 0"),
        ("pixel_size=NaN", "pixel_size=nan is not possible"),
    ],
)
def test_what_cannot_be_set_is_refused_in_a_sentence(setting, words):
    with pytest.raises(InputError, match=words) as caught:
        with_settings(spec(), [setting])
    assert "\n" not in str(caught.value)


def test_volumes_are_refused_where_a_network_sees_planes():
    with pytest.raises(InputError, match="sees planes only"):
        with_settings(spec("resnet34"), ["architecture.dims=3"])

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from napari_unet.errors import InputError
from napari_unet.models.architectures import ARCHITECTURES, Architecture
from napari_unet.models.architectures.original import OriginalConfig
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.nets.build import build_network

_ADAPTER: TypeAdapter[Architecture] = TypeAdapter(Architecture)


def test_older_descriptions_are_still_read() -> None:
    older = {
        "kind": "unet",
        "depth": 4,
        "base_channels": 16,
        "norm": "batch",
        "activation": "relu",
    }
    assert _ADAPTER.validate_python(older) == UNetConfig()


def test_the_plain_unet_comes_first() -> None:
    assert next(iter(ARCHITECTURES)) == "unet"


@pytest.mark.parametrize("name", ["unet", "original"])
def test_pretrained_weights_that_do_not_exist_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="no pretrained weights"):
        build_network(ARCHITECTURES[name], 1, 3, pretrained=True)


@pytest.mark.parametrize("kind", ["original", "backbone"])
def test_planar_networks_refuse_volumes_in_words(kind: str) -> None:
    with pytest.raises(ValidationError, match="planes only; choose unet_3d"):
        _ADAPTER.validate_python({"kind": kind, "dims": 3})


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "unet", "depth": 0},
        {"kind": "unet", "colour": "blue"},
        {"kind": "original", "dropout": 1.0},
        {"kind": "backbone", "encoder": "vgg"},
        {"kind": "backbone", "decoder_channels": [8, 8, 8]},
        {"kind": "transformer"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _ADAPTER.validate_python(options)


def test_the_original_of_the_registry_is_the_one_of_the_paper() -> None:
    config = ARCHITECTURES["original"]
    assert config == OriginalConfig(blocks=5, base_channels=64, dropout=0.0)

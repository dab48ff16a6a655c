"""A new architecture is one file of options and its network: all else follows."""

from __future__ import annotations

from typing import ClassVar, Literal

import pytest
from pydantic import Field
from torch import Tensor, nn
from typer.testing import CliRunner

from napari_unet.cli.app import app
from napari_unet.models import architecture
from napari_unet.models.architecture import PlanarConfig, register
from napari_unet.models.spec import ModelSpec, with_settings
from napari_unet.nets.network import Network
from napari_unet.weights.folder import load_model, save_model
from napari_unet.weights.model import new_model


class ToyNet(Network):
    def __init__(self, in_channels: int, out_channels: int, width: int) -> None:
        super().__init__(
            in_channels, out_channels, stride=1, receptive_radius=1, exact_tiling=True
        )
        self.body = nn.Conv2d(in_channels, width, 3, padding=1)
        self.head = nn.Conv2d(width, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.head(self.body(x).relu())
        return maps


class ToyConfig(PlanarConfig):
    network: ClassVar[str] = f"{__name__}.ToyNet"
    title: ClassVar[str] = "toy"

    kind: Literal["toy"] = "toy"
    width: int = Field(4, ge=1, le=8)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    monkeypatch.setitem(architecture._NAMED, "toy", ToyConfig())
    return ModelSpec(name="new", architecture=ToyConfig(width=2))


@pytest.mark.usefixtures("toy")
def test_its_file_registers_it() -> None:
    register(toy=ToyConfig(width=3))
    assert architecture.ARCHITECTURES["toy"] == ToyConfig(width=3)


def test_its_models_are_saved_and_loaded(toy: ModelSpec, tmp_path) -> None:
    save_model(new_model(toy), tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.spec.architecture == ToyConfig(width=2)
    assert isinstance(again.net, ToyNet)


def test_its_options_can_be_set(toy: ModelSpec) -> None:
    made = with_settings(toy, ["architecture.width=3"])
    assert made.architecture == ToyConfig(width=3)


def test_the_command_line_offers_it(toy: ModelSpec, tmp_path) -> None:
    folders = ["--images", str(tmp_path), "--labels", str(tmp_path), "--out", "m"]
    done = CliRunner().invoke(app, ["train", *folders, "--architecture", "none"])
    assert "toy" in str(done.exception)

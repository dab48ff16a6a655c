"""What a model is, apart from its weights: the JSON beside them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_unet.core.instances import Decoding
from napari_unet.core.normalize import PercentileNormalization
from napari_unet.core.targets import InstanceMap
from napari_unet.nets.blocks import Activation, Norm
from napari_unet.nets.unet import UNet

FORMAT_VERSION: Literal[1] = 1

Task = Literal["instances"]


class UNetConfig(BaseModel):
    """Options of `napari_unet.nets.unet.UNet`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["unet"] = "unet"
    depth: int = Field(4, ge=1, le=7)
    base_channels: int = Field(16, ge=1, le=256)
    norm: Norm = "batch"
    activation: Activation = "relu"

    def build(self, in_channels: int, out_channels: int) -> UNet:
        """Return a freshly initialised network."""
        return UNet(
            in_channels,
            out_channels,
            depth=self.depth,
            base_channels=self.base_channels,
            norm=self.norm,
            activation=self.activation,
        )


ARCHITECTURES = {"unet": UNetConfig}
"""Architectures by the name that the command line and the dock use."""


class ModelCard(BaseModel):
    """Where a model comes from and how good it is, for the person who chooses it.

    Parameters
    ----------
    data : str
        What it was trained on.
    license : str
        Licence of data and weights.
    score : dict
        Named scores, such as ``{"AP50 pooled": 0.8}``.
    notes : str
        What it is for, and what it is not for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str = ""
    license: str = ""
    score: dict[str, float] = Field(default_factory=dict)
    notes: str = ""


class ModelSpec(BaseModel):
    """Everything that is needed to use a model's weights.

    Parameters
    ----------
    format_version : int
        Version of this description.
    name : str
        Short name, also the name of a built-in model's folder.
    task : {"instances"}
        What the outputs mean.
    in_channels : int
        Channels the image must have.
    architecture : UNetConfig
        The network.
    normalization : PercentileNormalization
        How images are brought to the grey values the network knows.
    decoding : Decoding
        How maps become objects.
    diameters : tuple of float, optional
        Smallest and largest median object diameter in training, in pixels.
    card : ModelCard
        Data, licence, scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = FORMAT_VERSION
    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: str = ""
    task: Task = "instances"
    in_channels: int = Field(1, ge=1, le=256)
    architecture: UNetConfig = UNetConfig()
    normalization: PercentileNormalization = PercentileNormalization()
    decoding: Decoding = Decoding()
    diameters: tuple[float, float] | None = None
    card: ModelCard = ModelCard()

    @property
    def out_channels(self) -> int:
        """Maps that the network predicts."""
        return len(InstanceMap)

    def build(self) -> UNet:
        """Return the network with fresh weights."""
        return self.architecture.build(self.in_channels, self.out_channels)

"""The registry of networks: one class of options for every kind of network.

A new kind is a new class here: `Architecture` reads and writes its JSON, and every
name in `ARCHITECTURES` becomes a choice on the command line and in the dock, and is
held to the contract tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from napari_unet.errors import InputError
from napari_unet.nets.backbone_unet import BackboneUNet
from napari_unet.nets.backbones import ENCODERS, Encoder
from napari_unet.nets.blocks import Activation, Norm, Upsampling
from napari_unet.nets.original import OriginalUNet
from napari_unet.nets.unet import UNet

_Width = Annotated[int, Field(ge=1, le=2048)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _PlanarConfig(_Config):
    dims: Literal[2] = 2

    @field_validator("dims", mode="before")
    @classmethod
    def _refuse_volumes(cls, dims: Any) -> Any:
        if dims == 3:
            raise ValueError(
                "this network sees planes only; choose unet_3d for volumes, or "
                "predict plane by plane"
            )
        return dims


class UNetConfig(_Config):
    """Options of `napari_unet.nets.unet.UNet`."""

    kind: Literal["unet"] = "unet"
    depth: int = Field(4, ge=1, le=7)
    base_channels: int = Field(16, ge=1, le=256)
    norm: Norm = "batch"
    activation: Activation = "relu"
    upsampling: Upsampling = "transpose"
    residual: bool = False
    attention: bool = False
    dims: Literal[2, 3] = 2

    def build(
        self, in_channels: int, out_channels: int, *, pretrained: bool = False
    ) -> UNet:
        """Return a freshly initialised network.

        Raises
        ------
        InputError
            If pretrained weights are wished for: there are none.
        """
        _refuse_pretrained(pretrained, "U-Net")
        options = self.model_dump(exclude={"kind"})
        return UNet(in_channels, out_channels, **options)


class OriginalConfig(_PlanarConfig):
    """Options of `napari_unet.nets.original.OriginalUNet`."""

    kind: Literal["original"] = "original"
    blocks: int = Field(5, ge=1, le=7)
    base_channels: int = Field(64, ge=1, le=256)
    dropout: float = Field(0.0, ge=0, lt=1)

    def build(
        self, in_channels: int, out_channels: int, *, pretrained: bool = False
    ) -> OriginalUNet:
        """Return a freshly initialised network.

        Raises
        ------
        InputError
            If pretrained weights are wished for: there are none.
        """
        _refuse_pretrained(pretrained, "original U-Net")
        return OriginalUNet(
            in_channels,
            out_channels,
            blocks=self.blocks,
            base_channels=self.base_channels,
            dropout=self.dropout,
        )


class BackboneConfig(_PlanarConfig):
    """Options of `napari_unet.nets.backbone_unet.BackboneUNet`."""

    kind: Literal["backbone"] = "backbone"
    encoder: Encoder = "resnet34"
    decoder_channels: tuple[_Width, _Width, _Width, _Width, _Width] = (
        256,
        128,
        64,
        32,
        16,
    )
    norm: Norm = "batch"
    activation: Activation = "relu"
    upsampling: Upsampling = "transpose"

    def build(
        self, in_channels: int, out_channels: int, *, pretrained: bool = False
    ) -> BackboneUNet:
        """Return a network that is freshly initialised, but for a pretrained encoder.

        Raises
        ------
        ModelError
            If timm is missing, or pretrained weights cannot be downloaded.
        """
        return BackboneUNet(
            self.encoder,
            in_channels,
            out_channels,
            decoder_channels=self.decoder_channels,
            pretrained=pretrained,
            norm=self.norm,
            activation=self.activation,
            upsampling=self.upsampling,
        )


Architecture = Annotated[
    UNetConfig | OriginalConfig | BackboneConfig, Field(discriminator="kind")
]

ARCHITECTURES: Mapping[str, UNetConfig | OriginalConfig | BackboneConfig] = (
    MappingProxyType(
        {
            "unet": UNetConfig(),
            "unet_residual": UNetConfig(residual=True),
            "unet_attention": UNetConfig(attention=True),
            "unet_3d": UNetConfig(depth=3, dims=3),
            "original": OriginalConfig(),
            **{encoder: BackboneConfig(encoder=encoder) for encoder in ENCODERS},
        }
    )
)
"""Architectures by the name that the command line and the dock use."""


def _refuse_pretrained(pretrained: bool, network: str) -> None:
    if pretrained:
        raise InputError(
            f"There are no pretrained weights for the {network}; leave them out, or "
            f"choose a backbone: {', '.join(ENCODERS)}."
        )

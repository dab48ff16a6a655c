"""The U-Net with same-size convolutions, and its variants."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from napari_unet.models.architecture import (
    Activation,
    ArchitectureConfig,
    Norm,
    Upsampling,
    register,
)


class UNetConfig(ArchitectureConfig):
    """Options of `napari_unet.nets.unet.UNet`."""

    network: ClassVar[str] = "napari_unet.nets.unet.UNet"
    title: ClassVar[str] = "U-Net"

    kind: Literal["unet"] = "unet"
    depth: int = Field(4, ge=1, le=7)
    base_channels: int = Field(16, ge=1, le=256)
    norm: Norm = "batch"
    activation: Activation = "relu"
    upsampling: Upsampling = "transpose"
    residual: bool = False
    attention: bool = False
    dims: Literal[2, 3] = 2


register(
    unet=UNetConfig(),
    unet_residual=UNetConfig(residual=True),
    unet_attention=UNetConfig(attention=True),
    unet_3d=UNetConfig(depth=3, dims=3),
)

"""The U-Net that computes at half the resolution, several times as quick."""

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


class SubpixelConfig(ArchitectureConfig):
    """Options of `napari_unet.nets.subpixel.SubpixelUNet`."""

    network: ClassVar[str] = "napari_unet.nets.subpixel.SubpixelUNet"
    title: ClassVar[str] = "sub-pixel U-Net"

    kind: Literal["subpixel"] = "subpixel"
    factor: int = Field(2, ge=2, le=4)
    depth: int = Field(3, ge=1, le=6)
    base_channels: int = Field(24, ge=1, le=256)
    norm: Norm = "batch"
    activation: Activation = "relu"
    upsampling: Upsampling = "transpose"
    dims: Literal[2, 3] = 2


register(
    subpixel=SubpixelConfig(),
    subpixel_3d=SubpixelConfig(depth=2, base_channels=32, dims=3),
)

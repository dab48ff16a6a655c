"""The U-Net of 2015, with unpadded convolutions."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from napari_unet.models.architecture import PlanarConfig, register


class OriginalConfig(PlanarConfig):
    """Options of `napari_unet.nets.original.OriginalUNet`."""

    network: ClassVar[str] = "napari_unet.nets.original.OriginalUNet"
    title: ClassVar[str] = "original U-Net"

    kind: Literal["original"] = "original"
    blocks: int = Field(5, ge=1, le=7)
    base_channels: int = Field(64, ge=1, le=256)
    dropout: float = Field(0.0, ge=0, lt=1)


register(original=OriginalConfig())

"""U-Nets whose contracting path was made for ImageNet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from pydantic import Field

from napari_unet.models.architecture import (
    Activation,
    Norm,
    PlanarConfig,
    Upsampling,
    register,
)

Encoder: TypeAlias = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnext50_32x4d",
    "efficientnet_b0",
    "efficientnet_b3",
    "efficientnet_lite0",
    "densenet121",
    "convnext_tiny",
]

ENCODERS: Mapping[Encoder, str] = MappingProxyType(
    {name: name for name in get_args(Encoder)}
    | {"efficientnet_lite0": "tf_efficientnet_lite0"}
)
"""Encoders, and what timm calls them.

ResNet (He et al. 2016), ResNeXt (Xie et al. 2017), EfficientNet (Tan and Le 2019) and
its lite variant without squeeze-excitation, DenseNet (Huang et al. 2017), ConvNeXt
(Liu et al. 2022).
"""

_Width = Annotated[int, Field(ge=1, le=2048)]
_Widths = tuple[_Width, _Width, _Width, _Width, _Width]


class BackboneConfig(PlanarConfig):
    """Options of `napari_unet.nets.backbone_unet.BackboneUNet`."""

    network: ClassVar[str] = "napari_unet.nets.backbone_unet.BackboneUNet"
    title: ClassVar[str] = "U-Net with a backbone"
    has_pretrained: ClassVar[bool] = True

    kind: Literal["backbone"] = "backbone"
    encoder: Encoder = "resnet34"
    decoder_channels: _Widths = (256, 128, 64, 32, 16)
    norm: Norm = "batch"
    activation: Activation = "relu"
    upsampling: Upsampling = "transpose"


register(**{encoder: BackboneConfig(encoder=encoder) for encoder in ENCODERS})

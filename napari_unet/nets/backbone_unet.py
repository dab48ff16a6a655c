"""The U-Net whose contracting path is a network that was made for ImageNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from napari_unet.errors import InputError, ModelError
from napari_unet.models.architecture import Activation, Norm, Upsampling
from napari_unet.models.architectures.backbone import ENCODERS, Encoder
from napari_unet.nets.backbones import imagenet_weights, import_timm, make_encoder
from napari_unet.nets.blocks import ConvBlock, Style, UpBlock, initialize
from napari_unet.nets.network import Network

LEVELS = 5
"""Halvings in every one of the encoders."""

_HALO = 128


class BackboneUNet(Network):
    """U-Net with a contracting path from timm.

    ::

        1/1   image ─ block ───────── skip ─ block ─ 1x1 ─ maps
        1/2   encoder features ────── skip ─ block ┘      (ConvNeXt has none: no skip)
        1/4   encoder features ────── skip ─ block ┘
        ...
        1/32  encoder features ─────────── up ┘

    Networks for ImageNet halve the image at once, and their finest features have lost
    what separates two cells that touch. So the skip at full resolution comes from a
    block of two 3x3 convolutions on the image itself.

    What an output pixel depends on is not declared exactly: the field of the smallest
    encoder, ResNet-18, is 435 px wide already, others are several times as large, and
    squeeze-excitation (EfficientNet B0 and B3) sees the whole image. Tiles get a fixed
    halo of 128 px instead, and `exact_tiling` is False.

    Parameters
    ----------
    encoder : str
        One of `napari_unet.models.architectures.backbone.ENCODERS`.
    decoder_channels : sequence of int
        Channels of the five blocks of the expansive path, from coarse to fine.
    pretrained : bool
        Start the encoder with ImageNet weights; see `imagenet_weights`. The first
        layer is adapted to `in_channels`; see `load_encoder_weights`.

    The others are those of `UNet`; `norm`, `activation` and `upsampling` are of the
    expansive path, and `dims` is 2. A ModelError says that timm is missing, or that
    weights cannot be downloaded.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 3,
        *,
        encoder: Encoder,
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
        pretrained: bool = False,
        norm: Norm = "batch",
        activation: Activation = "relu",
        upsampling: Upsampling = "transpose",
        dims: int = 2,
    ) -> None:
        _check_options(encoder, decoder_channels, dims)
        super().__init__(
            in_channels,
            out_channels,
            stride=2**LEVELS,
            receptive_radius=_HALO,
            exact_tiling=False,
        )
        self.encoder_name = encoder
        made = make_encoder(encoder, in_channels)
        # Saved with the weights: what they expect must not change with timm.
        mean, sd = _grey_values(made, in_channels)
        self.register_buffer("mean", mean)
        self.register_buffer("sd", sd)
        style = Style(norm, activation, upsampling)
        finest = decoder_channels[-1]
        self.first = ConvBlock(in_channels, finest, style)
        *skips, deepest = _channels_by_level(made, finest)
        widths = pairwise((deepest, *decoder_channels))
        self.up = nn.ModuleList(
            UpBlock(coarse, skip, fine, style)
            for (coarse, fine), skip in zip(widths, reversed(skips), strict=True)
        )
        self.head = nn.Conv2d(finest, out_channels, 1)
        initialize(self, activation)
        # Last, so that its own initialisation stays as it is.
        self.encoder = made
        self._has_skip = [channels > 0 for channels in skips]
        if pretrained:
            load_encoder_weights(self, imagenet_weights(encoder))

    mean: Tensor
    sd: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, Y, X) to (N, out_channels, Y, X)."""
        *finer, coarsest = self.encoder((x - self.mean) / self.sd)
        waiting = iter([self.first(x), *finer])
        skips = [next(waiting) if there else None for there in self._has_skip]
        x = coarsest
        for block, skip in zip(self.up, reversed(skips), strict=True):
            x = block(x, skip)
        maps: Tensor = self.head(x)
        return maps


def load_encoder_weights(net: BackboneUNet, weights: Mapping[str, Tensor]) -> None:
    """Give the contracting path the weights of timm's whole classifier, in place.

    timm adapts the first layer to the channels: for one channel its kernels are
    summed over the colours, so that a grey image gives what its three equal colours
    gave; for n channels the colours are repeated in turn and scaled by 3 / n. The
    weights are those for three channels.
    """
    name = ENCODERS[net.encoder_name]
    # timm loads what fits into an encoder and leaves the rest random, but is strict
    # with classifiers; so the way leads through one. An empty state it would ignore.
    overlay = {"state_dict": dict(weights) or {"": torch.empty(0)}}
    try:
        classifier = import_timm().create_model(
            name,
            in_chans=net.in_channels,
            pretrained=True,
            pretrained_cfg_overlay=overlay,
        )
        state = {_flat(k): value for k, value in classifier.state_dict().items()}
        encoder = net.encoder
        encoder.load_state_dict({k: state[_flat(k)] for k in encoder.state_dict()})
    except (RuntimeError, KeyError) as error:
        raise ModelError(
            f"The weights do not fit the backbone {net.encoder_name}; give those of "
            f"timm's {name}."
        ) from error


def _flat(key: str) -> str:
    """Undo that encoders name some of a classifier's layers with `_` for `.`."""
    return key.replace(".", "_")


def _check_options(encoder: str, decoder_channels: Sequence[int], dims: int) -> None:
    if dims != 2:
        raise InputError(
            f"The backbone {encoder} sees planes only, found {dims} dimensions; choose "
            "unet_3d for volumes, or predict plane by plane."
        )
    if len(decoder_channels) != LEVELS or min(decoder_channels) < 1:
        raise InputError(
            f"The expansive path has {LEVELS} blocks with at least 1 channel each, "
            f"found {tuple(decoder_channels)}; give {LEVELS} numbers, coarse to fine."
        )


def _channels_by_level(encoder: nn.Module, finest: int) -> list[int]:
    """Return the channels of the features after 0, 1, 2 ... halvings, 0 for none."""
    channels = [finest] + [0] * LEVELS
    for info in encoder.feature_info.get_dicts():  # type: ignore[union-attr,operator]
        channels[info["reduction"].bit_length() - 1] = info["num_chs"]
    return channels


def _grey_values(encoder: nn.Module, in_channels: int) -> tuple[Tensor, Tensor]:
    """Return mean and sd of the images that the encoder was trained with, 0 to 1."""
    cfg = encoder.pretrained_cfg
    values = torch.tensor([cfg["mean"], cfg["std"]])  # type: ignore[index]
    if in_channels != values.shape[1]:
        values = values.mean(1, keepdim=True)
    mean, sd = values[..., None, None]
    return mean, sd

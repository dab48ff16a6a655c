"""The weights that a training begins with: those of a run, or of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from napari_unet.models.folder import model_folder, read_spec
from napari_unet.nets.network import Network
from napari_unet.nets.subpixel import SubpixelUNet
from napari_unet.weights.folder import load_model
from training.recipe import RECIPES
from training.splits import read_split

CHECKPOINT = "checkpoint.pt"
PARTS = "parts.json"
_HEAD = ("head.", "net.head.")
_FOLDED = ("first.0.",)


def averaged_weights(run: Path) -> dict[str, torch.Tensor]:
    """Return the averaged weights in the checkpoint of a run, on the CPU."""
    state = torch.load(run / CHECKPOINT, weights_only=True, map_location="cpu")
    prefix = "module."
    return {
        key.removeprefix(prefix): value
        for key, value in state["average"].items()
        if key.startswith(prefix)
    }


def load_start(net: Network, start: Path) -> None:
    """Give a network the weights of a run, a model folder or a built-in model.

    A head with another number of maps stays as it is, fresh. A sub-pixel U-Net takes
    from a U-Net what lies below the first level, which it does not have. A network for
    colours sees grey as the one whose weights it takes.

    Raises
    ------
    ValueError
        If other weights do not fit.
    """
    if (start / CHECKPOINT).is_file():
        weights = averaged_weights(start)
    else:
        weights = load_model(_named(start)).net.state_dict()
    own = net.state_dict()
    fresh: tuple[str, ...] = _HEAD
    if isinstance(net, SubpixelUNet) and f"down.{net.depth}.0.weight" in weights:
        weights, fresh = below_the_top(weights, net.depth), (*_HEAD, *_FOLDED)
    weights = {key: _for_channels(x, own.get(key, x)) for key, x in weights.items()}
    fits = {
        key: value
        for key, value in weights.items()
        if key in own and own[key].shape == value.shape
    }
    missing = [key for key in own if key not in fits and not key.startswith(fresh)]
    if missing:
        raise ValueError(
            f"The weights of {start} do not fit: {len(missing)} of {len(own)} are "
            f"missing or of another shape, the first is {missing[0]}. Choose the "
            "same architecture, or another --start."
        )
    net.load_state_dict(own | fits)


def _for_channels(weight: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Share a convolution of grey out between the channels of `own`, if it has more.

    Folded pixels of a channel lie together, so repeating keeps their order.
    """
    if weight.ndim < 3 or weight.shape[0] != own.shape[0]:
        return weight
    times, rest = divmod(own.shape[1], weight.shape[1])
    if times < 2 or rest or weight.shape[2:] != own.shape[2:]:
        return weight
    return weight.repeat(1, times, *(1 for _ in weight.shape[2:])) / times


def below_the_top(
    weights: Mapping[str, torch.Tensor], depth: int
) -> dict[str, torch.Tensor]:
    """Name the weights of a U-Net as those of a sub-pixel U-Net of `depth` poolings.

    Its first level is the second of a U-Net with one pooling more; only the layer that
    sees the image has another shape.
    """
    named = {}
    for key, value in weights.items():
        path, _, rest = key.partition(".")
        number, _, layer = rest.partition(".")
        if path == "down" and number == "0":
            named[f"first.{layer}"] = value
        elif path == "down":
            named[f"down.{int(number) - 1}.{layer}"] = value
        elif path == "up" and int(number) < depth:
            named[key] = value
    return named


def seen_by(start: Path) -> set[str]:
    """Return the pictures that trained a run or model, or what it started from.

    A model has seen what trains the recipe of its name, and one of another name,
    which only its maker knows, is taken to have seen none.
    """
    if (start / PARTS).is_file():
        parts = json.loads((start / PARTS).read_text())
        return set(parts.get("seen", parts["train"]))
    recipe = RECIPES.get(read_spec(model_folder(_named(start))).name)
    return set() if recipe is None else {*read_split(recipe.data).parts(None)[0]}


def _named(start: Path) -> str | Path:
    """Return a built-in name, which has no folders in it, or a path."""
    return str(start) if start.name == str(start) else start

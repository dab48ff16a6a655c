"""What a described network takes and gives: axes, sizes and margins, of 0.4 and 0.5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from napari_unet.errors import ModelError
from napari_unet.exchange.rdf import (
    LikeInput,
    Referring,
    Stepped,
    SteppedShape,
    Tensor,
)

_ORDERS = ("bcyx", "bczyx")
_UNSTATED_HALO = 64
"""Pixels of context where nobody says how many are needed."""

_MOST_CHANNELS = 256


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes and channels of a network; pixels are the same along all axes.

    `channels` are those of the image, `names` those of the maps, if they have any.
    """

    dims: int
    channels: int
    maps: int
    names: tuple[str, ...]
    least: int
    step: int
    margin: int
    halo: int


def layout_of(image: Tensor, maps: Tensor, name: str) -> Layout:
    """Return what a network takes and gives; a ModelError says what cannot be done."""
    axes, shape, channels, _ = _read(image, 0, name)
    of_maps, ends, count, names = _read(maps, channels, name)
    if axes not in _ORDERS or of_maps != axes:
        _refuse(
            name,
            f"takes axes {axes!r} and gives {of_maps!r}, and networks are used here "
            f"that take and give {' or '.join(map(repr, _ORDERS))}",
        )
    if _scales(image) != _scales(maps):
        _refuse(name, "gives maps with another size of pixels than the image")
    sizes = {_stepped(each, name) for each in shape}
    if len(sizes) != 1:
        _refuse(name, "takes other sizes along one axis than along another")
    margins = {
        _margin(each, ours, name) for each, ours in zip(ends, shape, strict=True)
    }
    if len(margins) != 1:
        _refuse(name, "gives maps that are cut differently along its axes")
    (size,), (margin,) = sizes, margins
    halo = _halo(maps, axes)
    return Layout(
        dims=len(shape),
        channels=channels,
        maps=count,
        names=names if len(names) == count else (),
        least=size.min,
        step=max(1, size.step),
        margin=margin,
        halo=halo or (0 if margin else _UNSTATED_HALO),
    )


def _scales(tensor: Tensor) -> list[float]:
    """Return how wide pixels are, where the format says it in the axes."""
    axes = [] if isinstance(tensor.axes, str) else tensor.axes
    return [axis.scale for axis in axes if axis.type == "space"]


def _read(
    tensor: Tensor, channels: int, name: str
) -> tuple[str, list[object], int, tuple[str, ...]]:
    """Return axes, extents in space, channels and their names.

    Those of an output of 0.4 may be said by the `channels` of the input.
    """
    if isinstance(tensor.axes, str):
        return _read_old(tensor, tensor.axes, channels, name)
    axes = tensor.axes
    letters = "".join(axis.letter for axis in axes)
    channel = next((axis for axis in axes if axis.type == "channel"), None)
    names = channel.channel_names if channel is not None else None
    listed = tuple(names) if isinstance(names, list) else ()
    if channel is None or not 1 <= len(listed) <= _MOST_CHANNELS:
        _refuse(name, "does not say how many channels there are")
    return letters, [a.size for a in axes if a.type == "space"], len(listed), listed


def _read_old(
    tensor: Tensor, axes: str, channels: int, name: str
) -> tuple[str, list[object], int, tuple[str, ...]]:
    shape, place = tensor.shape, axes.find("c")
    space = [n for n, axis in enumerate(axes) if axis in "zyx"]
    found: list[object]
    if isinstance(shape, SteppedShape):
        full: Sequence[float] = shape.min
        pairs = list(zip(shape.min, shape.step, strict=False))
        found = [Stepped(min=pairs[n][0], step=pairs[n][1]) for n in space]
    elif isinstance(shape, LikeInput):
        full = [2 * offset for offset in shape.offset]
        scales = {shape.scale[n] for n in space if n < len(shape.scale)}
        if scales != {1.0}:
            _refuse(name, "gives maps with another size of pixels than the image")
        found = [
            Referring(axis_id=axes[n], offset=round(2 * shape.offset[n])) for n in space
        ]
    else:
        full = shape or []
        found = [full[n] for n in space if n < len(full)]
    count = int(full[place]) if 0 <= place < len(full) else 0
    if isinstance(shape, LikeInput) and 0 <= place < len(shape.scale):
        scale = shape.scale[place] or 0.0
        count = round(scale * channels + 2 * shape.offset[place])
    if len(full) != len(axes) or not 1 <= count <= _MOST_CHANNELS:
        _refuse(name, "does not say how many channels there are")
    return axes, found, count, ()


def _stepped(size: object, name: str) -> Stepped:
    if not isinstance(size, Stepped) or not size.step:
        found = size.min if isinstance(size, Stepped) else size
        _refuse(
            name,
            f"takes images of one size alone ({found} pixels), and images are cut into "
            "windows of several sizes here",
        )
    return size


def _margin(maps: object, image: object, name: str) -> int:
    """Return how many pixels are missing on every side of the maps."""
    offset = 1
    if isinstance(maps, Referring):
        offset = -maps.offset
    elif isinstance(maps, Stepped) and isinstance(image, Stepped):
        offset = image.min - maps.min if image.step == maps.step else 1
    if offset < 0 or offset % 2:
        _refuse(name, "does not say how large its maps are for an image of any size")
    return offset // 2


def _halo(maps: Tensor, axes: str) -> int:
    if isinstance(maps.axes, str):
        halo = maps.halo or []
        return max(
            [0, *(h for h, axis in zip(halo, axes, strict=False) if axis in "zyx")]
        )
    return max(axis.halo for axis in maps.axes)


def _refuse(name: str, what: str) -> NoReturn:
    raise ModelError(f"The network in {name} {what}; ask who made it for another one.")

"""Annotated images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from napari_unet.annotation.labels import (
    LabelKind,
    Labels,
    are_masks,
    as_labels,
    as_mask,
    only_value,
    tell,
)
from napari_unet.errors import InputError, naming
from napari_unet.geometry.axes import resolve_axes, result_axes
from napari_unet.geometry.maps import Mask
from napari_unet.images.channels import (
    ChannelChoice,
    channel_count,
    parse_channels,
    take_channels,
)
from napari_unet.images.dimensions import refuse_unknown_dimensions
from napari_unet.images.source import as_array, as_image


@dataclass(frozen=True, slots=True)
class Sample:
    """An image with what is true of its pixels and, optionally, which can be trusted.

    Parameters
    ----------
    image : ndarray
        Any real dtype, with the axes named in `axes`. Arrays of other libraries, and
        lists, are taken as `napari_unet.images.source.as_image` does.
    labels : ndarray
        Axes of the image without C: object ids, 0 is background; or class numbers from
        0, 255 is unknown. For regression values in their own units, NaN is unknown,
        with the variables as first axis where there are several.
    verified : ndarray of bool, optional
        Where the labels are right. None means everywhere.
    axes : str, optional
        Axes of the image, such as "YX", "CYX", "ZYX" or "YXC"; None to guess them.
    pixel_size : mapping of str to float, optional
        Micrometres per pixel along "Z", "Y" and "X", as far as they are known: networks
        that see volumes look at how far apart planes are. What the image states, where
        it is missing.
    """

    image: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    verified: Mask | None = None
    axes: str | None = None
    pixel_size: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.axes is None:
            refuse_unknown_dimensions(self.image)
        image, verified = as_image(self.image), self.verified
        for name, value in (
            ("image", image.array),
            ("labels", as_array(self.labels, "label map")),
            ("verified", None if verified is None else as_array(verified, "mask")),
            ("axes", self.axes or image.axes),
            ("pixel_size", self.pixel_size or image.pixel_size),
        ):
            object.__setattr__(self, name, value)


def as_samples(samples: object) -> list[Sample]:
    """Return one sample or several as a list; InputError if one is something else."""
    if isinstance(samples, Sample):
        return [samples]
    found: list[Sample] = []
    for each in samples if isinstance(samples, Iterable) else [samples]:
        if not isinstance(each, Sample):
            raise InputError(
                f"Expected a list of samples, found {type(each).__name__} in it; make "
                "them with nu.Sample(image, labels)."
            )
        found.append(each)
    return found


def with_channels(
    samples: Sequence[Sample], channel: ChannelChoice | None
) -> list[Sample]:
    """Return samples whose images have some of their channels alone; None for all.

    Channels are counted from 1. An InputError says that there is no such channel.
    """
    if channel is None:
        return list(samples)
    found: list[Sample] = []
    for number, sample in enumerate(samples, start=1):
        with naming(f"sample {number}"):
            image = sample.image
            axes = resolve_axes(image.shape, image.dtype, person=sample.axes).letters
            chosen = parse_channels(channel, channel_count(image.shape, axes))
        pixels, left = take_channels(image, axes, chosen)
        found.append(replace(sample, image=pixels, axes=left))
    return found


def with_plain_labels(
    samples: Sequence[Sample], kind: LabelKind
) -> tuple[list[Sample], list[str]]:
    """Return samples whose labels are as training takes them, and what was changed.

    Labels are judged together, by the rule of `annotation.labels.as_labels`. Raises an
    InputError if labels or masks of a sample hold no whole numbers.
    """
    mask = are_masks(_only_values(samples, kind), kind)
    found: list[Sample] = []
    told: list[tuple[str, Labels]] = []
    for number, sample in enumerate(samples, start=1):
        name = f"sample {number}"
        with naming(name):
            axes = result_axes((sample.axes or "").upper()) or None
            labels = as_labels(sample.labels, kind, axes=axes, mask=mask)
            told.append((name, labels))
            verified = sample.verified
            if verified is not None:
                trusted = as_mask(verified)
                told.append((name, trusted))
                verified = trusted.array
        found.append(replace(sample, labels=labels.array, verified=verified))
    return found, tell(told)


def _only_values(samples: Sequence[Sample], kind: LabelKind) -> Iterator[int]:
    for number, sample in enumerate(samples, start=1):
        with naming(f"sample {number}"):
            yield only_value(sample.labels, kind)

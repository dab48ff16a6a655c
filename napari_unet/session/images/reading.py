"""How the axes and channels of an image are read, and what a project remembers of it.

Labels and axes belong together: work that was done with other axes than those that are
known now is opened with its own, and the person is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy.typing as npt

from napari_unet.errors import ChannelMismatchError, InputError
from napari_unet.geometry.axes import (
    ImageHeader,
    KnownAxes,
    Origin,
    axes_in_words,
    parse_axes,
    resolve_axes,
)
from napari_unet.images.channels import (
    Channels,
    channel_count,
    channel_titles,
    names_or_colours,
)
from napari_unet.project.identity import ImageIdentity, labels_shape
from napari_unet.project.manifest import ImageReading, Manifest
from napari_unet.tasks import goes_with

ReadBy: TypeAlias = Origin | Literal["project"]
"""Who says which axis is which; "project" is work that was done with these axes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an image is read, besides the letters of its axes.

    `origin` is who says which axis is which. A model gets some channels, from 0, or
    all; the file may state their names. `pixel_size` is how many micrometres wide a
    pixel is, where a person said so.
    """

    origin: ReadBy = "guess"
    channels: Channels | None = None
    names: tuple[str, ...] = ()
    pixel_size: float | None = None

    def names_of(self, shape: tuple[int, ...], axes: str) -> tuple[str, ...]:
        """Return how the channels of an image are called, for a person."""
        return names_or_colours(self.names, axes, channel_count(shape, axes))

    def to_remember(self, axes: str) -> ImageReading | None:
        """Return what the person has said, to be kept in the project."""
        said = axes if self.origin == "person" else None
        if said is None and self.channels is None and self.pixel_size is None:
            return None
        return ImageReading(
            axes=said, channels=self.channels, pixel_size=self.pixel_size
        )


GUESSED = Reading()


@dataclass(frozen=True, slots=True)
class Manners:
    """How a person reads images of a kind: what was said of one holds for the next.

    The axes that a person said, the channels that models see, and how large objects
    are; `known` are the axes for which all that holds.
    """

    known: str
    said: bool = False
    channels: Channels | None = None
    diameter: float | None = None

    @classmethod
    def of(cls, axes: str, reading: Reading, diameter: float | None) -> Manners:
        """Return what a person has said of an image."""
        return cls(axes, reading.origin == "person", reading.channels, diameter)

    def applied(
        self, identity: ImageIdentity, reading: Reading
    ) -> tuple[ImageIdentity, Reading]:
        """Return an image of which nobody has said anything as such a one."""
        if reading.origin in ("person", "project") or reading.channels is not None:
            return identity, reading
        if self.said and len(self.known) == len(identity.shape):
            identity = replace(identity, axes=self.known)
            reading = replace(reading, origin="person")
        return identity, self.with_channels(identity, reading)

    def with_channels(self, identity: ImageIdentity, reading: Reading) -> Reading:
        """Return the reading with these channels, where none were said of it."""
        if reading.channels is not None or self.channels is None:
            return reading
        count = channel_count(identity.shape, identity.axes)
        fitting = identity.axes == self.known and max(self.channels) < count
        return replace(reading, channels=self.channels) if fitting else reading


def first_axes(
    array: npt.NDArray[Any],
    layer: str | None,
    *,
    colour: bool = False,
    header: ImageHeader | None = None,
) -> KnownAxes:
    """Return the axes of an image that is opened, before its project is asked.

    An InputError says that it is no image, or that what came with it does not fit.
    """
    if array.dtype.kind not in "buif":
        raise InputError(
            f"Expected an image of real numbers, found the data type {array.dtype}; "
            "convert it first, for example to its magnitude."
        )
    shape = tuple(array.shape)
    if 0 in shape:
        raise InputError(f"The image has no pixels (shape {shape}).")
    if layer is not None:
        parse_axes(layer, len(shape))
    return resolve_axes(shape, array.dtype, layer=layer, file=header, colour=colour)


def recall(
    identity: ImageIdentity, reading: Reading, manifest: Manifest
) -> tuple[ImageIdentity, Reading]:
    """Return an image as a person has said before that it is to be read."""
    said = manifest.settings.readings.get(identity.content_hash)
    if said is None:
        return identity, reading
    if said.axes is not None and len(said.axes) == len(identity.shape):
        identity = replace(identity, axes=said.axes)
        reading = replace(reading, origin="person")
    count = channel_count(identity.shape, identity.axes)
    channels = said.channels
    if channels is not None and max(channels) < count:
        reading = replace(reading, channels=channels)
    return identity, replace(reading, pixel_size=said.pixel_size)


def as_worked_on(identity: ImageIdentity, manifest: Manifest) -> ImageIdentity | None:
    """Return an image with the axes of its newest work; None if there is no work."""
    entries = [
        entry
        for entry in manifest.images
        if entry.content_hash == identity.content_hash
        and entry.shape == identity.shape
        and goes_with(entry.identity.schema, identity.schema)
    ]
    if not entries:
        return None
    newest = max(entries, key=lambda entry: entry.newest.saved_at)
    return replace(identity, axes=newest.axes)


def other_axes_told(known: ImageIdentity, earlier: ImageIdentity) -> str:
    """Say that earlier work reads an image otherwise than is known now."""
    old, new = (
        f"{axes} ({axes_in_words(axes)})" for axes in (earlier.axes, known.axes)
    )
    return (
        f"Your work on {known.name} is here again. It reads the image as {old}; now it "
        f"would be {new}. Choose that under Axes to begin anew; the work stays saved."
    )


def keeps_labels(shape: Sequence[int], old: str, new: str) -> bool:
    """Whether labels of an image lie right with other axes, too."""
    same_shape = labels_shape(tuple(shape), old) == labels_shape(tuple(shape), new)
    return same_shape and old.find("C") == new.find("C")


def mismatch_in_words(error: ChannelMismatchError, names: Sequence[str]) -> str:
    """Return what to do with channels that do not fit, by the names of controls."""
    titles = channel_titles(error.channels, names)
    some = "one of its channels" if error.wanted == 1 else f"{error.wanted} of them"
    pick = f"choose {some} under Channel"
    if any(names):
        pick += f" ({', '.join(titles)})"
    return error.with_ways(
        pick, "press Use a grey copy", "by choosing another reading under Axes"
    )

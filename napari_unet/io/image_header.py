"""What an image file states of itself, before any of its pixels is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_unet.images.known_axes import StatedAxes


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file states; what it does not is missing.

    Parameters
    ----------
    axes : StatedAxes or None
        Its axes with their extents.
    channels : tuple of str
        Names of the channels; empty, or as many as there are.
    pixel_size : dict of str to float
        Micrometres per pixel along "Z", "Y" and "X".
    """

    axes: StatedAxes | None = None
    channels: tuple[str, ...] = ()
    pixel_size: dict[str, float] = field(default_factory=dict)

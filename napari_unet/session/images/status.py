"""What is to be said of the chosen image: a small frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.annotation.stage import Stage
from napari_unet.session.images.reading import GUESSED, Reading


@dataclass(frozen=True, slots=True)
class ImageState:
    """What there is to know about the chosen image.

    Parameters
    ----------
    has_labels, worked_on : bool
        Whether there are labels to look at and to correct; whether there is anything in
        the labels, shown or not.
    snapshots : tuple of (int, str)
        Copies of earlier work: their numbers, and what they are, in words.
    has_prediction : bool
        Whether there is something to accept besides what a person painted.
    open : bool
        Whether earlier work on it was looked for and, if there was any, restored.
    verified_classes : int
        Of how many classes there are verified pixels, in all open images together.
    verified_share : float
        Verified share of all pixels, from 0 to 1.
    large : bool
        Whether it is larger than memory, and only parts of it are at hand.
    read_only : str
        Why it cannot be corrected, or nothing.
    planes : tuple of Stage
        How far each plane of a stack or a time-lapse is, of labels that are objects or
        classes; none of an image of one plane.
    stated_pixel_size : float or None
        Micrometres, as a file or a layer states; what a person said is in `reading`.
    """

    name: str
    axes: str
    shape: tuple[int, ...]
    has_labels: bool = False
    worked_on: bool = False
    snapshots: tuple[tuple[int, str], ...] = ()
    has_prediction: bool = True
    open: bool = False
    task: str = "instances"
    verified_classes: int = 0
    objects: int = 0
    verified_objects: int = 0
    verified_share: float = 0.0
    read_only: str = ""
    reading: Reading = GUESSED
    stated_pixel_size: float | None = None
    large: bool = False
    planes: tuple[Stage, ...] = ()

    @property
    def has_frames(self) -> bool:
        """Whether it is a time-lapse."""
        sizes = dict(zip(self.axes, self.shape, strict=False))
        return sizes.get("T", 1) > 1

    @property
    def has_planes(self) -> bool:
        """Whether it has several planes or frames."""
        sizes = zip(self.axes, self.shape, strict=False)
        return any(n > 1 for axis, n in sizes if axis in "TZ")

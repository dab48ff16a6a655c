"""A format: what it is called, what it needs, and what writes it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from napari_unet.errors import how_to_install
from napari_unet.exports.result import Result
from napari_unet.tasks import task_of
from napari_unet.tasks.registry import HasTask

Steps: TypeAlias = Generator[None, None, None]


@dataclass(frozen=True, slots=True)
class Format:
    """One way in which results leave the program.

    Parameters
    ----------
    name : str
        On the command line, and in settings.
    title, tip : str
        For people: what it is, and which program takes it.
    ending : str
        How names of its files end, after that of the image, such as " labels.tif".
    write : callable
        Takes a result and a path, and writes the file whole or not at all, in the
        place of one that is there. It is a generator, so that it can be cancelled.
    takes_values : bool
        Whether it can hold values, and not only whole numbers.
    of_objects : bool
        Whether it is of objects alone.
    of_planes : bool
        Whether it has no room for stacks and time-lapses.
    in_time : bool
        Whether it is of time-lapses alone.
    measured : bool
        Whether it wants what is measured of objects.
    package : str
        A package that it needs and that may be missing.
    common : bool
        Whether most people want it.
    large : bool
        Whether it has room for labels larger than memory.
    """

    name: str
    title: str
    tip: str
    ending: str
    write: Callable[[Result, Path], Steps]
    takes_values: bool = False
    of_objects: bool = False
    of_planes: bool = False
    in_time: bool = False
    measured: bool = False
    package: str = ""
    common: bool = False
    large: bool = False

    @property
    def suffix(self) -> str:
        """How names of its files must end."""
        return "." + self.ending.partition(".")[2]

    def why_not(self, described: HasTask, axes: str) -> str:
        """Return why results of a task, of images with these axes, cannot be written.

        Nothing is returned if they can.
        """
        task = task_of(described)
        if self.of_objects and not task.labels.objects:
            return f"{self.title}: it is of objects, and here are {task.words.outcome}."
        if task.labels.values and not self.takes_values:
            return f"{self.title}: it holds no numbers with fractions; export a TIFF."
        if self.of_planes and set(axes) & {"T", "Z"}:
            return f"{self.title}: it is of planes; this is a stack or a time-lapse."
        if self.in_time and "T" not in axes:
            return (
                f"{self.title}: it is of time-lapses, and no axis here is T; name the "
                "axes, such as TYX, if planes are frames."
            )
        return self.why_missing

    @property
    def why_missing(self) -> str:
        """Return why it can be written of no result here, or nothing."""
        if not self.package or is_installed(self.package):
            return ""
        return f"{self.title}: it needs one more package; {how_to_install(self.name)}"


@cache
def is_installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    return find_spec(package) is not None

"""Errors that are meant for people.

::

    NapariUnetError            anything this package refuses, with one clear sentence
    ├── InputError             an image, label map, path or option does not fit
    │   ├── ChannelMismatchError   an image has other channels than a model takes
    │   └── UnreadableRegion       a piece of an image is damaged, others may not be
    ├── ModelError             a model folder is missing, broken or does not fit
    ├── DeviceError            the requested device does not exist or is out of memory
    ├── TrainingError          a training cannot go on
    └── StorageError           something could not be saved or read back

The message says what was expected, what was found and what to do. Front ends show
it as it is: the command line prints it and exits with code 2, the dock writes it
beside the control.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self


class NapariUnetError(Exception):
    """Base of every error that the package raises on purpose."""


class InputError(NapariUnetError, ValueError):
    """An image, a label map, a path or an option does not fit."""


class ChannelMismatchError(InputError):
    """An image with these axes has not as many channels as a model takes.

    Every front end has its own controls to choose channels, so each says the way out.
    What was found is told without a full stop; a model that fits is named in words.
    """

    def __init__(
        self, found: str, wanted: int, channels: int, axes: str, fitting: str
    ) -> None:
        self.found = found
        self.wanted = wanted
        self.channels = channels
        self.axes = axes
        self.fitting = fitting
        pick = f"take one channel of it, such as {self._index()}"
        super().__init__(
            self.with_ways(pick, "convert it to grey", 'such as axes="CYX"')
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, int, int, str, str]]:
        """Let it travel between processes with all it knows."""
        known = (self.found, self.wanted, self.channels, self.axes, self.fitting)
        return type(self), known

    def with_ways(self, pick: str, grey: str, name_axes: str) -> str:
        """Return the sentence with ways out that a front end has.

        How to choose channels, to make a colour image grey, and to name their axis.
        """
        ways = [self.fitting]
        if self.channels > self.wanted:
            ways.insert(0, pick)
        if self.wanted == 1 and self.channels in (3, 4):
            ways.insert(1, grey)
        if "C" not in self.axes and len(self.axes) > 2:
            ways.append(f"name the channel axis, {name_axes}")
        return f"{self.found}; {', or '.join(ways)}."

    def _index(self) -> str:
        """Return how numpy takes a channel, or as many as are wanted."""
        before = ":, " * self.axes.find("C") if "C" in self.axes else ""
        some = "0" if self.wanted == 1 else f":{self.wanted}"
        return f"image[{before}{some}]"


class UnreadableRegion(InputError):
    """A piece of an image is damaged, or cut off; others may be readable.

    Attributes
    ----------
    path, piece, reason : str
        The file, which piece of it, such as "the tile 3 of page 1", and what was found.
    """

    def __init__(self, path: str, piece: str, reason: str) -> None:
        self.path = path
        self.piece = piece
        self.reason = reason
        super().__init__(
            f"The image {path!r} is incomplete or damaged: {piece} could not be read "
            f"({reason}); copy or export it again."
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        """Let it travel between processes with all it knows."""
        return type(self), (self.path, self.piece, self.reason)


class ModelError(NapariUnetError):
    """A model folder is missing, broken, or does not fit the image or the program."""


class DeviceError(NapariUnetError):
    """The requested device does not exist, cannot be used, or is out of memory."""


class TrainingError(NapariUnetError):
    """A training cannot go on; what it has published stays good."""


class StorageError(NapariUnetError, OSError):
    """Work could not be saved, or saved work could not be read back."""


def reason_of(error: BaseException) -> str:
    """Return what a library says of an error, in a line."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def how_to_install(extra: str) -> str:
    """Return what to type where the packages of an extra are missing.

    The program is on no package index yet, where anybody could take its name: it is
    installed from its folder.
    """
    return (
        "in the folder of napari-unet, type: "
        f'pip install ".[{extra}]" -c constraints.txt'
    )


@contextmanager
def naming(what: object) -> Iterator[None]:
    """Name a file or a sample in what is refused of its content."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{what}: {error}") from error

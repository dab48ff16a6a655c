"""Work that could not be saved where it belongs is kept in the user's data folder.

::

    kept/cells-3fa2b1c4d5e6.unet/     a project like any other, and in it
        home.json                     where it belongs, and what was written there

It goes back by itself as soon as somebody may write there again.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from napari_unet.core.atomic import write_atomically
from napari_unet.project.identity import Key, Record
from napari_unet.project.layout import HOME

_LARGEST = 2**24


class Away(Record):
    """What is known of the project in which the work could not be saved.

    Parameters
    ----------
    home : str
        Its folder, for people.
    images : dict of str to int
        The last change that was written down there, by the keys of images here.
    """

    home: str = Field(max_length=4096)
    images: dict[Key, int] = Field(default_factory=dict)


def read_away(folder: Path) -> Away | None:
    """Return what is written of a home, None if nothing can be read."""
    try:
        with (folder / HOME).open("rb") as file:
            return Away.model_validate_json(file.read(_LARGEST))
    except (OSError, ValidationError):
        return None


def note_away(folder: Path, home: Path, key: str, sequence: int) -> None:
    """Write down that work on an image is kept in a folder."""
    known = read_away(folder)
    images = {**(known.images if known else {}), key: sequence}
    text = Away(home=repr(str(home))[1:-1][:4096], images=images)
    content = (text.model_dump_json(indent=1) + "\n").encode()
    write_atomically(folder / HOME, lambda file: file.write(content))

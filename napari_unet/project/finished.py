"""`finished.jsonl`: the views that a person finished, a line for each, never changed.

What a line says is nothing that labels depend on. So it is written at once, which
survives a killed program, and not pushed to the disk; lines that are damaged, cut short
or of a newer version are passed over; and what cannot be written is left out. A view
whose acceptance was taken back gets a second line, which says so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import AwareDatetime, Field

from napari_unet.errors import StorageError
from napari_unet.project.identity import Key, Record
from napari_unet.project.journal_line import decode_line, encode_line
from napari_unet.project.layout import FINISHED

_LARGEST_FILE = 2**24

logger = logging.getLogger(__name__)


class Finished(Record):
    """A view of an image that was accepted, and what it took.

    Parameters
    ----------
    image : str
        Key of the image in the project.
    time : datetime
        When it was accepted, which tells it from all others of the image.
    task : str
        What the labels are.
    seconds : float
        What a person spent on it.
    corrections : int
        Objects that were corrected; strokes, where there are none.
    objects : int or None
        Objects that were accepted or corrected; None where there are none to count.
    model : str
        The uuid of the model that had predicted it, or nothing.
    withdrawn : bool
        Whether that was taken back.
    """

    image: Key
    time: AwareDatetime
    task: str = Field(max_length=100)
    seconds: float = Field(ge=0, le=1e9, allow_inf_nan=False)
    corrections: int = Field(ge=0, le=2**40)
    objects: int | None = Field(None, ge=0, le=2**40)
    model: str = Field("", max_length=100)
    withdrawn: bool = False


def append_finished(project: Path, views: Iterable[Finished]) -> None:
    """Write views down in a project that somebody works in; never raises."""
    text = b"".join(encode_line(each.model_dump(mode="json")) for each in views)
    path = project / FINISHED
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            if size and _last_byte(descriptor, size) != b"\n":
                text = b"\n" + text  # what was cut short is a line of its own
            os.write(descriptor, text)
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.warning("Not written down: %s", error)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


def read_finished(project: Path) -> tuple[Finished, ...]:
    """Return the views of all images of a project that were not taken back, in order.

    What is not there or cannot be read says nothing; nothing is raised.
    """
    path = project / FINISHED
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE)
    except OSError:
        return ()
    found: dict[tuple[str, object], Finished] = {}
    for line in text.splitlines(keepends=True):
        try:
            view = decode_line(line, Finished)
        except StorageError:
            continue
        found[view.image, view.time] = view
    left = (view for view in found.values() if not view.withdrawn)
    return tuple(sorted(left, key=lambda view: view.time))

"""Which work in a project is the work on an image.

Pixels alone do not tell: a project may hold copies of a file, or wells that are equally
blank, and each has work of its own. Where the file lies, and what it is called, tells
them apart; and an image whose file is not where it was may have been moved or renamed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count, takewhile
from pathlib import Path, PurePath
from typing import TypeAlias

from napari_unet.project.identity import ImageFields, ImageIdentity

SameContent: TypeAlias = Callable[[Path, ImageFields], bool]
"""Reads a file and says whether it is still the image that is remembered."""


class Place(Enum):
    """Where the file is now on whose pixels somebody worked."""

    HERE = "it is the very file that is looked for"
    ELSEWHERE = "it is another one, which is there"
    GONE = "it is not there, or holds something else by now"
    NO_FILE = "the image was no file"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Work on the same pixels as an image, what that was called and where it lay."""

    key: str
    name: str
    place: Place
    path: Path | None = None


def resolve_entry(image: ImageIdentity, known: Sequence[Candidate]) -> Candidate | None:
    """Return the work that belongs to an image, None if that has none.

    A file has the work that was done on it, or else work whose file is gone: then it
    was moved or renamed, and of several the one with the most similar path is meant.
    Work on a copy that is still there is never taken. What is no file has the work on
    what was called the same. Of `known` work the one that was saved last comes last.
    """
    namesakes = [each for each in known if same_name(each.name, image.name)]
    if image.path is None:
        groups = [
            [each for each in namesakes if each.place is place]
            for place in (Place.NO_FILE, Place.GONE, Place.ELSEWHERE)
        ]
    else:
        groups = [
            [each for each in known if each.place is Place.HERE],
            [each for each in known if each.place is Place.GONE],
            [each for each in namesakes if each.place is Place.NO_FILE],
        ]
    likely = next(filter(None, groups), [])
    return max(
        enumerate(likely),
        key=lambda each: (*_likeness(image, each[1]), each[0]),
        default=(0, None),
    )[1]


def _likeness(image: ImageIdentity, work: Candidate) -> tuple[bool, int]:
    """Return how similar names and paths are, from their ends."""
    one, other = (reversed(p.parts if p else ()) for p in (image.path, work.path))
    pairs = zip(map(_plain, one), map(_plain, other), strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return same_name(work.name, image.name), common


def same_name(one: str, other: str) -> bool:
    """Whether two names mean the same; one of them may lack its suffix."""
    a, b = PurePath(_plain(one)), PurePath(_plain(other))
    return a == b or a.stem == b.name or a.name == b.stem


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def free_key(image: ImageIdentity, taken: Collection[str]) -> str:
    """Return a key for an image of which there is no work yet."""
    if image.key not in taken:
        return image.key
    return next(k for n in count(2) if (k := f"{image.key}-{n}") not in taken)


def place_of(
    work: ImageFields,
    image: ImageIdentity,
    folder: Path,
    since: float,
    same_content: SameContent | None,
) -> tuple[Place, Path | None]:
    """Look where the file of some work is now; only reads.

    A file that changed `since` the work was written down, in seconds since 1970, may be
    another image by now, and is read with `same_content`.
    """
    path = work.path_from(folder.resolve())
    if path is None:
        # A file on another drive has no path from here to there.
        return (Place.NO_FILE if work.file_bytes is None else Place.GONE), None
    if image.path is not None and same_file(path, image.path):
        return Place.HERE, path
    try:
        status = path.stat()
    except OSError:
        return Place.GONE, path
    if work.file_bytes not in (None, status.st_size):
        return Place.GONE, path
    changed = max(status.st_mtime, status.st_ctime) >= since
    there = not (changed and same_content) or same_content(path, work)
    return (Place.ELSEWHERE if there else Place.GONE), path


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, over links too."""
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()

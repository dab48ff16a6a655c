"""What a person must know of work that was read back.

Work that two windows wrote under one name, as the first release let them do, can be
opened and gone on with; what only older saves and parts of the journal hold is kept
until somebody lets `recover` put all of it together.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.project.manifest import Generation, ImageEntry

if TYPE_CHECKING:
    from napari_unet.project.store import StoredAnnotation


def is_mixed(stored: StoredAnnotation, entry: ImageEntry | None) -> bool:
    """Whether changes, or those that saves hold, do not count up."""
    saves = entry.generations if entry else ()
    falls = any(new.sequence < old.sequence for new, old in pairwise(saves))
    return falls or not stored.journal.ordered


def warned(stored: StoredAnnotation, folder: Path) -> StoredAnnotation:
    """Return such work with a notice that says what to do."""
    words = (
        "Two windows have written under one name, and some of the work may be in older "
        "saves only, which are kept: close the image and run napari-unet project "
        f'recover "{folder}" to bring all of it back.'
    )
    return replace(stored, notice=" ".join(filter(None, [stored.notice, words])))


def older_loaded(entry: ImageEntry, loaded: Generation, problem: str) -> str:
    """Return that the newest save cannot be read, and which one was loaded."""
    newest, older = (
        f"{each.saved_at.astimezone():%Y-%m-%d %H:%M:%S}"
        for each in (entry.newest, loaded)
    )
    return (
        f"The newest save of {entry.name} ({newest}) cannot be read: {problem} "
        f"The one of {older} was loaded instead."
    )

"""Whether saves and a journal tell of one annotation, or of two at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.provenance import is_verified
from napari_unet.errors import StorageError
from napari_unet.project.fields import ImageFields
from napari_unet.project.rescue.checks import Check, judged
from napari_unet.project.rescue.rebuild import rebuild
from napari_unet.project.rescue.saves import Save, save_of_nothing, stored
from napari_unet.project.rescue.scan import JournalScan
from napari_unet.project.segments import JournalRead

_TWO = "Two windows wrote under one name."


def are_mixed(image: ImageFields, saves: Iterable[Save], journal: JournalScan) -> bool:
    """Whether two annotations were written under one name.

    Parameters
    ----------
    saves : iterable of Save
        The oldest first; two are in memory at a time.
    """
    if not journal.ordered:
        return True
    older: Save | None = None
    for newer in saves:
        if any(c.state == "problem" for c in compare(image, older, newer, journal)):
            return True
        older = newer
    return False


def compare(
    image: ImageFields, older: Save | None, newer: Save, journal: JournalScan
) -> Iterator[Check]:
    """Compare a save with the one before it and the changes since.

    Parameters
    ----------
    older : Save or None
        Its arrays are not needed any more. Without one, the journal is followed from
        its beginning, if it tells everything.
    """
    stop = newer.generation.sequence
    if older is not None:
        start, begin = older.generation.sequence, f"save {older.generation.number}"
    elif _tells_all(journal, stop):
        older, start, begin = save_of_nothing(image, newer), 0, "the beginning"
    else:
        return
    what = f"{image.name}, changes from {begin} to save {newer.generation.number}"
    if start == stop:
        # By a version without journals, for which all is the first; or nothing changed.
        if start > 1 and _lacks(newer, older):
            yield judged(what, f"None, and yet they differ. {_TWO}")
    elif stop < start:
        yield judged(what, f"The later one holds fewer changes. {_TWO}")
    elif not journal.missing(start, stop):
        yield judged(what, _replay(image, older, newer, journal))
    elif journal.nameless and _lacks(newer, older):
        words = "Verified pixels are gone, and what is damaged does not tell why."
        yield judged(what, words)
    else:
        words = "Not compared: the journal does not hold all of them."
        yield Check(what, words, "note")


def _tells_all(journal: JournalScan, sequence: int) -> bool:
    begins = journal.logged[:1] and journal.logged[0].sequence == 1
    return bool(begins and sequence and not journal.missing(0, sequence))


def _replay(image: ImageFields, older: Save, newer: Save, journal: JournalScan) -> str:
    """Return what is wrong with the changes between two saves, or nothing."""
    start, stop = older.generation.sequence, newer.generation.sequence
    between = [each for each in journal.logged if start < each.sequence <= stop]
    try:
        # The arrays of the older save are not needed any more.
        work = stored(image.name, older, JournalRead(tuple(between)), 1)
        result = rebuild(image.identity.schema, work)[0].snapshot()
    except StorageError as error:
        return str(error)
    same = _equal(result.labels, newer.labels) and _equal(
        result.provenance, newer.provenance
    )
    return "" if same else "They do not lead from the one to the other."


def _lacks(newer: Save, older: Save) -> bool:
    """Whether pixels are verified in an older save and not in a newer one."""
    gone = is_verified(older.provenance) & ~is_verified(newer.provenance)
    return bool(gone.any())


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    floats = bool(np.issubdtype(one.dtype, np.floating))
    return np.array_equal(one, other, equal_nan=floats)

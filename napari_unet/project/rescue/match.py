"""Up to which change of the journal a save is, where no manifest says so.

The pixels themselves tell: after a change they are what the last change that touched
them made of them.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.change import Change, PixelChange
from napari_unet.annotation.provenance import Provenance, ProvenanceMap
from napari_unet.geometry.maps import LabelMap, Mask, ValueMap
from napari_unet.geometry.runs import values_of_runs
from napari_unet.project.fields import ImageFields
from napari_unet.project.rescue.scan import JournalScan
from napari_unet.tasks import task_of


def find_sequence(
    image: ImageFields,
    labels: LabelMap | ValueMap,
    provenance: ProvenanceMap,
    journal: JournalScan,
) -> int:
    """Return the last change of a journal that labels and provenance hold.

    Notes
    -----
    With a whole journal it is the last change after which every pixel is as changed
    so far. With gaps no change need fit exactly; the one that explains most does.
    """
    if not journal.logged:
        return 1  # 0 is only for what is empty
    first = journal.logged[0].sequence
    whole = not journal.missing(first - 1)
    touched = np.zeros(provenance.shape, bool)
    wrong = np.zeros(provenance.shape, bool)
    best, found = 0, first - 1
    for logged in journal.logged:
        change = logged.change
        for part, values in zip_longest(change.parts, change.values):
            points = part.region.points
            touched[points] = True
            wrong[points] = _differs(image, labels, provenance, change, part, values)
        bad = int(np.count_nonzero(wrong))
        score = -bad if whole else int(np.count_nonzero(touched)) - 2 * bad
        if score >= best:
            best, found = score, logged.sequence
    return found


def _differs(
    image: ImageFields,
    labels: NDArray[Any],
    provenance: ProvenanceMap,
    change: Change,
    part: PixelChange,
    values: ValueMap | None,
) -> Mask:
    """Return which pixels of a change are not what it made of them."""
    points, now = part.region.points, part.provenance_after
    after = values_of_runs(part.after)
    differs = np.asarray(provenance[points] != now)
    if not task_of(image).labels.values:
        return np.asarray(differs | (labels[points] != after))
    for label, mark in change.marks.items():
        here = (after == label) & (now == Provenance.CORRECTED)
        differs |= here & (labels[mark.variable][points] != np.float32(mark.value))
    if values is not None:
        here = now == Provenance.ACCEPTED
        said = np.stack([variable[points] for variable in labels])
        differs |= here & (said != values).any(axis=0)
    return differs

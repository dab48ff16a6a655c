"""What was verified twice at a time becomes one annotation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.annotation.provenance import is_verified
from napari_unet.annotation.snapshot import AnnotationSnapshot
from napari_unet.geometry.ids import latest_free_id
from napari_unet.geometry.maps import Mask


@dataclass(frozen=True, slots=True, eq=False)
class United:
    """An annotation with what others had verified.

    Parameters
    ----------
    work : AnnotationSnapshot
        Of both.
    added : int
        Pixels that were verified in the other one only.
    contrary : int
        Pixels that both had verified, each as something else; the first one counts.
    """

    work: AnnotationSnapshot
    added: int
    contrary: int


def unite(
    base: AnnotationSnapshot, other: AnnotationSnapshot, *, objects: bool
) -> United:
    """Add what is verified in another annotation where nobody verified in the first.

    Notes
    -----
    Two objects with the same id are the same where they overlap. If they do not, the
    added one gets an id that nobody has.
    """
    ours, theirs = is_verified(base.provenance), is_verified(other.provenance)
    added = theirs & ~ours
    contrary = theirs & ours & _differ(base, other)
    next_id = latest_free_id(base.next_id, other.next_id)
    labels, provenance = base.labels.copy(), base.provenance.copy()
    if objects:
        for old, new in _new_ids(base.labels, other.labels, added, next_id):
            labels[added & (other.labels == old)] = new
            next_id = latest_free_id(next_id, new + 1)
    else:
        labels[..., added] = other.labels[..., added]
    provenance[added] = other.provenance[added]
    work = AnnotationSnapshot(labels, provenance, next_id, base.revision)
    return United(work, int(added.sum()), int(contrary.sum()))


def _differ(base: AnnotationSnapshot, other: AnnotationSnapshot) -> Mask:
    differs = base.labels != other.labels
    if base.labels.ndim > base.provenance.ndim:
        nothing = np.isnan(base.labels) & np.isnan(other.labels)
        return np.asarray((differs & ~nothing).any(axis=0))
    return np.asarray(differs)


def _new_ids(
    base: NDArray[Any], other: NDArray[Any], added: Mask, next_id: int
) -> Iterator[tuple[int, int]]:
    """Yield the ids of what is added, and what they are to be called."""
    ids = np.unique(other[added])
    taken = set(np.unique(base).tolist()) & set(ids.tolist()) - {0}
    same = set(np.unique(base[base == other]).tolist())
    used = {*np.unique(base).tolist(), *np.unique(other).tolist()}
    for each in ids.tolist():
        if each not in taken or each in same:
            yield each, each
            continue
        while next_id in used:
            next_id += 1
        used.add(next_id)
        yield each, next_id

"""Where objects of a time-lapse come from: which divided, and what a person said of it.

Ids are never used again, so what is said of one that is gone does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object comes from.

    Parameters
    ----------
    parent : int
        The id of the object that it was before it divided; 0 where it was none.
    stated : bool
        Whether a person has decided about its id over time, by swapping, joining,
        cutting or a division. Such an id is kept when objects are followed again.
    """

    parent: int = 0
    stated: bool = False


Origins: TypeAlias = Mapping[int, Origin]
"""Of every id that follows an object through time, where that comes from."""

NO_ORIGINS: Origins = MappingProxyType({})
"""No id is known to follow an object: those of frames are others in each frame."""

OriginChange: TypeAlias = Mapping[int, tuple[Origin | None, Origin | None]]
"""What was known of ids before, and what is known now; None for nothing."""


def what_changes(before: Origins, after: Origins) -> OriginChange:
    """Return the ids of which something else is known afterwards."""
    return {
        each: (was, now)
        for each in sorted(before.keys() | after.keys())
        if (was := before.get(each)) != (now := after.get(each))
    }


def changed(origins: Origins, change: OriginChange) -> Origins:
    """Return what is known after a change."""
    after = {**origins, **{each: now for each, (_, now) in change.items()}}
    return {each: known for each, known in after.items() if known is not None}


def inverse(change: OriginChange) -> OriginChange:
    """Return the change that takes one back."""
    return {each: (now, was) for each, (was, now) in change.items()}


def stated(origins: Origins, parents: Mapping[int, int]) -> Origins:
    """Return what is known after a person has said of some ids where they come from."""
    said = {each: Origin(parent, stated=True) for each, parent in parents.items()}
    return {**origins, **said}


def followed(
    origins: Origins, ids: Iterable[int], parents: Mapping[int, int]
) -> Origins:
    """Return what is known after all objects, of these ids, were followed anew.

    What a person has said stays.
    """
    found = {each: Origin(parents.get(each, 0)) for each in ids}
    kept = {each: known for each, known in origins.items() if known.stated}
    return {**found, **kept}


def parents_of(origins: Origins) -> dict[int, int]:
    """Return the ids that came from others, and from which."""
    return {each: known.parent for each, known in origins.items() if known.parent}

"""What is made of a label map that somebody else wrote.

One rule, wherever labels come in: from files, in Python, and from other plugins that
put an array into a layer. Object ids become int32 and stay what they are where they
fit; ids that do not fit get free numbers; negative ids are background; a mask, which
has one value for all objects, is split into its connected pieces. Whatever was changed
is told in words, and what cannot be a label map is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import scipy  # its modules are imported when they are used first

from napari_unet.errors import InputError
from napari_unet.geometry.ids import LARGEST_ID
from napari_unet.geometry.maps import LabelMap

UNKNOWN_CLASS: Final = 255

_MASK_VALUES = frozenset({1, 255, 65535})
_SEVERAL = -1
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A label map as this program works with it, and what was done to make it one.

    The array holds int32 ids or classes; values to be regressed are as they were.
    `notes` says what was changed, a sentence each, and `pieces` into how many pieces a
    mask was split; 0 where nothing was.
    """

    array: npt.NDArray[Any]
    notes: tuple[str, ...] = ()
    pieces: int = 0


class LabelKind:
    """What the numbers of a label map are: ids of objects, unless a subclass differs.

    Use `OBJECT_IDS`, `CLASS_NUMBERS` or `REAL_VALUES`.
    """

    whole: ClassVar[bool] = True
    """Whether they are whole numbers."""

    unknown: ClassVar[int | None] = None
    """The number of pixels of which nothing is known, if there is one."""

    def can_be_masks(self, values: set[int]) -> bool:
        """Return whether label maps with these only values besides 0 can be masks."""
        return len(values) == 1 or (bool(values) and values <= _MASK_VALUES)

    def of_mask(self, mask: Labels, axes: str | None) -> Labels:
        """Return the labels of a mask: its connected pieces are objects."""
        split, pieces = _split(mask.array, axes)
        return replace(mask, array=split, pieces=pieces) if pieces > 1 else mask

    def checked(
        self, array: npt.NDArray[Any], low: float, high: float
    ) -> tuple[npt.NDArray[Any], list[str]]:
        """Return numbers that fit into int32, and what was changed to get them.

        Raises an InputError if there are numbers that cannot be meant.
        """
        notes = []
        if low < 0:
            array = np.where(array < 0, array.dtype.type(0), array)
            notes.append("negative ids were taken as background.")
        if high > LARGEST_ID:
            array, moved = _fitting_ids(array)
            notes.append(
                f"{moved} ids above {LARGEST_ID} got smaller numbers that were free; "
                "the others are as they were."
            )
        return array, notes


class ClassNumbers(LabelKind):
    """Numbers are classes from 0; 255 is unknown."""

    unknown: ClassVar[int | None] = UNKNOWN_CLASS

    def can_be_masks(self, values: set[int]) -> bool:
        """Return whether 0 and 255 are all there is: 0 and 1 are two classes."""
        return values == {UNKNOWN_CLASS}

    def of_mask(self, mask: Labels, axes: str | None) -> Labels:
        """Return class 1 where a mask of 0 and 255 is set."""
        del axes
        if _only_value(mask.array) != UNKNOWN_CLASS:
            return mask
        note = (
            "only 0 and 255 were found (a mask), so 255 was taken as class 1 and not "
            "as unknown."
        )
        one = (mask.array != 0).astype(np.int32)
        return replace(mask, array=one, notes=(*mask.notes, note))

    def checked(
        self, array: npt.NDArray[Any], low: float, high: float
    ) -> tuple[npt.NDArray[Any], list[str]]:
        """Return all numbers as they are, after refusing those beyond int32."""
        if low < -LARGEST_ID or high > LARGEST_ID:
            raise InputError(
                f"Expected class numbers from 0 to {UNKNOWN_CLASS - 1} "
                f"({UNKNOWN_CLASS} is unknown), found "
                f"{low if low < -LARGEST_ID else high:.0f}; number the classes from 0."
            )
        return array, []


class RealValues(LabelKind):
    """Numbers are values to be regressed."""

    whole: ClassVar[bool] = False


OBJECT_IDS: Final = LabelKind()
CLASS_NUMBERS: Final = ClassNumbers()
REAL_VALUES: Final = RealValues()


def as_labels(
    labels: Any,
    kind: LabelKind = OBJECT_IDS,
    *,
    axes: str | None = None,
    mask: bool | None = None,
) -> Labels:
    """Make a label map of an array.

    Parameters
    ----------
    labels : array-like
        Whole numbers of any type, or truth values; for regression any real numbers.
    kind : {OBJECT_IDS, CLASS_NUMBERS, REAL_VALUES}
        What they mean.
    axes : str, optional
        Axes of the array: pieces of a mask are connected along all of them but T.
    mask : bool, optional
        Whether all label maps of the data set can be masks (`are_masks`); where it is
        missing, the array alone tells.

    Raises
    ------
    InputError
        If they are no whole numbers, or cannot be what they should mean.

    Examples
    --------
    >>> found = as_labels([[255, 0, 255]])
    >>> found.array.tolist(), found.pieces
    ([[1, 0, 2]], 2)
    """
    if not kind.whole:
        return Labels(_real_numbers(labels))
    found, boolean = _whole_numbers(labels, kind)
    if mask is None:
        mask = are_masks([_only_value(found.array)], kind)
    return kind.of_mask(found, axes) if mask or boolean else found


def as_whole(labels: Any, kind: LabelKind = OBJECT_IDS) -> LabelMap:
    """Return ids or classes as `as_labels` does, but nothing is taken for a mask.

    For labels that are known to be ids; nothing is told.
    """
    return _whole_numbers(labels, kind)[0].array


def whole_or_refused(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array; an InputError says where it has a fraction, NaN or infinity."""
    if array.dtype.kind != "f":
        return array
    strange = ~(np.isfinite(array) & (array == np.floor(array)))
    if strange.any():
        place = np.unravel_index(int(strange.argmax()), array.shape)
        where = ", ".join(str(int(i)) for i in place)
        raise InputError(
            "Expected a label map of whole numbers, found fractions or NaN "
            f"({array[place]} at [{where}]); save the object ids, not an image or "
            "probabilities."
        )
    return array


def as_mask(mask: Any) -> Labels:
    """Return where a mask is set, as bool: where it is above 0.

    Raises an InputError if it holds fractions, NaN, or no numbers at all.
    """
    array = whole_or_refused(_real_numbers(mask))
    if array.dtype == bool:
        return Labels(array)
    negative = array.min(initial=0) < 0
    notes = ("negative numbers of a mask count as 0.",) if negative else ()
    return Labels(array > 0, notes)


def only_value(labels: Any, kind: LabelKind = OBJECT_IDS) -> int:
    """Return the one value besides 0; 0 if there is none, -1 if there are several."""
    return _only_value(as_whole(labels, kind))


def _only_value(labels: LabelMap) -> int:
    value = int(labels.max(initial=0))
    if np.count_nonzero(labels) == np.count_nonzero(labels == value) * (value != 0):
        return value
    return _SEVERAL


def are_masks(values: Iterable[int], kind: LabelKind = OBJECT_IDS) -> bool:
    """Return whether label maps with these only values (`only_value`) can be masks.

    An image with one object of a single id looks like a mask; others of the same data
    set tell. They can be masks if none holds several ids, and the only one is the same
    in all, or one that masks are written with. As classes, only 0 and 255 are a mask:
    0 and 1 are two classes. Values are no masks, and are not looked at.
    """
    if not kind.whole:
        return False
    found: set[int] = set()
    for value in values:
        if value == _SEVERAL:
            return False
        found.add(value)
    return kind.can_be_masks(found - {0})


def tell(labels: Iterable[tuple[str, Labels]]) -> list[str]:
    """Return what was changed in label maps, which have names, in few sentences.

    An empty name is left away.
    """
    names_of: dict[str, list[str]] = {}
    split: list[str] = []
    pieces = 0
    for name, each in labels:
        for note in each.notes:
            names_of.setdefault(note, []).append(name)
        if each.pieces:
            pieces += each.pieces
            split.append(name)
    if split:
        # What came of it first: where there is little room, the rest is cut off.
        note = (
            f"split into {pieces} objects, one for each connected piece, because one "
            "value for all objects (a mask) cannot tell them apart; where objects "
            "touch, give each its own id."
        )
        names_of[note] = split
    return [_with_names(names, note) for note, names in names_of.items()]


def _with_names(names: list[str], note: str) -> str:
    shown = ", ".join(name for name in names[:_SHOWN] if name)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{shown}{more}: {note}" if shown else note[:1].upper() + note[1:]


def _split(mask: LabelMap, axes: str | None) -> tuple[LabelMap, int]:
    """Give connected pieces numbers; corners connect, planes of a series do not."""
    near = np.ones((3,) * mask.ndim, bool)
    if axes is not None and len(axes) == mask.ndim and "T" in axes:
        np.moveaxis(near, axes.index("T"), 0)[[0, 2]] = False
    pieces = np.empty(mask.shape, np.int32)
    return pieces, int(scipy.ndimage.label(mask, near, output=pieces))


def _whole_numbers(labels: Any, kind: LabelKind) -> tuple[Labels, bool]:
    """Return whole numbers within int32, and whether they were truth values."""
    array = _real_numbers(labels)
    if array.dtype == bool:
        return Labels(array.astype(np.int32)), True
    array = whole_or_refused(array)
    # As numbers of Python, which have no limits.
    low, high = (array.min().item(), array.max().item()) if array.size else (0, 0)
    dtype, notes = array.dtype, []
    if dtype.kind == "f" and high > (exact := 2 ** (np.finfo(dtype).nmant + 1)):
        notes.append(
            f"ids above {exact} are not exact in {dtype}, so some objects may have "
            "become one; save ids as integers."
        )
    array, changed = kind.checked(array, low, high)
    whole = array.astype(np.int32, copy=False)
    return Labels(whole, (*notes, *changed)), False


def _real_numbers(labels: Any) -> npt.NDArray[Any]:
    if np.ma.is_masked(labels):
        raise InputError(
            "Expected a label for every pixel, found hidden ones (a masked array); "
            "fill them (`.filled(0)`; values with NaN), and say what can be trusted "
            "by `verified`."
        )
    try:
        array = np.asarray(labels)
    # Arrays of other libraries raise what they like.
    except Exception as error:
        raise InputError(
            f"Expected labels as an array of numbers, found {type(labels).__name__}, "
            f"which numpy cannot read ({error}); convert it to a numpy array."
        ) from error
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"Expected labels as whole numbers, found values of type {array.dtype}; "
            "convert them to integers."
        )
    return array


def _fitting_ids(array: npt.NDArray[Any]) -> tuple[LabelMap, int]:
    """Keep ids that fit into int32, and give the others the least that are free."""
    found, inverse = np.unique(array, return_inverse=True)
    if found.dtype.kind == "f":
        found = found.astype(np.float64)  # float32 has no number of that size
    large = found > LARGEST_ID
    lookup = np.zeros(len(found), np.int32)
    lookup[~large] = found[~large].astype(np.int32)
    moved = int(np.count_nonzero(large))
    free = np.setdiff1d(np.arange(1, len(found) + 1, dtype=np.int32), lookup)
    lookup[large] = free[:moved]
    return lookup[inverse.reshape(array.shape)], moved

"""An array that tells where it was written.

napari's undo and redo emit no event that says what changed, and the payload of its
paint event is private. Every one of its tools writes through ``layer.data[key] = ...``
however, so an array that watches its own ``__setitem__`` sees them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.geometry.box import Box

_WRITERS = frozenset(
    {np.copyto, np.put, np.putmask, np.place, np.put_along_axis, np.fill_diagonal}
)


_SLICES = frozenset({slice})


class RecordingArray(np.ndarray[tuple[int, ...], np.dtype[Any]]):
    """A numpy array that reports the bounding box of everything written to it.

    Made with `RecordingArray.wrap`; it shares the memory of the array it wraps.
    Item assignment, in-place arithmetic, ``fill`` and numpy's own writing functions
    are reported, *after* the memory has changed. What is written through a view
    (``array[0][mask] = 1``) is not: views, copies, results of arithmetic and unpickled
    arrays never carry the listener along. Reading costs what it costs plain arrays.

    Attributes
    ----------
    listener : callable or None
        Called with a non-empty `Box` after each write, in the thread that wrote.
    """

    listener: Callable[[Box], None] | None = None

    @classmethod
    def wrap(cls, array: npt.NDArray[Any]) -> RecordingArray:
        """Return a recording view of the whole of `array`, without a listener."""
        return np.asarray(array).view(cls)

    def __array_finalize__(self, obj: object) -> None:
        """Start every derived array without a listener."""
        self.listener = None

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write, then report the bounding box of `key`."""
        super().__setitem__(key, value)
        if self.listener is not None:
            self._report(box_of_key(key, self.shape))

    def fill(self, value: Any) -> None:
        """Write one value everywhere, then report the whole array."""
        super().fill(value)
        self._report(Box.whole(self.shape))

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        """Compute on plain arrays; report when the result was written into one."""
        targets = kwargs.get("out", ())
        if targets:
            kwargs["out"] = tuple(_plain(target) for target in targets)
        result = getattr(ufunc, method)(*(_plain(item) for item in inputs), **kwargs)
        written = inputs[:1] if method == "at" else targets
        _report_whole(written)
        # ``array += 1`` binds the name to what is returned here.
        return targets[0] if len(targets) == 1 else result

    def __array_function__(
        self, func: Any, types: Iterable[type], args: Any, kwargs: Any
    ) -> Any:
        """Report the functions of numpy that write into their first argument."""
        result = super().__array_function__(func, types, args, kwargs)
        if func in _WRITERS:
            _report_whole(args[:1])
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as a plain array."""
        return np.asarray(self).__reduce_ex__(protocol)

    def _report(self, box: Box) -> None:
        if self.listener is not None and not box.empty:
            self.listener(box)


def box_of_key(key: Any, shape: tuple[int, ...]) -> Box:
    """Return the bounding box of what an index selects from an array of this shape.

    The index may be whatever numpy takes: integers, slices, ellipsis, integer arrays,
    masks. With new axes or scalar booleans, the box is that of the whole array.
    """
    keys = key if isinstance(key, tuple) else (key,)
    if len(keys) == len(shape) and set(map(type, keys)) == _SLICES:
        return _box_of_slices(keys, shape)  # as of each dab of a brush
    entries = [np.asarray(k) if isinstance(k, (list, tuple)) else k for k in keys]
    spans: list[tuple[int, int]] = []
    for entry in _expand(entries, len(shape)):
        axis = len(spans)
        if entry is None or isinstance(entry, (bool, np.bool_)):
            return Box.whole(shape)
        if isinstance(entry, slice):
            spans.append(_span_of_slice(entry, shape[axis]))
        elif isinstance(entry, (int, np.integer)):
            start = int(entry) % shape[axis]
            spans.append((start, start + 1))
        else:
            spans.extend(_spans_of_array(np.asarray(entry), shape[axis:]))
    return _box_of_spans(spans)


def _box_of_slices(keys: tuple[slice, ...], shape: tuple[int, ...]) -> Box:
    start, stop = [], []
    for each, size in zip(keys, shape, strict=True):
        first, end = _span_of_slice(each, size)
        if end <= first:
            return _box_of_spans([(0, 0)] * len(shape))
        start.append(first)
        stop.append(end)
    return Box(tuple(start), tuple(stop))


def _box_of_spans(spans: list[tuple[int, int]]) -> Box:
    if any(stop <= start for start, stop in spans):
        return Box((0,) * len(spans), (0,) * len(spans))
    start, stop = zip(*spans, strict=True)
    return Box(start, stop)


def _expand(entries: list[Any], ndim: int) -> list[Any]:
    """Return one entry per group of axes, with the ellipsis written out."""
    used = sum(
        entry.ndim if getattr(entry, "dtype", None) == np.bool_ else 1
        for entry in entries
        if entry is not None and entry is not Ellipsis
    )
    rest = [slice(None)] * (ndim - used)
    for position, entry in enumerate(entries):
        if entry is Ellipsis:
            return [*entries[:position], *rest, *entries[position + 1 :]]
    return [*entries, *rest]


def _span_of_slice(entry: slice, size: int) -> tuple[int, int]:
    start, stop, step = entry.indices(size)
    if step > 0:
        return start, stop
    return stop + 1, start + 1


def _spans_of_array(
    entry: npt.NDArray[Any], shape: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Return first and last index, plus one, along every axis the entry selects on."""
    if entry.dtype == np.bool_:
        return [_span_of_mask(entry, axis) for axis in range(entry.ndim)]
    if entry.size == 0:
        return [(0, 0)]
    low, high = int(entry.min()), int(entry.max())
    if low < 0 <= high:
        return [(0, shape[0])]
    offset = shape[0] if low < 0 else 0
    return [(low + offset, high + offset + 1)]


def _span_of_mask(mask: npt.NDArray[np.bool_], axis: int) -> tuple[int, int]:
    others = tuple(other for other in range(mask.ndim) if other != axis)
    hit = np.flatnonzero(mask.any(axis=others))
    return (int(hit[0]), int(hit[-1]) + 1) if hit.size else (0, 0)


def _plain(item: Any) -> Any:
    return np.asarray(item) if isinstance(item, RecordingArray) else item


def _report_whole(arrays: Iterable[Any]) -> None:
    for array in arrays:
        if isinstance(array, RecordingArray):
            array._report(Box.whole(array.shape))

"""Labels in chunks do what labels in memory do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.chunked import ChunkedArray
from napari_unet.annotation.edits import AcceptView, Settle
from napari_unet.annotation.large import LargeAnnotation
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box

SHAPE = 2100, 1300


def test_what_was_never_written_is_nothing() -> None:
    """A huge array costs nothing, and a part of it is zeros."""
    array = ChunkedArray((50_000, 50_000), np.int32)
    assert not array[40_000:40_010, 100:200].any()
    assert array.nbytes_in_memory == 0


def test_all_of_it_is_refused() -> None:
    """Nobody takes all of a huge array by mistake."""
    array = ChunkedArray((50_000, 50_000), np.int32)
    with pytest.raises(InputError, match="zoom in"):
        np.asarray(array)
    with pytest.raises(InputError, match="zoom in"):
        array[:, :]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_reads_and_writes_as_numpy(seed: int) -> None:
    """Boxes and pixels across the borders of chunks."""
    rng = np.random.default_rng(seed)
    array, plain = ChunkedArray(SHAPE, np.int32), np.zeros(SHAPE, np.int32)
    for value in range(1, 6):
        (a, c), (b, d) = (np.sort(rng.integers(0, n + 1, 2)) for n in SHAPE)
        array[a:c, b:d] = value
        plain[a:c, b:d] = value
        points = tuple(rng.integers(0, n, 50) for n in SHAPE)
        array[points] = value + 10
        plain[points] = value + 10
    place = np.s_[900:1200, 800:1250]
    np.testing.assert_array_equal(array[place], plain[place])
    points = tuple(rng.integers(0, n, 500) for n in SHAPE)
    np.testing.assert_array_equal(array[points], plain[points])


def test_what_is_saved_leaves_memory_and_comes_back() -> None:
    """What is not saved stays, whatever the memory."""
    disk: dict[tuple[int, ...], np.ndarray] = {}
    array = ChunkedArray(SHAPE, np.int32, disk.get, most_bytes=2**20)
    for row in (0, 1024, 2048):
        array[row : row + 5, 0:5] = row + 1
    assert len(array.unsaved) == 3
    lent = {index: array.lend(index) for index in array.unsaved}
    array[0:5, 0:5] = 7  # after the save has begun
    assert lent[0, 0][0, 0] == 1
    disk.update({index: chunk.copy() for index, chunk in lent.items()})
    array.note_saved(lent)
    assert array.unsaved == {(0, 0)}
    assert not all(map(array.in_memory, lent))
    assert array[1024, 0] == 1025
    assert array[2050, 3] == 2049
    assert array[0, 0] == 7


def _discs(rng: np.random.Generator, number: int) -> list[tuple[Box, np.ndarray]]:
    found = []
    for _ in range(number):
        r = int(rng.integers(5, 40))
        y, x = (int(rng.integers(r, n - r)) for n in SHAPE)
        yy, xx = np.ogrid[-r : r + 1, -r : r + 1]
        box = Box((y - r, x - r), (y + r + 1, x + r + 1))
        found.append((box, yy**2 + xx**2 <= r * r))
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_strokes_undo_accept_and_predictions_as_in_memory(seed: int) -> None:
    """Both annotations tell the same, wherever the pane of the large one lies."""
    rng = np.random.default_rng(seed)
    small = Annotation(np.zeros(SHAPE, np.int32))
    large = LargeAnnotation(SHAPE, side=400)
    for number, (box, disc) in enumerate(_discs(rng, 12), start=1):
        large.pane.move(large.pane.best(box))
        for each in (small, large):
            part = each.live[box.slices]
            part[disc] = number
            each.live[box.slices] = part
            assert each.notice_change(box) is not None
        if number % 4 == 0:
            large.pane.move(large.pane.best(Box((0, 0), (10, 10))))
            for each in (small, large):
                each.undo()
        if number % 5 == 0:
            for each in (small, large):
                each.do(Settle())
                each.do(AcceptView(box))
    box = Box((700, 700), (1500, 1290))
    predicted = np.zeros(box.shape, np.int32)
    predicted[300:380, 100:500] = 1
    predicted[600:700, 200:300] = 2
    for each in (small, large):
        each.do(each.merging(predicted, box).merge()(box))
        each.undo()
    assert small.counts() == large.counts()
    assert small.next_id == large.next_id
    assert small.open_objects == large.open_objects
    for part in (np.s_[0:1100, :], np.s_[1100:2100, :]):
        np.testing.assert_array_equal(
            small.pixels.labels[part], large.pixels.labels[part]
        )
        np.testing.assert_array_equal(small.provenance[part], large.provenance[part])
    place = large.shown_box.slices
    np.testing.assert_array_equal(large.shown, small.labels[place])

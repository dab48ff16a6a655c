"""What lines and clicks do to objects: cut, join, delete, fill, smooth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.annotation.adding import AddObject
from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.drawn_edits import (
    Delete,
    DeleteInBox,
    FillHoles,
    Merge,
    Smooth,
    Split,
)
from napari_unet.annotation.edit import tools
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.provenance import Provenance
from napari_unet.geometry.line import Line
from tests.annotation.painter import cells
from tests.annotation.reference import outsized

DRAWN = [Split, Merge, Delete, FillHoles, Smooth]
SHAPES = [(17, 19), (2, 13, 15)]
FULL = np.ones((3, 3), bool)


def line(*vertices, plane=()) -> Line:
    """A line in the last two axes."""
    return Line(tuple((*plane, *map(float, each)) for each in vertices), axes(plane))


def axes(plane) -> tuple[int, int]:
    return len(plane), len(plane) + 1


def annotated(labels: np.ndarray) -> Annotation:
    labels = labels.astype(np.int32)
    return Annotation(labels, (labels > 0).astype(np.uint8))


def state(annotation: Annotation) -> list[object]:
    return [annotation.labels.tobytes(), annotation.provenance.tobytes()]


def pieces(mask: np.ndarray) -> int:
    return ndimage.label(mask, FULL)[1]


@st.composite
def scenes(draw: st.DrawFn):
    """Blobs of objects, some of them in pieces, and a line over a plane."""
    shape = draw(st.sampled_from(SHAPES))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    noise = ndimage.gaussian_filter(
        rng.random(shape), draw(st.sampled_from([0.6, 1.5]))
    )
    count = draw(st.integers(1, 4))
    ranks = noise.ravel().argsort().argsort().reshape(shape) * (count + 1) // noise.size
    labels = np.array([0, 3, 7, 1, 12])[ranks]
    rows, columns = (st.floats(-2.0, n + 1.0) for n in shape[-2:])
    drawn = draw(st.lists(st.tuples(rows, columns), min_size=1, max_size=5))
    plane = tuple(draw(st.integers(0, n - 1)) for n in shape[:-2])
    return labels, line(*drawn, plane=plane), plane


@given(scenes(), st.sampled_from(DRAWN))
def test_a_line_changes_objects_it_passes_and_makes_them_corrected(scene, kind):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    change = annotation.do(kind(drawn))
    after = annotation.labels
    different = after != labels
    assert bool(different.any()) == (change is not None)
    assert (annotation.provenance[different] == Provenance.CORRECTED).all()
    assert (annotation.provenance[~different] == (labels > 0)[~different]).all()
    elsewhere = np.ones(labels.shape, bool)
    elsewhere[plane] = False
    assert not different[elsewhere].any()
    touched = set(labels[different].tolist()) | set(after[different].tolist())
    touched -= outsized(labels, np.zeros(labels.shape, bool), after)
    assert annotation.open_objects == (touched & set(after.ravel().tolist())) - {0}
    if kind is not FillHoles:
        assert set(labels[different].tolist()) <= passed(labels, drawn, plane) | {0}


def passed(labels, drawn, plane) -> set[int]:
    flat = labels[plane]
    path = drawn.path(flat.shape)
    inside = ((path >= 0) & (path < flat.shape)).all(axis=1)
    return set(flat[tuple(path[inside].T)].tolist())


@given(scenes(), st.sampled_from(DRAWN))
def test_undo_and_redo_bring_everything_back(scene, kind):
    labels, drawn, _ = scene
    annotation = annotated(labels)
    annotation.labels[..., 2:4, 2:4] = 9
    annotation.notice_change(annotation.pixels.whole)
    annotation.do(Settle())
    before, ids = state(annotation), annotation.next_id
    if annotation.do(kind(drawn)) is None:
        assert (state(annotation), annotation.next_id) == (before, ids)
        return
    annotation.do(Settle())
    after, later = state(annotation), annotation.next_id
    annotation.undo()
    assert state(annotation) == before
    assert annotation.next_id == later
    annotation.redo()
    assert state(annotation) == after


@given(scenes())
def test_a_split_leaves_no_gap_and_gives_new_ids(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    ids = annotation.next_id
    annotation.do(Split(drawn))
    before, after = labels[plane], np.array(annotation.labels[plane])
    assert ((before > 0) == (after > 0)).all()
    new = set(after.ravel().tolist()) - set(before.ravel().tolist())
    assert all(each >= ids for each in new)
    for each in new:
        part = after == each
        assert pieces(part) == 1
        assert part.sum() >= 3
        (old,) = set(before[part].tolist())
        assert part.sum() <= (after == old).sum()
        # It touches what it was cut off.
        around = ndimage.binary_dilation(part, FULL) & (before == old) & ~part
        assert around.any()
    for old in set(before.ravel().tolist()) - {0}:
        assert (after == old).any()
        assert pieces(after == old) == pieces(before == old)


@given(scenes())
def test_to_merge_what_was_split_gives_the_same_pixels(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    annotation.do(Split(drawn))
    new = [each for each in np.unique(annotation.labels[plane]) if each > labels.max()]
    for each in new:
        now = annotation.labels[plane]
        part = now == each
        old = labels[plane] == labels[plane][part][0]
        beside = np.argwhere(ndimage.binary_dilation(part) & old & ~part)
        if not len(beside):
            return  # it touches at a corner alone, where others may lie between
        inner = min(np.argwhere(part), key=lambda p: np.abs(p - beside[0]).sum())
        annotation.do(Merge(line(beside[0], inner, plane=plane)))
    assert not np.isin(annotation.labels, new[1:]).any()
    split, merged = (labels, np.array(annotation.labels))
    for each in np.unique(labels[plane])[1:]:
        assert len(set(merged[plane][split[plane] == each].tolist())) == 1
    assert ((merged > 0) == (labels > 0)).all()


@given(scenes())
def test_what_a_line_merges_hangs_together_along_it(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    ids = [each for each in in_order(labels[plane], drawn) if each]
    annotation.do(Merge(drawn))
    after = annotation.labels[plane]
    if not ids:
        return
    old = labels[plane]
    assert not np.isin(after, ids[1:]).any()
    assert (after[np.isin(old, ids)] == ids[0]).all()
    grown = (after != old) & (old == 0)
    assert (after[grown] == ids[0]).all()
    path = drawn.path(old.shape)
    near = np.zeros(old.shape, bool)
    inside = ((path >= 0) & (path < old.shape)).all(axis=1)
    near[tuple(path[inside].T)] = True
    assert not (grown & ~ndimage.binary_dilation(near, FULL)).any()
    if inside.all():
        numbers, _ = ndimage.label(after == ids[0], FULL)
        on = numbers[tuple(path.T)][np.isin(old[tuple(path.T)], ids)]
        assert len(set(on.tolist())) == 1


def in_order(flat, drawn):
    path = drawn.path(flat.shape)
    inside = ((path >= 0) & (path < flat.shape)).all(axis=1)
    return list(dict.fromkeys(flat[tuple(path[inside].T)].tolist()))


@given(scenes())
def test_objects_are_deleted_as_a_whole(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    annotation.do(Delete(drawn))
    gone = np.isin(labels[plane], [*passed(labels, drawn, plane)])
    expected = labels.copy()
    expected[plane][gone] = 0
    assert (annotation.labels == expected).all()


@given(scenes())
def test_a_box_deletes_what_lies_in_it_for_the_most_part(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    annotation.do(DeleteInBox(drawn))
    ends = np.array([drawn.vertices[0], drawn.vertices[-1]])[:, -2:].round()
    inside = np.zeros(labels[plane].shape, bool)
    (top, left), (bottom, right) = ends.min(0).astype(int), ends.max(0).astype(int)
    inside[max(0, top) : max(0, bottom + 1), max(0, left) : max(0, right + 1)] = True
    expected = labels.copy()
    for each in set(labels[plane].ravel().tolist()) - {0}:
        body = labels[plane] == each
        if 2 * (body & inside).sum() > body.sum():
            expected[plane][body] = 0
    assert (annotation.labels == expected).all()


@given(scenes())
def test_filling_takes_background_alone(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    annotation.do(FillHoles(drawn))
    before, after = labels[plane], annotation.labels[plane]
    assert (after[before > 0] == before[before > 0]).all()
    for each in set(after[after != before].tolist()):
        filled = ndimage.binary_fill_holes(before == each)
        assert filled[(after == each)].all()
        assert not ndimage.binary_fill_holes(after == each)[after == 0].all() or (
            not (ndimage.binary_fill_holes(after == each) & (after == 0)).any()
        )


@given(scenes())
def test_smoothing_spares_neighbours_and_loses_no_piece(scene):
    labels, drawn, plane = scene
    annotation = annotated(labels)
    annotation.do(Smooth(drawn))
    before, after = labels[plane], annotation.labels[plane]
    meant = passed(labels, drawn, plane)
    for each in set(before.ravel().tolist()) - {0}:
        here, now = before == each, after == each
        assert not (now & (before != 0) & ~here).any()
        assert now.any()
        assert pieces(now) <= pieces(here)
        if each not in meant:
            assert (now == here).all()


def test_a_line_across_cuts_and_the_largest_part_keeps_its_id():
    annotation = annotated(cells())
    annotation.do(Split(line((3, 8), (11, 8))))
    assert (annotation.labels[4:10, 9] == 4).all()
    assert set(annotation.labels[4:10, 4:8].ravel().tolist()) == {1}
    assert annotation.pixels_of(1) + annotation.pixels_of(4) == 36


@pytest.mark.parametrize(
    "drawn",
    [
        line((3, 7), (7, 7)),  # ends inside
        line((3, 3), (3, 12)),  # beside it
        line((4, 3), (4, 12)),  # along the border: nothing is left beyond
        line((7, 7)),  # a click
        line((-50, -50), (-60, 900)),
    ],
)
def test_a_line_that_does_not_cut_through_does_nothing(drawn):
    annotation = annotated(cells())
    before, ids = state(annotation), annotation.next_id
    assert annotation.do(Split(drawn)) is None
    assert (state(annotation), annotation.next_id) == (before, ids)


def test_one_line_cuts_several_objects():
    annotation = annotated(cells())
    annotation.do(Split(line((6.6, 0), (6.6, 31))))
    assert annotation.counts().objects == 5


def test_another_piece_of_an_object_keeps_its_id():
    labels = cells()
    labels[labels == 2] = 1
    annotation = annotated(labels)
    annotation.do(Split(line((3, 8), (11, 8))))
    assert (annotation.labels[4:10, 16:22] == 1).all()
    assert annotation.counts().objects == 3


def test_a_gap_is_bridged_along_the_line_alone():
    annotation = annotated(cells())
    annotation.do(Merge(line((7, 8), (7, 18))))
    labels = annotation.labels
    assert (labels[4:10, 16:22] == 1).all()
    assert (labels[6:9, 10:16] == 1).all()
    assert not labels[[4, 9], 12].any()
    assert pieces(labels == 1) == 1


def test_where_objects_touch_the_gap_beside_stays():
    labels = np.zeros((20, 20), int)
    labels[2:18, 2:8] = 1
    labels[2:5, 8:12] = 1
    labels[2:18, 12:18] = 2
    annotation = annotated(labels)
    annotation.do(Merge(line((14, 4), (14, 15))))
    assert ((annotation.labels > 0) == (labels > 0)).all()
    assert annotation.counts().objects == 1


def test_a_line_out_of_the_image_bridges_nothing():
    labels = np.zeros((12, 30), int)
    labels[0:6, 2:10] = 1
    labels[0:6, 20:28] = 2
    annotation = annotated(labels)
    annotation.do(Merge(line((3, 5), (-9, 5), (-9, 24), (3, 24))))
    assert (annotation.labels == np.minimum(labels, 1)).all()


def ring() -> np.ndarray:
    """A ring around another, with a crumb of a third object between them."""
    labels = np.zeros((24, 24), int)
    labels[2:22, 2:22] = 1
    labels[4:20, 4:20] = 0
    labels[8:16, 8:16] = 2
    labels[10:14, 10:14] = 0
    labels[5, 5] = 3
    return labels


@pytest.mark.parametrize(
    ("at", "filled"),
    [((3, 3), 1), ((6, 6), 1), ((9, 9), 2), ((11, 11), 2), ((0, 0), 0), ((5, 5), 0)],
)
def test_a_click_on_an_object_or_in_its_hole_fills_it(at, filled):
    annotation = annotated(ring())
    annotation.do(FillHoles(line(at)))
    expected = ring()
    if filled == 1:
        expected[2:22, 2:22][expected[2:22, 2:22] == 0] = 1
    elif filled == 2:
        expected[10:14, 10:14] = 2
    assert (annotation.labels == expected).all()


def test_a_rough_outline_gets_smoother_and_a_second_time_hardly_changes():
    rows, columns = np.mgrid[:60, :60]
    disk = np.hypot(rows - 30, columns - 30) < 18
    rough = disk ^ (np.random.default_rng(0).random(disk.shape) < 0.15)
    rough &= ndimage.binary_dilation(disk, iterations=1)
    rough = ndimage.label(rough)[0] == ndimage.label(rough)[0][30, 30]
    annotation = annotated(rough)
    assert (rough != disk).sum() > 60
    annotation.do(Smooth(line((30, 30))))
    smooth = annotation.labels > 0
    assert (smooth != disk).sum() < 0.5 * (rough != disk).sum()
    assert abs(int(smooth.sum()) - int(disk.sum())) < 0.08 * disk.sum()
    annotation.do(Smooth(line((30, 30))))
    assert ((annotation.labels > 0) != smooth).sum() < 0.06 * disk.sum()


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_thin_object_is_not_lost(width):
    labels = np.zeros((20, 40), int)
    labels[8 : 8 + width, 3:37] = 1
    annotation = annotated(labels)
    annotation.do(Smooth(line((8, 10))))
    assert annotation.pixels_of(1) > 0.9 * (labels > 0).sum() - 4


def test_at_the_border_of_the_image_an_object_stays():
    labels = np.zeros((30, 30), int)
    labels[:20, :20] = 1
    annotation = annotated(labels)
    annotation.do(Smooth(line((5, 5))))
    assert (annotation.labels[:12, :12] == 1).all()


def test_in_a_stack_the_plane_is_changed_in_which_it_is_drawn():
    labels = np.stack([cells()] * 3)
    annotation = annotated(labels)
    annotation.do(Split(line((3, 8), (11, 8), plane=(1,))))
    annotation.do(Delete(line((22, 22), plane=(2,))))
    assert (annotation.labels[0] == cells()).all()
    assert set(annotation.labels[1].ravel().tolist()) == {0, 1, 2, 3, 4}
    assert set(annotation.labels[2].ravel().tolist()) == {0, 1, 2}


def test_across_the_planes_of_a_stack():
    labels = np.zeros((12, 8, 20), int)
    labels[2:10, 2:6, 4:16] = 1
    annotation = annotated(labels)
    annotation.do(Split(Line(((5.0, 4.0, 0.0), (5.0, 4.0, 19.0)), (0, 2))))
    different = np.array(annotation.labels) != labels
    assert different.any()
    assert set(np.nonzero(different)[1].tolist()) == {4}


@pytest.mark.parametrize("plane", [-1.0, 3.0, 99.0])
@pytest.mark.parametrize("kind", DRAWN)
def test_in_a_plane_that_is_not_there_nothing_happens(kind, plane):
    annotation = annotated(np.stack([cells()] * 3))
    assert annotation.do(kind(line((7, 7), plane=(plane,)))) is None


def test_all_are_offered_with_words_and_a_key():
    offered = {name: tool for name, (tool, _) in tools().items()}
    in_hand = [n for n, t in offered.items() if t.in_hand and not t.in_time]
    assert in_hand == [AddObject.name, *(kind.name for kind in DRAWN)]
    for kind in DRAWN:
        tool = offered[kind.name]
        assert tool.needs == "line"
        assert tool.for_objects
        assert tool.key
        assert tool.gesture
        assert tool.done
        assert tool.unchanged

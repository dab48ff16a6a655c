"""Ids that follow objects, and keep those that a person stands behind."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.tracking import Track, keep_ids, paths_of, tracks_of

NOTHING_KEPT = [set[int]()] * 9


def rows(*ids: tuple[int, ...]) -> np.ndarray:
    """Frames of one line, in which each object has a pixel."""
    return np.array(ids, np.int32)[:, np.newaxis]


def renumbered(labels, followed, tracks=(), kept=NOTHING_KEPT):
    found = keep_ids(labels, followed, tracks, kept[: len(labels)])
    after = labels.copy()
    for frame, ids in found.moves.items():
        for before, now in ids.items():
            after[frame][labels[frame] == before] = now
    return after[:, 0].tolist(), found.parents


def test_an_object_has_the_id_that_it_began_with():
    labels, followed = rows((5, 6), (8, 6), (9, 0)), rows((1, 2), (1, 2), (1, 0))
    assert renumbered(labels, followed) == ([[5, 6], [5, 6], [5, 0]], {})


def test_ids_that_mean_nothing_yet_become_those_of_the_tracker():
    labels, followed = rows((5, 6), (8, 7), (9, 0)), rows((1, 2), (1, 2), (1, 0))
    assert renumbered(labels, followed) == ([[1, 2], [1, 2], [1, 0]], {})


def test_who_is_followed_again_keeps_its_id():
    labels = rows((5, 6), (5, 6), (5, 0))
    assert not keep_ids(labels, labels, (), NOTHING_KEPT[:3]).moves


def test_a_kept_id_goes_on_and_back_to_where_the_object_begins():
    labels, followed = rows((1,), (2,), (3,), (4,)), rows((1,), (1,), (1,), (1,))
    kept = [set(), set(), {3}, set()]
    assert renumbered(labels, followed, kept=kept) == ([[3], [3], [3], [3]], {})


def test_of_two_kept_ids_the_later_one_comes_from_the_earlier_one():
    labels, followed = rows((1,), (2,), (3,), (4,)), rows((1,), (1,), (1,), (1,))
    kept = [{1}, set(), {3}, set()]
    assert renumbered(labels, followed, kept=kept) == ([[1], [1], [3], [3]], {3: 1})


def test_daughters_come_from_what_their_mother_is_called():
    labels, followed = rows((7, 0), (8, 9)), rows((1, 0), (2, 3))
    tracks = (Track(1, 0, 0), Track(2, 1, 1, 1), Track(3, 1, 1, 1))
    assert renumbered(labels, followed, tracks) == ([[1, 0], [2, 3]], {2: 1, 3: 1})
    kept: list[set[int]] = [{7}, set()]
    named = [[7, 0], [8, 9]], {8: 7, 9: 7}
    assert renumbered(labels, followed, tracks, kept) == named


def test_a_person_says_that_another_one_is_the_same():
    """An id is in a frame once, so what was found on the way ends there."""
    labels, followed = rows((1, 0), (2, 0), (3, 1)), rows((1, 0), (1, 0), (1, 2))
    kept = [{1}, set(), {1}]
    assert renumbered(labels, followed, kept=kept)[0] == [[1, 0], [1, 0], [3, 1]]


def test_a_new_id_where_all_are_used():
    # 2 is kept elsewhere, and 1 begins another track.
    labels, followed = rows((1, 2), (2, 0), (0, 0)), rows((1, 2), (3, 0), (0, 0))
    kept = [{1, 2}, set(), set()]
    assert renumbered(labels, followed, kept=kept)[0] == [[1, 2], [-1, 0], [0, 0]]


frames = st.lists(
    st.permutations([1, 2, 3, 4, 0]).map(lambda p: tuple(p[:4])),
    min_size=4,
    max_size=4,
)


@given(frames, frames, st.lists(st.sets(st.integers(1, 4)), min_size=4, max_size=4))
def test_no_two_of_a_frame_become_one_and_kept_ones_stay(own, found, kept):
    labels, followed = rows(*own), rows(*found)
    followed[followed == 0] = 5
    followed[labels == 0] = 0
    kept = [each & set(row) for each, row in zip(kept, own, strict=True)]
    after, parents = renumbered(labels, followed, kept=kept)
    for was, now, ids in zip(own, after, kept, strict=True):
        there = [each for each in now if each]
        assert len(there) == len(set(there)) == sum(each > 0 for each in was)
        assert all(b == a for a, b in zip(was, now, strict=True) if a in ids)
    present = {each.id: each for each in tracks_of(np.array(after))}
    for child, parent in parents.items():
        if child > 0 and parent > 0:
            assert present[parent].last < present[child].first


def test_paths_lead_through_the_middle_of_objects_frame_by_frame():
    labels = np.zeros((3, 8, 9), np.int32)
    labels[0, 1:4, 1:4], labels[1, 2:5, 2:5] = 5, 5
    labels[2, 0:3, 0:3], labels[2, 5:8, 6:9] = 6, 7
    paths = paths_of(labels, 0, {6: 5, 7: 5, 5: 6})
    assert paths.points.tolist() == [
        [5, 0, 2, 2],
        [5, 1, 3, 3],
        [6, 2, 1, 1],
        [7, 2, 6, 7],
    ]
    assert paths.parents == {6: 5, 7: 5}
    assert len(paths) == 3
    again = paths_of(np.moveaxis(labels, 0, 1), 1, {})
    assert (again.points == paths.points).all()

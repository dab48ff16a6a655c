"""How far planes are, against looking at all of them anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView, UnverifyView
from napari_unet.annotation.plane_table import PlaneTable
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.annotation.stage import Stage
from napari_unet.geometry.box import Box

SHAPE = (2, 3, 4, 5)


def stage(labels: np.ndarray, provenance: np.ndarray) -> Stage:
    """Look at a plane, as simply as that can be written."""
    verified = is_verified(provenance)
    if verified.any():
        return Stage.DONE if verified[labels > 0].all() else Stage.BEGUN
    return Stage.PREDICTED if provenance.any() else Stage.UNSEEN


def stages(annotation: Annotation) -> list[Stage]:
    """Look at every plane."""
    both = annotation.labels, annotation.provenance
    return [stage(*(each[at] for each in both)) for at in np.ndindex(*SHAPE[:2])]


steps = st.tuples(
    st.sampled_from(["paint", "accept", "unverify", "undo"]),
    st.tuples(*(st.integers(0, n - 1) for n in SHAPE)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=8))
def test_the_table_says_what_the_pixels_say(done):
    annotation = Annotation(np.zeros(SHAPE, np.int32))
    annotation.labels[:, 1:, 1, 1:3] = 1
    annotation.notice_change(Box.whole(SHAPE))
    annotation.do(UnverifyView(Box((0, 1, 0, 0), SHAPE)))
    for what, at in done:
        box = Box((*at[:2], 0, 0), (at[0] + 1, at[1] + 1, *SHAPE[2:]))
        if what == "paint":
            annotation.labels[at] = annotation.new_id()
            annotation.notice_change(Box(at, tuple(n + 1 for n in at)))
        elif what == "accept":
            annotation.do(AcceptView(box))
        elif what == "unverify":
            annotation.do(UnverifyView(box))
        else:
            annotation.undo()
        how_far, planes = stages(annotation), annotation.planes
        expected = [each is Stage.DONE for each in how_far]
        here = planes.number(at)
        assert planes.finished(here) == expected[here]
        assert planes.count_finished() == sum(expected)
        round_the_end = [*range(here + 1, 6), *range(here)]
        following = next((n for n in round_the_end if not expected[n]), None)
        assert planes.unfinished_after(here) == following
        before = next((n for n in range(here - 1, -1, -1) if not expected[n]), None)
        assert planes.unfinished_before(here) == before
        assert planes.stages() == tuple(how_far)


def test_counting_goes_on_where_it_stopped():
    labels = np.zeros((3, 4, 5), np.int32)
    provenance = np.full((3, 4, 5), Provenance.ACCEPTED, np.uint8)
    table = PlaneTable(labels, provenance)
    assert table.count_finished(-1.0) is None
    assert table.finished(1)
    assert table.count_finished() == 3
    provenance[2] = 0
    table.note(Box((2, 0, 0), (3, 4, 5)))
    assert table.stages() == 3 * (Stage.DONE,), "as they were when they were looked at"
    assert table.count_finished() == 2
    assert table.stages() == (Stage.DONE, Stage.DONE, Stage.UNSEEN)
    assert table.unfinished_after(0) == 2

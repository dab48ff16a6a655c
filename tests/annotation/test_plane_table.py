"""Which planes are finished, against looking at all of them anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView, UnverifyView
from napari_unet.annotation.plane_table import PlaneTable
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.geometry.box import Box

SHAPE = (2, 3, 4, 5)


def finished(annotation: Annotation) -> list[bool]:
    """Look at every plane, as simply as that can be written."""
    verified = is_verified(annotation.provenance)
    return [
        bool(verified[at].any() and verified[at][annotation.labels[at] > 0].all())
        for at in np.ndindex(*SHAPE[:2])
    ]


steps = st.tuples(
    st.sampled_from(["paint", "accept", "unverify", "undo"]),
    st.tuples(*(st.integers(0, n - 1) for n in SHAPE)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=8))
def test_the_table_says_what_the_pixels_say(done):
    annotation = Annotation(np.zeros(SHAPE, np.int32))
    annotation.labels[:, :, 1, 1:3] = 1
    annotation.notice_change(Box.whole(SHAPE))
    annotation.do(UnverifyView(Box.whole(SHAPE)))
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
        expected, planes = finished(annotation), annotation.planes
        here = planes.number(at)
        assert planes.finished(here) == expected[here]
        assert planes.count_finished() == sum(expected)
        round_the_end = [*range(here + 1, 6), *range(here)]
        following = next((n for n in round_the_end if not expected[n]), None)
        assert planes.unfinished_after(here) == following


def test_counting_goes_on_where_it_stopped():
    labels = np.zeros((3, 4, 5), np.int32)
    provenance = np.full((3, 4, 5), Provenance.ACCEPTED, np.uint8)
    table = PlaneTable(labels, provenance)
    assert table.count_finished(-1.0) is None
    assert table.finished(1)
    assert table.count_finished() == 3
    provenance[2] = 0
    table.note(Box((2, 0, 0), (3, 4, 5)))
    assert table.count_finished() == 2
    assert table.unfinished_after(0) == 2

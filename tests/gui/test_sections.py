"""Which plane is in sight, whatever axes, sliders and the view are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.edits import AcceptView
from napari_unet.geometry.section import NOWHERE, Section
from napari_unet.gui.next_plane import NextPlane
from napari_unet.gui.sections import Sections
from tests.gui import desk as desks
from tests.gui.desk import Desk


@pytest.fixture
def axes_of_images(monkeypatch):
    kinds = {"TZYX": (3, 4, 32, 40), "TCYX": (3, 2, 32, 40), "TZCYX": (3, 4, 2, 32, 40)}
    monkeypatch.setattr(desks, "KINDS", desks.KINDS | kinds)


@pytest.fixture
def sections(desk: Desk, axes_of_images):
    return Sections(desk.viewer, desk.session, desk.layers)


def begin(desk: Desk, axes: str, **options) -> None:
    desk.add(axes, **options)
    desk.begin()


@pytest.mark.parametrize(
    ("axes", "steps", "moved", "expected"),
    [
        ("ZYX", (2,), 0, Section((2,), (1, 2), 0, 0)),
        ("TZYX", (2, 1), 0, Section((2, 1), (2, 3), 0, 1)),
        ("TZYX", (2, 1), 1, Section((2, 1), (2, 3), 1, 1)),
        ("TCYX", (2, 1), 0, Section((2,), (1, 2), 0, 0)),
        ("TCYX", (2, 1), 1, Section((2,), (1, 2), 0, 0)),
        ("TZCYX", (1, 3, 1), 1, Section((1, 3), (2, 3), 1, 1)),
        ("TZCYX", (1, 3, 1), 2, Section((1, 3), (2, 3), 1, 1)),
    ],
)
def test_the_slider_that_was_moved_last_says_which_way_to_go(
    desk, sections, axes, steps, moved, expected
):
    begin(desk, axes, scale=[2.0] * len(axes), translate=[5.0] * len(axes))
    dims = desk.viewer.dims
    for axis, step in enumerate(steps):
        dims.set_current_step(axis, step)
    dims.last_used = moved
    found = sections.in_sight
    hidden = len(expected.at)
    assert found.at[:hidden] == expected.at
    assert (found.axes, found.along, found.through) == (
        expected.axes,
        expected.along,
        expected.through,
    )
    there = found.beside(-1)
    sections.look_at(there)
    assert sections.in_sight.at[:hidden] == there.at[:hidden]
    assert found.at[:hidden] != there.at[:hidden]


def test_a_turned_view_has_other_planes(desk, sections):
    begin(desk, "ZYX")
    desk.viewer.dims.order = (1, 0, 2)
    desk.viewer.dims.set_current_step(1, 9)
    found = sections.in_sight
    assert (found.at[1], found.axes, found.along) == (9, (0, 2), 1)
    assert found.box((3, 32, 40)).shape == (3, 1, 40)
    sections.look_at(found.beside(1))
    assert desk.viewer.dims.current_step[1] == 10


def test_there_is_none_without_labels_in_one_plane_and_in_3d(desk, sections):
    assert sections.in_sight is NOWHERE
    desk.add("ZYX")
    assert sections.in_sight is NOWHERE
    sections.look_at(Section((1, 0, 0), (1, 2), 0, 0))
    desk.begin()
    assert sections.in_sight is not NOWHERE
    desk.viewer.dims.ndisplay = 3
    assert sections.in_sight is NOWHERE
    desk.viewer.dims.ndisplay = 2
    begin(desk, "YX")
    assert sections.in_sight is NOWHERE
    assert np.array(desk.labels.data).ndim == 2


def test_from_a_verified_plane_the_key_leads_to_the_next_one(
    desk, sections, axes_of_images
):
    begin(desk, "TZYX")
    images, annotation = [], desk.session.images.current.annotation
    desk.session.worklist.going.step = images.append
    next_plane = NextPlane(desk.session, sections)
    next_plane.step(1)
    assert images == [1], "this one is not verified"
    where = []
    for _ in range(len(annotation.planes)):
        where.append(sections.in_sight.at[:2])
        desk.session.correcting.do(
            AcceptView(sections.in_sight.box(annotation.labels.shape))
        )
        next_plane.step(1)
    assert sorted(where) == list(np.ndindex(3, 4)), "each of them once"
    assert annotation.planes.count_finished() == 12
    assert images == [1, 1], "all are verified"
    next_plane.step(-1)
    assert images == [1, 1, -1]

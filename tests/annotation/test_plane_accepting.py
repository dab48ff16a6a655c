"""Whole planes are accepted, and an object is filled through its planes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptObject
from napari_unet.annotation.plane_accepting import AcceptPlane, AcceptUpToHere
from napari_unet.annotation.plane_edits import FillThrough
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.errors import InputError
from napari_unet.geometry.section import Section


def stack(axes: int = 3) -> Annotation:
    """Six planes with an object through all of them, and a ring in the middle ones."""
    labels = np.zeros((6, 12, 16), np.int32)
    labels[:, 1:4, 1:4] = 1
    labels[2:4, 5:11, 6:13] = 2
    labels[2:4, 7:9, 8:11] = 0
    labels = labels.reshape((1,) * (axes - 3) + labels.shape)
    return Annotation(labels, (labels > 0).astype(np.uint8))


def plane(number: int) -> Section:
    return Section((number, 0, 0), (1, 2), 0, 0)


def finished(annotation: Annotation) -> list[int]:
    return [n for n in range(len(annotation.planes)) if annotation.planes.finished(n)]


def test_a_plane_is_accepted_as_a_whole_and_no_other():
    annotation = stack()
    annotation.do(AcceptPlane(plane(2), 0))
    assert is_verified(annotation.provenance[2]).all()
    assert not is_verified(annotation.provenance[[0, 1, 3, 4, 5]]).any()
    assert annotation.do(AcceptPlane(plane(2), 0)) is None
    annotation.undo()
    assert not is_verified(annotation.provenance).any()


def test_planes_are_accepted_from_the_last_finished_one_as_one_step():
    annotation = stack()
    annotation.do(AcceptPlane(plane(1), 0))
    annotation.do(AcceptUpToHere(plane(4), 0))
    assert finished(annotation) == [1, 2, 3, 4]
    annotation.undo()
    assert finished(annotation) == [1]
    annotation.undo()
    annotation.do(AcceptUpToHere(plane(1), 0))
    assert finished(annotation) == [0, 1]


def test_an_object_is_verified_when_all_its_planes_are():
    annotation = stack()
    annotation.do(AcceptUpToHere(plane(4), 0))
    counts = annotation.counts()
    assert (counts.objects, counts.verified_objects) == (2, 1)  # the ring
    annotation.do(AcceptPlane(plane(5), 0))
    assert annotation.counts().verified_objects == 2
    annotation.undo()
    annotation.do(AcceptObject(1))
    assert annotation.counts().verified_objects == 2


def test_planes_of_one_time_are_accepted_and_no_other_time():
    labels = np.zeros((2, 3, 8, 8), np.int32)
    labels[..., 2:5, 2:5] = 1
    annotation = Annotation(labels, (labels > 0).astype(np.uint8))
    annotation.do(AcceptUpToHere(Section((1, 2, 0, 0), (2, 3), 1, 1), 0))
    assert finished(annotation) == [3, 4, 5]
    annotation.undo()
    annotation.do(AcceptUpToHere(Section((1, 2, 0, 0), (2, 3), 0, 1), 0))
    assert finished(annotation) == [2, 5]


def test_an_object_is_filled_through_its_planes():
    labels = np.array(stack().labels)
    labels[3][labels[3] == 2] = 0
    labels[4, 5:11, 6:13] = 2
    annotation = Annotation(labels, (labels > 0).astype(np.uint8))
    before = annotation.snapshot()
    annotation.do(FillThrough(plane(0), 2))
    body = annotation.labels == 2
    assert body[2:5, 5:11, 6:13].all()
    assert not body[[0, 1, 5]].any()
    assert (annotation.provenance[2, 7:9, 8:11] == Provenance.CORRECTED).all()
    annotation.undo()
    assert (annotation.labels == before.labels).all()


def test_holes_that_are_verified_stay():
    annotation = stack()
    annotation.do(AcceptPlane(plane(2), 0))
    annotation.do(FillThrough(plane(0), 2))
    assert not annotation.labels[2, 7:9, 8:11].any()
    assert (annotation.labels[3, 7:9, 8:11] == 2).all()
    assert annotation.do(FillThrough(plane(0), 2)) is None
    with pytest.raises(InputError, match="not in this stack"):
        annotation.do(FillThrough(plane(0), 9))

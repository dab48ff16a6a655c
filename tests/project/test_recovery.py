"""What came back from a journal, in words, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.schema import INSTANCES
from napari_unet.geometry.box import Box
from napari_unet.project.journal import Syncer
from napari_unet.project.project import Project
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import Recovered, recover, saved_annotation
from tests.project.small_projects import CLASSES, VALUES, make_project, same

WHEN = datetime(2030, 1, 1, 12).astimezone()


@pytest.mark.parametrize(
    ("found", "phrases"),
    [
        (Recovered(), []),
        (Recovered(1, False, 0, WHEN), ["1 change after the last save", "01 January"]),
        (Recovered(2, False, 0, WHEN), ["2 changes after the last save"]),
        (Recovered(0, True, 0, None), ["A stroke was under way"]),
        (Recovered(0, False, 2, None), ["2 changes in the journal cannot be read"]),
        (Recovered(3, True, 1, WHEN), ["3 changes", "it is lost", "1 change in the"]),
    ],
)
def test_what_was_found_is_told(found, phrases):
    words = found.describe()
    assert all(phrase in words for phrase in phrases)
    assert bool(words) is bool(phrases)


@pytest.fixture
def stored(folder, image):
    """A save after the third of six strokes, and what is in memory."""
    syncer = Syncer()
    project = Project(folder, syncer)
    annotation = Annotation(np.zeros(image.labels_shape, np.int32))
    journal = project.begin_journal(image, image.key, 0)
    annotation.listener = journal.append
    for number in range(6):
        annotation.labels[number, :3] = number + 1
        annotation.notice_change(Box.whole(image.labels_shape))
        if number == 2:
            sequence = journal.sequence
            project.save(image, annotation.snapshot(), image.key, sequence)
    project.close()
    syncer.close()
    return ProjectStore(folder).load_work(image), annotation


def brought_back(stored):
    annotation = Annotation(stored.labels.copy(), stored.provenance.copy())
    return annotation, recover(annotation, stored)


def test_a_save_and_its_journal_are_what_there_was(stored):
    read, expected = stored
    annotation, found = brought_back(read)
    assert found.changes == 3
    assert not found.missing
    assert np.array_equal(annotation.labels, expected.labels)
    assert np.array_equal(annotation.provenance, expected.provenance)
    assert len(annotation.history.done) == 6
    assert annotation.open_objects == expected.open_objects


def test_what_comes_after_a_gap_comes_back_too_and_the_gap_is_told(stored):
    read, expected = stored
    logged = tuple(each for each in read.journal.logged if each.sequence != 5)
    gap = replace(read, journal=replace(read.journal, logged=logged))
    annotation, found = brought_back(gap)
    assert found.missing == 1
    assert "1 change in the journal cannot be read" in found.describe()
    assert (annotation.labels[5, :3] == 6).all()
    assert (annotation.labels[4, :3] == 0).all()
    assert expected.labels[4, 0] == 5


@pytest.mark.parametrize(
    ("trailing", "last", "missing"), [(2, 6, 2), (1, 2, 0), (3, 2, 2), (0, 6, 0)]
)
def test_damaged_lines_after_the_last_change_are_told(stored, trailing, last, missing):
    read, _ = stored
    logged = read.journal.logged[:last]
    journal = replace(read.journal, logged=logged, trailing=trailing)
    _, found = brought_back(replace(read, journal=journal))
    assert found.missing == missing
    assert bool(found.missing) is bool(missing)


@pytest.mark.parametrize("damaged", [False, True], ids=["newest", "older"])
@pytest.mark.parametrize("schema", [INSTANCES, CLASSES, VALUES], ids=lambda s: s.task)
def test_any_save_and_the_journal_are_what_was_in_memory(folder, schema, damaged):
    work = make_project(folder, schema)
    if damaged:
        max((folder / "labels").iterdir()).write_bytes(b"damaged")
    stored = ProjectStore(folder).load_work(work.image)
    assert (stored.sequence < work.saved[-1]) is damaged
    annotation, expected = saved_annotation(schema, stored), work.annotation
    found = recover(annotation, stored)
    assert not found.missing
    assert found.changes == len(work.states) - 1 - stored.sequence
    assert same(annotation.snapshot(), work.final)
    assert annotation.next_id == expected.next_id or schema is VALUES
    expected.listener = None
    strokes = len(expected.history.done)
    assert len(annotation.history.done) == strokes > 0
    for _ in range(strokes):
        annotation.undo()
        expected.undo()
        assert same(annotation.snapshot(), expected.snapshot())

"""Two windows that wrote under one name, as in the first release: all comes back."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.provenance import AnnotationSnapshot, is_verified
from napari_unet.annotation.schema import INSTANCES
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.errors import StorageError
from napari_unet.project.identity import ImageFields
from napari_unet.project.journal import Journal
from napari_unet.project.journal_reader import list_segments, scan_journal
from napari_unet.project.rescue.histories import unite
from napari_unet.project.rescue.repair import recover_here
from napari_unet.project.rescue.survey import no_images
from napari_unet.project.rescue.verify import verify
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import rebuild
from napari_unet.tasks import task_of
from tests.project.small_projects import (
    CLASSES,
    SHAPE,
    VALUES,
    Work,
    begin,
    contents,
    open_project,
)


class Twice:
    """One image that is open twice under one name in one window."""

    def __init__(self, folder: Path, schema=INSTANCES) -> None:
        self.project, self.syncer = open_project(folder)
        first = begin(self.project, folder.parent, schema=schema)
        self.folder, self.works = folder, [first]
        self.saves: list[AnnotationSnapshot] = []
        self.open_again()

    def open_again(self) -> Work:
        """Read what there is, and go on from it, as if nobody else did."""
        first = self.works[0]
        stored = self.project.store.load_work(first.image)
        if stored is None:
            annotation = _empty(first)
        else:
            annotation, _ = rebuild(first.image.schema, stored)
        work = Work(self.project, first.image, annotation, None)
        work.journal = self._journal(first, stored.last if stored else 0)
        annotation.listener = work._note
        work.states.append(annotation.snapshot())
        self.works.append(work)
        return work

    def _journal(self, first: Work, sequence: int) -> Journal:
        journal = self.project.begin_journal(first.image, first.key, sequence)
        journal.refuse_if_outdated = lambda: None  # nobody looked in the first release
        return journal

    def save(self, work: Work) -> None:
        work.save()
        self.saves.append(work.final)

    def close(self) -> None:
        self.project.close()
        self.syncer.close()

    def held(self) -> np.ndarray:
        """Return what is verified in any save that is kept, or where anybody ended."""
        ends = [*self.saves[-3:], *(work.final for work in self.works)]
        return np.any([is_verified(each.provenance) for each in ends], axis=0)


def _empty(first: Work) -> Annotation:
    schema = first.image.schema
    return task_of(schema).labels.empty(schema.names, SHAPE)


def _label(work: Work, number: int) -> int:
    if isinstance(work.annotation, ValueAnnotation):
        return work.annotation.mark_for(0, number / 4)
    return number


def recover_all(folder: Path) -> None:
    """Recover; afterwards all is sound."""
    recover_here(folder, no_images)
    report = verify(folder)
    assert report.sound, report.problems
    assert not recover_here(folder, no_images).changed


def recovered(folder: Path, work: Work) -> AnnotationSnapshot:
    """Recover; afterwards opening says nothing."""
    recover_all(folder)
    stored = ProjectStore(folder).load_work(work.anywhere)
    assert stored is not None
    assert stored.notice is None
    return rebuild(work.image.schema, stored)[0].snapshot()


@pytest.fixture(params=[INSTANCES, CLASSES, VALUES], ids=lambda s: s.task)
def twice(request: pytest.FixtureRequest, tmp_path: Path) -> Twice:
    """The one strokes and saves, and so does the other; then both end."""
    made = Twice(tmp_path / "cells.unet", request.param)
    one, other = made.works
    one.paint(1, 1, _label(one, 1))
    other.paint(1, 15, _label(other, 1))
    one.paint(9, 1, _label(one, 2))
    made.save(one)
    other.paint(9, 15, _label(other, 2))
    other.paint(9, 22, _label(other, 2))
    other.annotation.do(Settle())
    made.save(other)
    one.paint(17, 1, _label(one, 1))
    made.close()
    return made


def test_what_either_verified_comes_back(twice: Twice) -> None:
    assert not verify(twice.folder).sound
    before = contents(twice.folder)
    found = recovered(twice.folder, twice.works[0])
    assert is_verified(found.provenance)[twice.held()].all()
    after = contents(twice.folder).values()
    journals = {k: v for k, v in before.items() if k.endswith((".tif", ".jsonl"))}
    assert all(content in after for content in journals.values())


def test_objects_of_both_are_told_apart(tmp_path: Path) -> None:
    made = Twice(tmp_path / "cells.unet")
    one, other = made.works
    one.paint(1, 1, 1)
    other.paint(1, 15, 1)
    made.save(one)
    made.save(other)
    made.close()
    found = recovered(made.folder, one)
    assert found.labels[2, 16] == 1, "the newest save"
    assert found.labels[2, 2] > 1
    assert found.next_id > found.labels[2, 2]


def test_to_go_on_with_it_loses_nothing_until_it_is_recovered(twice: Twice) -> None:
    one = twice.works[0]
    for number in range(3):
        project, syncer = open_project(twice.folder)
        stored = project.store.load_work(one.image)
        assert stored is not None
        assert "project recover" in str(stored.notice)
        annotation, _ = rebuild(one.image.schema, stored)
        journal = project.begin_journal(one.image, one.key, stored.last)
        more = Work(project, one.image, annotation, journal)
        annotation.listener = more._note
        for step in range(3):
            more.paint(2 * step + number, 23 - number, _label(more, 5 + step))
            more.save()
        project.close()
        syncer.close()
    found = recovered(twice.folder, one)
    kept = twice.held() | is_verified(more.final.provenance)
    assert is_verified(found.provenance)[kept].all()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        st.sampled_from(["paint", "paint", "save", "settle"]),
        st.integers(0, 18),
        st.integers(0, 24),
        st.integers(1, 3),
    ),
    min_size=3,
    max_size=12,
)

SAVED_ONCE = [(0, "paint", 0, 0, 1), (0, "save", 0, 0, 1)]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=st.integers(0, 2), steps=STEPS, damage=st.lists(st.integers(0), max_size=2)
)
@example(
    before=0, steps=[(0, "paint", 0, 0, 1)] * 4 + [(0, "save", 0, 0, 1)], damage=[0, 1]
)
def test_whatever_two_did_and_whatever_is_damaged(
    tmp_path_factory: pytest.TempPathFactory,
    before: int,
    steps: list[tuple[int, str, int, int, int]],
    damage: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("twice") / "cells.unet"
    made = Twice(folder)
    for number in range(before):
        made.works[0].paint(9, 9 * number, 1 + number)
        made.save(made.works[0])
    if before:
        made.works.pop()
        made.open_again()
    for step in steps:
        take(made, *step)
    made.close()
    broken = cut_short(folder, damage)
    journals = [path.suffix == ".jsonl" for path in broken]
    held = readable(folder)
    if not any(journals):
        held |= ends(made)
    contrary = is_contrary(folder, made.works[0])
    before_it = contents(folder)
    if before_it and not verify(folder).sound:
        recover_all(folder)
        # Of damaged files there may be nothing left to open.
        if held.any():
            found = recovered(folder, made.works[0])
            if contrary:
                assert not (held & ~is_verified(found.provenance)).any()
    after = contents(folder)
    for name, content in before_it.items():
        assert name.startswith("project") or content in after.values(), name
    shutil.rmtree(folder.parent)


def take(made: Twice, who: int, what: str, y: int, x: int, label: int) -> None:
    """Let one of the two do something; none of it lets go of what is verified."""
    work = made.works[who]
    if what == "save":
        made.save(work)
    elif what == "paint":
        work.paint(y, x, label)
    else:
        work.annotation.do(Settle())


def cut_short(folder: Path, damage: list[int]) -> list[Path]:
    """Cut files short; return which."""
    files = sorted(p for p in folder.rglob("*") if p.suffix in {".tif", ".jsonl"})
    broken = [files[number % len(files)] for number in damage if files]
    for path, number in zip(broken, damage, strict=False):
        path.write_bytes(path.read_bytes()[: number % (path.stat().st_size + 1)])
    return broken


def ends(made: Twice) -> np.ndarray:
    """Return what is verified where either of the two ended."""
    both = [is_verified(work.final.provenance) for work in made.works]
    return np.any(both, axis=0)


def readable(folder: Path) -> np.ndarray:
    """Return what is verified in saves that can be read."""
    found = np.zeros(SHAPE, bool)
    store = ProjectStore(folder)
    for entry in store.read()[0].images:
        for generation in entry.generations:
            with suppress(StorageError):
                save = store.files.read_save(entry, generation)
                found |= is_verified(save.provenance)
    return found


def is_contrary(folder: Path, work: Work) -> bool:
    """Whether files that are whole tell that two wrote: changes do not count up."""
    image = ImageFields.of(work.image, folder)
    return not scan_journal(list_segments(folder / "journal"), image).ordered


@given(data=st.data())
def test_to_unite_takes_nothing_from_the_first(data: st.DataObject) -> None:
    def drawn() -> AnnotationSnapshot:
        seed = data.draw(st.integers(0, 2**16))
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 4, (5, 6)).astype(np.int32)
        provenance = rng.integers(0, 4, (5, 6)).astype(np.uint8)
        return AnnotationSnapshot(labels, provenance, 4, revision=0)

    base, other = drawn(), drawn()
    found = unite(base, other, objects=True)
    ours, theirs = is_verified(base.provenance), is_verified(other.provenance)
    added = theirs & ~ours
    assert found.added == added.sum()
    np.testing.assert_array_equal(found.work.labels[~added], base.labels[~added])
    np.testing.assert_array_equal(found.work.provenance[added], other.provenance[added])
    assert (is_verified(found.work.provenance) == ours | theirs).all()
    assert ((found.work.labels[added] == 0) == (other.labels[added] == 0)).all()
    assert found.work.next_id > found.work.labels.max()
    # No two objects become one: only what overlaps keeps an id that there was.
    for label in np.unique(other.labels[added & (other.labels > 0)]):
        (new,) = np.unique(found.work.labels[added & (other.labels == label)])
        overlaps = ((base.labels == label) & (other.labels == label)).any()
        assert (new == label) == (overlaps or label not in base.labels)

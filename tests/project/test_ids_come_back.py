"""Whatever number the brush paints comes back: journal, save, opening and repair."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_unet.annotation.edits import Settle
from napari_unet.geometry.ids import LARGEST_ID, LARGEST_NEW_ID
from napari_unet.project.rescue.repair import recover_here
from napari_unet.project.rescue.survey import no_images
from napari_unet.project.rescue.verify import verify
from napari_unet.project.store import ProjectStore
from napari_unet.project.stored import recover, saved_annotation
from tests.project.small_projects import SHAPE, begin, open_project, same

EDGES = [0, 1, 2, LARGEST_NEW_ID - 1, LARGEST_NEW_ID, LARGEST_NEW_ID + 1]
EDGES += [LARGEST_ID - 1, LARGEST_ID, -1, -7, -LARGEST_ID - 1, 2**24, 2**24 + 1]
IDS = st.sampled_from(EDGES) | st.integers(-LARGEST_ID - 1, LARGEST_ID)
STROKES = st.lists(
    st.tuples(IDS, st.integers(0, 20), st.integers(0, 20), st.booleans()),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=24,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(strokes=STROKES, damaged=st.booleans())
def test_every_id_comes_back_and_none_is_given_away_twice(
    tmp_path_factory, strokes, damaged
):
    folder = tmp_path_factory.mktemp("ids") / "cells.unet"
    project, syncer = open_project(folder)
    work = begin(project, folder.parent)
    used = set()
    for label, y, x, saved in strokes:
        used |= {label, new := work.annotation.new_id()}
        work.paint(y, x, label)
        work.paint(x, y, new)
        if saved:
            work.save()
    work.annotation.do(Settle())
    final = work.annotation.snapshot()
    project.close()
    syncer.close()
    if damaged:
        for path in sorted((folder / "provenance").iterdir())[-1:]:
            path.write_bytes(b"")
        recover_here(folder, no_images)
    assert verify(folder).sound
    stored = ProjectStore(folder).load_work(work.image)
    again = saved_annotation(work.image.schema, stored)
    recover(again, stored)
    assert same(again.snapshot(), final)
    used |= set(np.unique(final.labels).tolist())
    whole = np.arange(1, np.prod(SHAPE) + 1, dtype=np.int32).reshape(SHAPE)
    given_away = {again.new_id() for _ in range(9)}
    assert not given_away & used
    predicted = np.where(whole % 3 == 0, whole, 0)
    merged = again.rules.merge(
        again.labels, again.provenance, predicted, again.next_id, box=None
    )
    new = set(range(merged.first_id, merged.next_id))
    assert not new & (used | given_away)


def test_a_project_in_which_an_older_version_counted_past_the_end_goes_on(tmp_path):
    folder = tmp_path / "cells.unet"
    project, syncer = open_project(folder)
    work = begin(project, tmp_path)
    work.paint(1, 1, 5)
    work.paint(9, 9, LARGEST_ID)
    work.save()

    def as_before(manifest):
        (entry,) = manifest.images
        entry = entry.model_copy(update={"next_id": LARGEST_ID + 1})
        return manifest.model_copy(update={"images": (entry,)})

    project.store.update(as_before)
    project.close()
    syncer.close()
    stored = ProjectStore(folder).load_work(work.image)
    again = saved_annotation(work.image.schema, stored)
    recover(again, stored)
    assert again.new_id() == 6
    assert same(again.snapshot(), work.final)

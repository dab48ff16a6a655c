"""A stack whose labels do not fit into memory, which here is small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
import zarr

from napari_unet.annotation.edits import Settle
from napari_unet.annotation.plane_accepting import AcceptPlane, AcceptUpToHere
from napari_unet.annotation.plane_edits import CopyToNext, Interpolate
from napari_unet.geometry.box import Box
from napari_unet.geometry.section import Section
from napari_unet.inference import tile_maps
from napari_unet.io.large_file import find_large, open_large
from napari_unet.session.finetune import snapshots_of
from napari_unet.session.images.size import MOST_BYTES, is_large
from napari_unet.session.live import rest
from napari_unet.session.live.live import REST_SECONDS
from tests.runners import InlineRunner
from tests.session.brightness import disks
from tests.session.conftest import Stage

SHAPE = 5, 300, 320
VIEW = Box((2, 100, 100), (3, 180, 180))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_maps, "TILE", 64)
    monkeypatch.setattr(rest, "_SIDE", 160)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stack.zarr"
    pixels = np.stack([disks(SHAPE[1:], pitch=40, radius=6 + z) for z in range(5)])
    array = zarr.create_array(
        path,
        shape=SHAPE,
        chunks=(1, 128, 128),
        dtype=pixels.dtype,
        dimension_names=["z", "y", "x"],
    )
    array[:] = pixels
    return path


class Large(Stage):
    def open_stack(self, path: Path) -> None:
        images = self.session.images
        images.most_bytes = 10_000
        source = find_large(path, lambda *each: is_large(*each, 10_000))
        assert source is not None
        found = open_large(source)
        images.open(found.levels[0], path.name, found.axes, path)
        self.run()

    def stroke(self, box: Box, label: int) -> None:
        annotation = self.annotation
        annotation.pane.move(annotation.pane.best(box))
        annotation.live[box.slices] = label
        assert annotation.notice_change(box) is not None
        self.session.note_edit(self.session.images.current)

    def until_rested(self) -> None:
        for _ in range(3000):
            self.clock.now += REST_SECONDS
            self.session.tick()
            if not self.state.live.busy and not self.state.predicting:
                return
        raise AssertionError("it does not come to an end")


def _opened(bright: Path, path: Path) -> Large:
    stage = Large.make(InlineRunner(), view=lambda: VIEW)
    stage.session.models.choose(bright)
    stage.run()
    stage.open_stack(path)
    return stage


def _section(z: int) -> Section:
    return Section((z, 110, 110), (1, 2), 0, 0)


def _labels(stage: Stage, z: int) -> np.ndarray:
    return stage.annotation.pixels.labels[z : z + 1, 0:300, 0:320][0]


def test_a_stack_is_large_where_the_memory_is_small() -> None:
    """One that can be held whole is: it is seen from three sides then."""
    share = max(1, psutil.virtual_memory().total / 4 / MOST_BYTES)
    side = int((MOST_BYTES / 9) ** 0.5)
    assert is_large((side + 10, side), "YX")
    assert not is_large((1, side - 10, side), "ZYX")
    assert not is_large((2, side // 2, side // 2), "ZYX")
    assert is_large((int(share) + 2, side, side), "ZYX")


def test_the_plane_in_view_is_predicted_first_and_those_beside_it_next(
    bright: Path, path: Path
) -> None:
    stage = _opened(bright, path)
    assert stage.state.image.large
    stage.session.predict()
    seen: list[int] = []
    for _ in range(3000):
        stage.clock.now += REST_SECONDS
        stage.session.tick()
        whole = {z: Box((z, 0, 0), (z + 1, *SHAPE[1:])) for z in range(5)}
        seen += [
            z
            for z, box in whole.items()
            if z not in seen and not stage.annotation.unseen(box).any()
        ]
        if not stage.state.live.busy and not stage.state.predicting:
            break
    assert seen[0] == 2
    assert set(seen[1:3]) == {1, 3}
    assert sorted(seen) == [0, 1, 2, 3, 4]
    for z in range(5):
        wanted = disks(SHAPE[1:], pitch=40, radius=6 + z) > 100
        assert ((_labels(stage, z) > 0) == wanted).mean() > 0.99


def test_work_in_planes_comes_back_with_all_that_is_known_of_it(
    bright: Path, path: Path
) -> None:
    stage = _opened(bright, path)
    stage.stroke(Box((1, 20, 20), (2, 40, 40)), 7)
    stage.stroke(Box((4, 20, 24), (5, 40, 44)), 7)
    stage.annotation.do(Settle())
    assert stage.annotation.do(Interpolate(_section(1), 7)) is not None
    assert all(_labels(stage, z)[30, 35] == 7 for z in range(1, 5))
    stage.annotation.undo()
    assert not _labels(stage, 2).any()
    assert stage.annotation.do(CopyToNext(_section(1), 7)) is not None
    assert (_labels(stage, 2) == 7).sum() == 400
    stage.session.predict()
    stage.until_rested()
    planes = stage.annotation.planes
    assert not planes.finished(3)
    assert stage.annotation.do(AcceptPlane(_section(3), 0)) is not None
    assert planes.finished(3)
    assert not planes.finished(2)
    stage.annotation.undo()
    assert not planes.finished(3)
    assert stage.annotation.do(AcceptUpToHere(_section(1), 0)) is not None
    assert [planes.finished(n) for n in range(5)] == [True, True, False, False, False]
    before = stage.annotation.counts(), [_labels(stage, z) for z in range(5)]
    lessons = snapshots_of(stage.session.images)
    samples = [sample for x in lessons if (sample := x.as_sample()) is not None]
    assert {each.image.shape[0] for each in samples} == {1}
    stage.session.close()
    again = _opened(bright, path)
    assert again.session.images.current.has_labels
    assert again.annotation.counts() == before[0]
    for z, labels in enumerate(before[1]):
        np.testing.assert_array_equal(_labels(again, z), labels)
    planes = again.annotation.planes
    assert [planes.finished(n) for n in range(5)] == [True, True, False, False, False]
    again.annotation.undo()
    assert not planes.finished(1)


def test_an_undo_costs_what_the_stroke_does(bright: Path, path: Path) -> None:
    """And saves hold the planes that were worked on, and no others."""
    stage = _opened(bright, path)
    stage.stroke(Box((1, 20, 20), (2, 40, 40)), 7)
    stage.session.images.current.saving.finish()
    names = {each.name for each in path.parent.glob("stack.unet/chunks/*/*.labels.tif")}
    assert names == {"1-0-0.1.labels.tif"}
    assert len(stage.annotation.pixels.labels.here) == 1

"""An edit is added in one file, this one: done, written down, undone and offered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from napari.components import ViewerModel
from scipy.ndimage import binary_fill_holes

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import EDITS, ObjectEdit, Tool, register
from napari_unet.annotation.edits import Settle
from napari_unet.annotation.provenance import Provenance
from napari_unet.annotation.workspace import Workspace
from napari_unet.gui.keys import keys_of_tools
from napari_unet.gui.panels.correct import CorrectPanel
from napari_unet.gui.workbench import Workbench
from napari_unet.project.identity import ImageFields, ImageIdentity
from napari_unet.project.journal import Journal, Syncer
from napari_unet.project.journal_reader import read_journal

SHAPE = (16, 16)
IMAGE = ImageIdentity.of("a", np.zeros(SHAPE, np.uint8), "YX")


@dataclass(frozen=True, slots=True)
class FillPlanes(ObjectEdit):
    """Fill the holes of an object, plane by plane."""

    name: ClassVar[str] = "fill planes"
    tool: ClassVar[Tool | None] = Tool(
        "Fill planes",
        "Fill the holes of the object that is picked (5)",
        "object",
        key="Shift+H",
        done="Filled.",
        unchanged="There are no holes.",
    )

    def do(self, work: Workspace) -> Change | None:
        """Paint background that the object encloses."""
        body = work.pixels.labels == self.object_id
        planes = body.reshape(-1, *body.shape[-2:])
        filled = np.array([binary_fill_holes(plane) for plane in planes])
        points = np.nonzero(filled.reshape(body.shape) & (work.pixels.labels == 0))
        return work.paint(points, np.full(len(points[0]), self.object_id, np.int32))


@pytest.fixture(autouse=True)
def _registered():
    register(FillPlanes)
    yield
    del EDITS[FillPlanes.name]


def ring() -> Annotation:
    """A predicted ring around a hole of 4 x 4, which holds another object."""
    labels = np.zeros(SHAPE, np.int32)
    labels[4:12, 4:12] = 1
    labels[6:10, 6:10] = 0
    labels[7, 7] = 2
    return Annotation(labels, np.full(SHAPE, Provenance.PREDICTED, np.uint8))


def state(annotation: Annotation) -> list[list[int]]:
    return [annotation.labels.tolist(), annotation.provenance.tolist()]


def test_it_is_done_undone_and_redone():
    annotation = ring()
    before = state(annotation)
    change = annotation.do(FillPlanes(1))
    after = state(annotation)
    assert (change.kind, change.box.slices) == ("edit", np.s_[6:10, 6:10])
    assert annotation.pixels_of(1) == 63
    assert annotation.pixels_of(2) == 1
    corrected = annotation.provenance == Provenance.CORRECTED
    assert corrected.sum() == 15
    assert annotation.open_objects == {1}
    annotation.undo()
    assert state(annotation) == before
    annotation.redo()
    assert state(annotation) == after
    assert annotation.do(FillPlanes(1)) is None


def test_it_is_written_down_and_undone_after_a_restart(tmp_path: Path):
    syncer, annotation = Syncer(), ring()
    before = state(annotation)
    fields = ImageFields.of(IMAGE, tmp_path)
    journal = Journal(tmp_path, IMAGE.key, fields, 0, syncer, lambda: None)
    annotation.listener = journal.append
    annotation.do(FillPlanes(1))
    annotation.do(Settle())
    journal.close()
    syncer.close()
    again = ring()
    for logged in read_journal(tmp_path, IMAGE.key, fields).logged:
        again.repeat(logged.change)
    assert state(again) == state(annotation)
    again.undo()
    assert state(again) == before
    again.redo()
    assert state(again) == state(annotation)


def test_front_ends_offer_it(qtbot):
    viewer = ViewerModel()
    bench = Workbench(viewer)
    panel = CorrectPanel(bench)
    qtbot.addWidget(panel)
    offered = panel.edits["fill planes"]
    assert offered.text() == "Fill planes"
    assert offered.property("tip") == f"{FillPlanes.tool.tip} (Shift+H)"
    panel.show_state(bench.session.state)
    assert "Choose an image first" in offered.toolTip()
    assert "Shift+H" in keys_of_tools().values()
    assert "Shift+H" in {str(binding) for binding in viewer.keymap}
    offered.click()
    assert not bench.session.state.image
    bench.close()

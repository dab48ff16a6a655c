"""What was exported, corrected in another program and imported again.

Ids stay, and what is different is a person's correction. roifile, tifffile and json do
what hands do in Fiji and QuPath: they delete, draw anew, and add.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import tifffile

from napari_unet.annotation.labels import OBJECT_IDS
from napari_unet.annotation.provenance import Provenance
from napari_unet.io.labels import labels_of, read_label_file
from tests.session.conftest import Stage
from tests.session.test_projects import open_file

GONE, SMALLER, PAINTED, NEW = 2, 6, 77, 900
SQUARES = {SMALLER: np.s_[41:56, 9:24], NEW: np.s_[60:64, 60:64]}


def corners(number: int) -> list[tuple[int, int]]:
    """Return the corners (X, Y) of what is drawn."""
    rows, columns = SQUARES[number]
    left, right, top, bottom = columns.start, columns.stop, rows.start, rows.stop
    return [(left, top), (left, bottom), (right, bottom), (right, top)]


def in_pixels(path: Path) -> None:
    labels = tifffile.imread(path)
    labels[np.isin(labels, (GONE, SMALLER))] = 0
    for number, place in SQUARES.items():
        labels[place] = number
    tifffile.imwrite(path, labels.astype(np.float32))  # as Fiji may save it


def in_fiji(path: Path) -> None:
    regions = roifile.roiread(path)
    kept = [each for each in regions if each.name not in (str(GONE), str(SMALLER))]
    drawn = [
        roifile.ImagejRoi.frompoints(np.array(corners(n), np.float32), name=str(n))
        for n in SQUARES
    ]
    path.unlink()  # roifile would add to the file
    roifile.roiwrite(path, [*kept, *drawn])


def in_qupath(path: Path) -> None:
    content = json.loads(path.read_text())

    def drawn(number: int) -> dict[str, Any]:
        ring = [list(map(float, point)) for point in corners(number)]
        return {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            "properties": {"objectType": "annotation", "name": str(number)},
        }

    kept = [
        feature
        for feature in content["features"]
        if feature["properties"]["label"] not in (GONE, SMALLER)
    ]
    content["features"] = [*kept, *map(drawn, SQUARES)]
    path.write_text(json.dumps(content))


CORRECT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "fiji": ("a labels.tif", in_pixels),
    "imagej-roi": ("a rois.zip", in_fiji),
    "geojson": ("a objects.geojson", in_qupath),
}


@pytest.fixture(params=CORRECT)
def corrected(request: Any, stage: Stage, files: list[Path]) -> tuple[Stage, Path]:
    """Return a stage with found objects, and a file of them that was corrected."""
    open_file(stage, files[0])
    stage.session.predict()
    stage.run()
    stage.paint(np.s_[60:70, 20:36], PAINTED)
    stage.paint(np.s_[62:65, 26:30], 0)  # a hole
    stage.session.exporting.choose(request.param, True)
    stage.session.exporting.start()
    stage.run()
    name, correct = CORRECT[request.param]
    path = stage.state.exporting.folder / name
    correct(path)
    return stage, path


@pytest.mark.parametrize("right", [False, True])
def test_ids_stay_and_what_differs_is_corrected(
    corrected: tuple[Stage, Path], right: bool
) -> None:
    stage, path = corrected
    before = stage.annotation.snapshot()
    theirs = before.labels.copy()
    theirs[np.isin(theirs, (GONE, SMALLER))] = 0
    for number, place in SQUARES.items():
        theirs[place] = number
    file = read_label_file(path, before.labels.shape, "YX")
    assert not file.notes
    stage.session.correcting.take(labels_of(file, OBJECT_IDS), path.name, right=right)
    now = stage.annotation
    differs = before.labels != theirs
    if right:
        np.testing.assert_array_equal(now.labels, theirs)
        # What is left of an object, and the rim of what was drawn, are right with it.
        mine = differs | (before.provenance == Provenance.CORRECTED)
        np.testing.assert_array_equal(now.provenance == Provenance.CORRECTED, mine)
        others = ~mine & (theirs > 0) & (theirs != SMALLER)
        assert (now.provenance[others] == Provenance.PREDICTED).all()
    else:  # a new object of a prediction gets an id that nobody ever had
        fresh = now.labels[62, 62]
        assert fresh > before.labels.max()
        theirs[theirs == NEW] = fresh
        np.testing.assert_array_equal(now.labels, theirs)
        assert (now.provenance[now.labels == PAINTED] == Provenance.CORRECTED).all()
        assert (now.provenance[now.labels == fresh] == Provenance.PREDICTED).all()

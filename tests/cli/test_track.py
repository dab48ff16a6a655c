"""`napari-unet track`, and `predict --track`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet.io.labels import read_ids
from napari_unet.tracking import Track, read_tracks
from tests.cli.conftest import _draw

if TYPE_CHECKING:
    from tests.cli.conftest import Run

TYX = {"axes": "TYX"}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Nine objects that do not move, with other ids in each frame."""
    _, drawn = _draw(0)
    frames = np.stack([drawn, np.where(drawn > 0, 10 - drawn, 0), 7 * drawn])
    tifffile.imwrite(
        tmp_path / "a.tif",
        frames.astype(np.uint16),
        photometric="minisblack",
        metadata=TYX,
    )
    return tmp_path / "a.tif"


def test_ids_follow_objects(run: Run, labels: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "new" / "b.tif", tmp_path / "b.csv"
    arguments = ("track", labels, "--out", out, "--tracks", table)
    result = run(*arguments, "--json")
    assert result.code == 0, result
    told = {"written": str(out), "tracks": str(table), "objects": 9, "divisions": 0}
    assert json.loads(result.out) == told
    np.testing.assert_array_equal(read_ids(out), [_draw(0)[1]] * 3)
    assert read_tracks(table) == tuple(Track(n, 0, 2) for n in range(1, 10))
    run(*arguments).refused("exist")
    assert run(*arguments, "--overwrite").out == f"{out}: 9 tracks, 0 divisions\n"
    folder = tmp_path / "b.ctc"
    export = ("export", out, "--tracks", table, "--out", folder)
    assert run(*export).code == 0
    assert len((folder / "res_track.txt").read_text().splitlines()) == 9


def test_what_planes_are_is_told(run: Run, labels: Path, tmp_path: Path) -> None:
    frames, out = tifffile.imread(labels), tmp_path / "b.tif"
    tifffile.imwrite(labels, frames, photometric="minisblack", metadata=None)
    result = run("track", labels, "--out", out)
    assert result.code == 0, result
    assert "TYX (time-lapse) was guessed; say --axes ZYX" in result.err
    tifffile.imwrite(labels, frames, photometric="minisblack", metadata={"axes": "ZYX"})
    stack = ("track", labels, "--out", out, "--overwrite")
    run(*stack).refused("found a z-stack (ZYX); if its sections are frames")
    assert run(*stack, "--axes", "TYX").code == 0
    tifffile.imwrite(labels, frames[0], metadata=None)
    run(*stack).refused("found a plane (YX)")


def test_mistakes_are_told(run: Run, labels: Path, tmp_path: Path) -> None:
    run("track", labels, "--out", tmp_path / "b.png").refused("ends with .tif")
    out = tmp_path / "b.tif"
    run("track", labels, "--out", labels, "--overwrite").refused("would replace")
    run("track", labels, "--out", out, "--tracks", "b.txt").refused("ends with .csv")
    run("track", tmp_path / "no.tif", "--out", out).refused("no.tif")
    nothing = ("export", labels, "--out", tmp_path / "b.ctc", "--tracks", labels)
    run(*nothing).refused("table of tracks")


def test_predict_with_tracks(run: Run, model: Path, tmp_path: Path) -> None:
    image, out = tmp_path / "a.tif", tmp_path / "out"
    tifffile.imwrite(
        image, np.stack([_draw(0)[0]] * 2), photometric="minisblack", metadata=TYX
    )
    arguments = ("predict", image, "--model", model, "--out", out, "--track")
    arguments = (*arguments, "--diameter", 15)
    result = run(*arguments, "--json")
    assert result.code == 0, result
    (written,) = json.loads(result.out)["written"]
    tracks = read_tracks(Path(written["tracks"]))
    assert Path(written["tracks"]) == out / "a_tracks.csv"
    found = read_ids(out / "a.tif")
    np.testing.assert_array_equal(found[0], found[1])
    assert tracks == tuple(Track(n, 0, 1) for n in range(1, found.max() + 1))
    (out / "a.tif").unlink()
    run(*arguments).refused("a_tracks.csv")
    assert run(*arguments, "--resume").code == 0
    assert "1 result from before kept" in run(*arguments, "--resume").err
    run(*arguments, "--overwrite", "--probabilities").refused("maps of probabilities")
    run(*arguments, "--output-format", "tiff").refused("--track is for images that fit")
    run(*arguments, "--overwrite", "--axes", "ZYX").refused("found a z-stack")

"""An open image gets the pixels that its file means, and keeps its work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from tests.session.brightness import disks
from tests.session.conftest import Stage


def test_where_0_is_white(stage: Stage, tmp_path: Path) -> None:
    grey = disks().astype(np.uint8)
    stage.open(grey, "plain")
    stage.session.predict()
    stage.run()
    expected = stage.annotation.labels.copy()
    assert expected.max() > 0

    path = tmp_path / "white.tif"
    tifffile.imwrite(path, 255 - grey, photometric="miniswhite")
    stage.open(tifffile.imread(path), path.name, path=path)
    assert "0 is white" in stage.state.message
    stage.session.predict()
    stage.run()
    np.testing.assert_array_equal(stage.annotation.labels > 0, expected > 0)


def test_colours_that_are_grey_are_no_problem(stage: Stage) -> None:
    grey = disks().astype(np.uint8)
    stage.open(np.stack([grey] * 3, -1), "grey", "YXC")
    assert not stage.state.problems
    stage.session.predict()
    stage.run()
    assert stage.annotation.labels.shape == grey.shape
    assert stage.annotation.labels.max() > 0
    stage.open(np.stack([grey, np.roll(grey, 9, 0), grey], -1), "colour", "YXC")
    assert "image" in stage.state.problems


def test_a_part_of_a_file_is_told(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    stack = np.stack([disks()] * 6).astype(np.uint8)
    tifffile.imwrite(path, stack, compression="zlib")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    stage.open(stack[0], path.name, path=path)
    assert "incomplete or damaged" in stage.state.message

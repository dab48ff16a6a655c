"""Tracks as the Cell Tracking Challenge has them, read and scored by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from ctc_metrics.scripts.evaluate import evaluate_sequence

import napari_unet as nu
from napari_unet.errors import InputError
from napari_unet.tracking import Track

TRACKS = (Track(1, 0, 1), Track(2, 0, 3), Track(3, 2, 3, 1), Track(4, 2, 3, 1))


def frames() -> np.ndarray:
    """Return a mother, her daughters, and one that is missing in a frame."""
    labels = np.zeros((4, 24, 30), np.int32)
    labels[:2, 4:12, 10:18] = 1
    labels[[0, 1, 3], 16:22, 4:10] = 2
    labels[2:, 4:12, 6:12] = 3
    labels[2:, 4:12, 16:22] = 4
    return labels


def scores(result: Path, truth: Path) -> dict[str, float]:
    wanted = ["Valid", "TRA", "LNK", "BC"]
    found: dict[str, float] = evaluate_sequence(
        str(result), str(truth), metrics=wanted, threads=1
    )
    return found


def test_a_folder_is_valid_and_scored_by_others(tmp_path: Path) -> None:
    options = {"axes": "TYX", "tracks": TRACKS}
    result = nu.export(frames(), tmp_path / "a.ctc", **options)
    truth = nu.export(frames(), tmp_path / "a.truth.ctc", **options)
    found = scores(result, truth)
    assert (found["Valid"], found["TRA"], found["LNK"], found["BC(0)"]) == (1, 1, 1, 1)
    # After the gap it is another one, which came from it.
    assert (result / "res_track.txt").read_text().splitlines() == [
        *("1 0 1 0", "2 0 1 0", "3 2 3 1", "4 2 3 1", "5 3 3 2")
    ]
    mask = tifffile.imread(result / "mask003.tif")
    assert mask.dtype == np.uint16
    assert set(np.unique(mask)) == {0, 3, 4, 5}
    assert (truth / "TRA" / "man_track.txt").exists()
    # Without the parents, divisions are lost, and nothing else.
    bare = nu.export(frames(), tmp_path / "b.ctc", axes="TYX")
    found = scores(bare, truth)
    assert found["Valid"] == 1
    assert found["TRA"] < 1
    assert found["tp_div(0)"] == 0


def test_stacks_have_volumes(tmp_path: Path) -> None:
    labels = np.repeat(frames()[:, None], 3, axis=1)
    folder = nu.export(labels, tmp_path / "a.ctc", axes="TZYX", tracks=TRACKS)
    np.testing.assert_array_equal(tifffile.imread(folder / "mask000.tif"), labels[0])


def test_what_this_program_wrote_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    path = nu.export(frames(), tmp_path / "a.ctc", axes="TYX")
    nu.export(frames()[:3], path, axes="TYX", overwrite=True)
    assert not (path / "mask003.tif").exists()
    (path / "mask000.tif").write_bytes(b"changed")
    with pytest.raises(OSError, match=r"mask000\.tif"):
        nu.export(frames(), path, axes="TYX", overwrite=True)


def test_a_table_of_tracks(tmp_path: Path) -> None:
    path = nu.export(frames(), tmp_path / "a.tracks.csv", axes="TYX", tracks=TRACKS)
    assert path.read_text().splitlines()[1:] == [
        *("1,0,1,0", "2,0,3,0", "3,2,3,1", "4,2,3,1")
    ]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ctc"
    with pytest.raises(InputError, match=r"time-lapses.* such as TYX"):
        nu.export(frames(), path, axes="ZYX")
    unlinked = frames()[[0, 3]]
    unlinked[1] += 10 * (unlinked[1] > 0)
    with pytest.raises(InputError, match=r"do not follow objects.*nu\.track"):
        nu.export(unlinked, path, axes="TYX")
    with pytest.raises(InputError, match="came from 2, which is still there"):
        nu.export(frames(), path, axes="TYX", tracks=(Track(3, 2, 3, 2),))
    with pytest.raises(InputError, match=r"up to 65,535, and here is 70,00"):
        nu.export(frames() + 70_000 * (frames() == 2), path, axes="TYX")
    assert list(tmp_path.iterdir()) == []

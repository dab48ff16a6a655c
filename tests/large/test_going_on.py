"""Whatever ends a prediction, the next call goes on; what does not fit is refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
import zarr

from napari_unet.errors import InputError, StorageError
from napari_unet.exports import label_tiff
from napari_unet.exports.label_tiff import Regions
from napari_unet.large import iter_predict_to, work
from napari_unet.large.folder import RunFolder
from tests.large.scenes import asked, crossing, labels_of, predicted
from tests.session.brightness import brightness_model

BLOCKS = 25


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "big.tif"
    tifffile.imwrite(path, crossing((300, 283)))
    return path


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch):
    """Return a function after which some blocks cannot be predicted."""
    predict = work._predict
    tried: list[int] = []

    def poison(*numbers: int, error: type[Exception] = ValueError) -> list[int]:
        def refusing(run, number):
            tried.append(number)
            if number in numbers:
                raise error(f"block {number} is poisoned")
            predict(run, number)

        monkeypatch.setattr(work, "_predict", refusing)
        return tried

    return poison


def run_folder(out: Path) -> RunFolder:
    return RunFolder.beside(out / "big.zarr")


def test_what_was_cancelled_goes_on_with_what_is_missing(
    image: Path, tmp_path: Path, poisoned
) -> None:
    expected = labels_of(predicted(image, tmp_path / "whole"))
    out = tmp_path / "out"
    steps = iter_predict_to(asked(image, out))
    while len(run_folder(out).done()) < 10:
        next(steps)
    steps.close()
    assert not (out / "big.zarr").exists()
    tried = poisoned()
    found = predicted(image, out, chunk=200)
    assert (found.computed, len(tried)) == (BLOCKS - 10, BLOCKS - 10)
    np.testing.assert_array_equal(labels_of(found), expected)
    assert not run_folder(out).folder.exists()
    again = predicted(image, out)
    assert (again.computed, again.objects) == (0, found.objects)


_KILLED = """
import sys
from pathlib import Path
from tests.large.scenes import predicted
predicted(Path(sys.argv[1]), Path(sys.argv[2]), chunk=100)
"""


def test_kill_9_at_any_moment_changes_nothing(image: Path, tmp_path: Path) -> None:
    expected = labels_of(predicted(image, tmp_path / "whole"))
    out, seed = tmp_path / "out", np.random.default_rng()
    least = int(seed.integers(1, BLOCKS - 1))
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(image), str(out)])
    while len(run_folder(out).done()) < least and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = run_folder(out).done()
    found = predicted(image, out)
    if there:  # or else all was finished first, and is there
        assert found.computed == BLOCKS - len(there), f"{least=}"
    np.testing.assert_array_equal(labels_of(found), expected)


def test_a_poisoned_block_stays_empty_and_is_mended_alone(
    image: Path, tmp_path: Path, poisoned
) -> None:
    expected = labels_of(predicted(image, tmp_path / "whole"))
    out = tmp_path / "out"
    tried = poisoned(12)
    found = predicted(image, out, chunk=128)
    assert tried.count(12) == 3
    assert len(tried) == BLOCKS + 2
    (gap,) = found.empty
    assert (gap.region, gap.why) == (
        "Y 128:192, X 128:192",
        "ValueError: block 12 is poisoned",
    )
    labels = labels_of(found)
    assert not labels[128:192, 128:192].any()
    left = np.where(np.isin(labels, np.unique(expected)), labels, 0)
    assert np.array_equal(left > 0, (expected > 0) & (labels > 0))
    noted = zarr.open_group(found.labels, mode="r").attrs["napari-unet"]["empty"]
    assert noted[0]["region"] == gap.region
    tried.clear()
    poisoned()
    mended = predicted(image, out)
    assert tried == [12]
    assert (mended.empty, mended.computed) == ((), 1)
    np.testing.assert_array_equal(labels_of(mended), expected)


def test_a_damaged_piece_of_the_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "big.zarr"
    pixels = crossing((300, 283))
    zarr.create_array(path, data=pixels, chunks=(32, 32))
    whole = labels_of(predicted(path, tmp_path / "whole"))
    piece = path / "c" / "2" / "2"
    piece.write_bytes(piece.read_bytes()[:-9])
    found = predicted(path, tmp_path / "out")
    (gap,) = found.empty
    assert gap.region == "Y 64:128, X 64:128"
    assert "c/2/2" in gap.why
    labels = labels_of(found)
    assert not labels[64:128, 64:128].any()
    labels[64:128, 64:128] = whole[64:128, 64:128]
    np.testing.assert_array_equal(labels > 0, whole > 0)


def test_a_missing_piece_is_told(tmp_path: Path) -> None:
    pixels = crossing((128, 128))
    zarr.create_array(tmp_path / "big.zarr", data=pixels, chunks=(32, 32))
    (tmp_path / "big.zarr" / "c" / "1" / "2").unlink()
    found = predicted(tmp_path / "big.zarr", tmp_path / "out")
    assert "missing in the file (1, such as" in found.notes[0]
    assert "c/1/2" in found.notes[0]
    assert not found.empty


def test_a_full_disk_ends_it_and_it_goes_on(
    image: Path, tmp_path: Path, poisoned
) -> None:
    tried = poisoned(7, error=StorageError)
    with pytest.raises(StorageError, match="block 7"):
        predicted(image, tmp_path / "out")
    assert tried[-1] == 7
    tried.clear()
    poisoned()
    assert predicted(image, tmp_path / "out").computed == BLOCKS - 7
    assert tried[0] == 7


def test_a_full_disk_at_the_very_beginning_leaves_nothing(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, place: Path) -> None:
        place.mkdir()
        raise StorageError("the disk is full")

    monkeypatch.setattr("napari_unet.large.folder.save_model", full)
    with pytest.raises(StorageError, match="full"):
        predicted(image, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_two_do_not_make_the_same_result(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    steps = iter_predict_to(asked(image, out))
    while not run_folder(out).done():
        next(steps)
    with pytest.raises(InputError, match="Another prediction is making"):
        predicted(image, out)
    steps.close()
    assert predicted(image, out).objects
    assert [path.name for path in out.iterdir()] == ["big.zarr"]


def test_no_space_is_told_before(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match="free space"):
        predicted(image, tmp_path / "out")
    assert not run_folder(tmp_path / "out").folder.exists()


def test_what_a_kill_left_of_a_tiff_is_removed_with_the_next_one(
    image: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".big.tif.0123abcd.tmp").write_bytes(b"half")
    (out / ".bigger.tif.0123abcd.tmp").write_bytes(b"of another")
    predicted(image, out, output_format="tiff")
    left = sorted(path.name for path in out.iterdir())
    assert left == [".bigger.tif.0123abcd.tmp", "big.tif"]


def test_a_tiff_that_is_being_written_can_be_interrupted(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_tiff, "PIECE", 64)
    monkeypatch.setattr(label_tiff, "_TILE", 64)
    out = tmp_path / "out"
    steps = iter_predict_to(asked(image, out, output_format="tiff"))
    begun = list[int]()

    def rows(labels: Regions) -> Iterator[Iterator[npt.NDArray[Any]]]:
        for tiles in rows_of_tiles(labels):
            begun.append(len(begun))
            yield tiles

    rows_of_tiles = label_tiff._rows_of_tiles
    monkeypatch.setattr(label_tiff, "_rows_of_tiles", rows)
    while len(begun) < 2:
        next(steps)
    steps.close()
    assert [path.name for path in out.iterdir()] == [".big.tif.run"]
    found = predicted(image, out, output_format="tiff")
    assert found.computed == 0
    assert [path.name for path in out.iterdir()] == ["big.tif"]
    np.testing.assert_array_equal(
        labels_of(found), labels_of(predicted(image, tmp_path / "zarr"))
    )


def test_results_and_runs_of_others_are_left(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predicted(image, out)
    other = brightness_model(threshold=0.3)
    with pytest.raises(InputError, match="another image, model or setting"):
        predicted(image, out, other)
    assert predicted(image, out, other, overwrite=True).computed == BLOCKS
    steps = iter_predict_to(asked(image, tmp_path / "two"))
    while not run_folder(tmp_path / "two").done():
        next(steps)
    steps.close()
    with pytest.raises(InputError, match="what is left of a prediction"):
        predicted(image, tmp_path / "two", other)
    assert predicted(image, tmp_path / "two", other, overwrite=True).computed == BLOCKS
    (out / "plain.zarr").mkdir()
    with pytest.raises(InputError, match="no result of this program"):
        predicted(image, out, name="plain", overwrite=True)


def test_an_image_that_changes_ends_the_run(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    steps = iter_predict_to(asked(image, out, chunk=64))
    while not run_folder(out).done():
        next(steps)
    tifffile.imwrite(image, crossing((300, 283), pitch=30))
    with pytest.raises(InputError, match="has changed"):
        for _ in steps:
            pass
    assert not (out / "big.zarr").exists()
    with pytest.raises(InputError, match="--overwrite"):
        predicted(image, out)

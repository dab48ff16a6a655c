"""Workers of dask find the labels that this process finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

import napari_unet
from napari_unet.core.events import Notice, TilesDone
from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.inference.blocks import Cutting
from napari_unet.inference.predict import predict
from napari_unet.large import attending, iter_predict_to, workers
from napari_unet.large.folder import RunFolder
from napari_unet.models.architectures.unet import UNetConfig
from tests.large.scenes import asked, crossing, labels_of, predicted
from tests.session import brightness

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, in processes of their own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as found:
        yield found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engine") / "big.tif"
    tifffile.imwrite(path, crossing((300, 283)))
    return path


def everywhere(extent: int) -> np.ndarray:
    """Return a grid that is one object, and others between its lines, at every seam."""
    cell = np.zeros((250, 250), np.uint8)
    cell[:6] = cell[:, :6] = 200
    cell[100:130, 100:130] = cell[10:90, 20:24] = cell[140:240, 50:200:10] = 200
    count = -(-extent // 250)
    return np.tile(cell, (count, count))[:extent, :extent]


def test_nine_blocks_begun_here_and_finished_by_workers_is_the_whole(
    cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = UNetConfig(depth=1, base_channels=2, norm="none")
    monkeypatch.setitem(brightness._COMMON, "architecture", small)
    model, pixels = brightness.brightness_model(), everywhere(6000)
    tifffile.imwrite(tmp_path / "big.tif", pixels, tile=(512, 512))
    # The cutting that everybody has.
    asked_for = {"cutting": None, "diameter": 20.0}
    path, out = tmp_path / "big.tif", tmp_path / "out"
    begun = iter_predict_to(asked(path, out, model, chunk=3000, **asked_for))
    while len(RunFolder.beside(out / "big.zarr").done()) < 4:
        next(begun)
    begun.close()
    address = cluster.scheduler_address
    found = predicted(path, out, model, scheduler=address, **asked_for)
    assert (found.blocks, found.computed) == (9, 5)
    labels = labels_of(found)
    whole = predict(pixels, model, device="cpu", diameter=20.0)
    # One to one: as many of both, and each is the same one everywhere.
    assert found.objects == labels.max() == whole.max()
    renamed = np.zeros(found.objects + 1, np.int32)
    renamed[labels.ravel()] = whole.ravel()
    np.testing.assert_array_equal(renamed[labels], whole)


def test_a_block_that_fails_there_is_told_and_the_rest_is_finished(
    cluster, tmp_path: Path
) -> None:
    path = tmp_path / "big.zarr"
    zarr.create_array(path, data=crossing((300, 283)), chunks=(64, 64))
    piece = path / "c" / "2" / "2"
    good = piece.read_bytes()
    address = cluster.scheduler_address
    piece.write_bytes(good[:-9])
    asked = {"scheduler": address, "chunk": 128, "cutting": Cutting(64, 8, 4)}
    found = predicted(path, tmp_path / "out", **asked)
    (gap,) = found.empty
    assert "c/2/2" in gap.why
    assert found.computed == 24


def test_a_worker_that_dies_is_replaced_and_nothing_else_is_lost(
    cluster, image: Path, tmp_path: Path
) -> None:
    expected = labels_of(predicted(image, tmp_path / "here"))
    out = tmp_path / "out"
    task = asked(image, out, scheduler=cluster.scheduler_address, chunk=64)
    steps = iter_predict_to(task)
    next(steps)
    while len(RunFolder.beside(out / "big.zarr").done()) < 3:
        next(steps)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    found = drain(steps)
    assert (found.empty, found.computed) == ((), found.blocks)
    np.testing.assert_array_equal(labels_of(found), expected)


def test_workers_that_all_vanish_are_told_and_waited_for(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attending, "_LOOK_EVERY_S", 0.2)
    out, told = tmp_path / "out", list[str]()
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as own:
        task = asked(image, out, scheduler=own.scheduler_address, chunk=64)

        def hear(event: object) -> None:
            if isinstance(event, TilesDone) and event.done == 1:
                own.scale(0)
            if isinstance(event, Notice):
                told.append(event.message)
                own.scale(1)

        found = drain(iter_predict_to(task), hear)
    assert (found.empty, found.computed) == ((), found.blocks)
    assert any("has no workers; start some: dask worker tcp" in one for one in told)


def test_nobody_is_waited_for_for_ever(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attending, "_LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(attending, "_PATIENCE_ALONE_S", 0.3)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as own:
        task = asked(image, tmp_path / "out", scheduler=own.scheduler_address, chunk=64)
        steps = iter_predict_to(task)
        while next(steps) != TilesDone(1, 25):
            pass
        own.scale(0)
        with pytest.raises(InputError, match=r"no workers.*What is finished stays"):
            drain(steps)


def test_a_scheduler_that_does_not_answer(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_PATIENCE_S", 0.2)
    with pytest.raises(
        InputError, match=r"No scheduler answers at 'tcp://127.0.0.1:9'"
    ):
        predicted(image, tmp_path / "out", scheduler="tcp://127.0.0.1:9")


def test_workers_with_another_version_are_refused(
    cluster, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(napari_unet, "__version__", "99.0")
    with pytest.raises(InputError, match=r"has napari-unet .*, and this is 99.0"):
        predicted(image, tmp_path / "out", scheduler=cluster.scheduler_address)


def test_without_dask_it_says_what_to_type(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"\[scale\]"):
        predicted(image, tmp_path / "out", workers=2)


def test_a_script_that_starts_itself_again_is_told_at_once(
    image: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import napari_unet as nu\n"
        f"model = nu.load_model('nuclei-small')\n"
        f"nu.predict_to({str(image)!r}, model, {str(tmp_path / 'out')!r}, workers=2)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert 'has to stand below `if __name__ == "__main__":`' in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="how signals are sent")
@pytest.mark.parametrize("seconds", [1.0, 4.0, 7.0])
def test_ctrl_c_is_one_sentence_whatever_workers_do(
    seconds: float, image: Path, tmp_path: Path
) -> None:
    """As a terminal sends it: to the workers, too."""
    out = "--out", tmp_path / "out", "--output-format", "ome-zarr", "--workers", 1
    what = "predict", image, "--model", "nuclei-small", *out
    command = [sys.executable, "-m", "napari_unet", *map(str, what)]
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode in (0, 130), told
    assert "Traceback" not in told
    assert "defect" not in told

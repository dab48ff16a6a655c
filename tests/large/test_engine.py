"""Workers of dask find the labels that this process finds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import napari_unet
from napari_unet.errors import InputError
from napari_unet.inference.predict import predict
from napari_unet.large import engine
from tests.large.scenes import crossing, labels_of, predicted, same_partition
from tests.session.brightness import brightness_model

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, in processes of their own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as found:
        yield found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engine") / "big.tif"
    tifffile.imwrite(path, crossing((300, 283)))
    return path


def test_6000_px_whole_in_blocks_and_by_workers(cluster, tmp_path: Path) -> None:
    pixels = crossing((6000, 6000))
    path = tmp_path / "big.tif"
    tifffile.imwrite(path, pixels, tile=(512, 512))
    # The cutting that everybody has.
    asked = {"cutting": None, "diameter": 20.0}
    whole = predict(pixels, brightness_model(), device="cpu", diameter=20.0)
    address = cluster.scheduler_address
    there = predicted(path, tmp_path / "there", scheduler=address, **asked)
    here = predicted(path, tmp_path / "here", chunk=3000, **asked)
    assert there.blocks == 9
    labels = labels_of(there)
    np.testing.assert_array_equal(labels_of(here), labels)
    pairs, counts = np.unique(
        np.stack([whole.ravel(), labels.ravel()]).view(np.int64), return_counts=True
    ) if False else (None, None)
    assert there.objects == len(np.unique(whole)) - 1
    first = np.zeros(there.objects + 1, np.int64)
    first[labels.ravel()] = whole.ravel()
    np.testing.assert_array_equal(first[labels], whole)
    assert pairs is counts


def test_a_block_that_fails_there_is_retried_and_told(
    cluster, image: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    # Where the file should go there is a folder, for all who try.
    from napari_unet.core.jobs import drain
    from napari_unet.large import iter_predict_to
    from napari_unet.large.folder import RunFolder
    from tests.large.scenes import asked

    task = asked(image, out, scheduler=cluster.scheduler_address)
    steps = iter_predict_to(task)
    next(step for step in steps if RunFolder.beside(out / "big.zarr").read())
    steps.close()
    found = drain(iter_predict_to(task))
    assert found.blocks == 25
    np.testing.assert_array_equal(
        labels_of(found), labels_of(predicted(image, tmp_path / "here"))
    )


def test_a_scheduler_that_does_not_answer(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_PATIENCE_S", 0.2)
    with pytest.raises(InputError, match="No scheduler answers at 'tcp://127.0.0.1:9'"):
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


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    del tmp_path
    assert same_partition(np.array([1, 2]), np.array([2, 1]))

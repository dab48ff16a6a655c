"""Zarr folders from strangers, at the reader and at every command."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_unet.errors import InputError
from napari_unet.io.read import read_image
from tests.hostile.bad_zarrs import BAD_ZARRS, PLANE, pickled, save
from tests.hostile.tree import snapshot

resource = pytest.importorskip("resource", reason="counts memory as Unix does")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("zarr") / "a.zarr")


@pytest.fixture
def stranger(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "images" / "a.zarr"))


def test_what_is_refused_was_good_before(stranger: Path) -> None:
    np.testing.assert_array_equal(read_image(stranger).array, PLANE)


@pytest.mark.parametrize("name", BAD_ZARRS)
def test_a_lie_is_answered_with_one_sentence(
    run, stranger: Path, good_model: Path, tmp_path: Path, name: str
) -> None:
    spoil, phrase = BAD_ZARRS[name]
    spoil(stranger)
    before = snapshot(tmp_path)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        read_image(stranger)
    assert phrase in str(caught.value)
    assert str(stranger) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    out, folder = ("--out", tmp_path / "out"), stranger.parent
    for image in (stranger, folder):
        result = run("predict", image, "--model", good_model, *out)
        result.refused(phrase)
        assert len(result.err.splitlines()) == 1
    run("train", "--images", folder, "--labels", folder, *out).refused(phrase)
    run("evaluate", "--truth", folder, "--predicted", folder).refused(phrase)
    assert snapshot(tmp_path) == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < 300_000


def test_no_canary_is_made(run, stranger: Path, good_model: Path) -> None:
    canary = stranger.parent / "canary"
    pickled(str(canary))(stranger)
    with pytest.raises(InputError):
        read_image(stranger)
    out = stranger.parent / "out"
    run("predict", stranger, "--model", good_model, "--out", out).refused("dtype")
    assert not canary.exists()


def test_an_address_is_read_block_by_block_alone(
    run, good_model: Path, tmp_path: Path
) -> None:
    for address in ("https://example.org/a.zarr", "s3://bucket/a.zarr"):
        result = run("predict", address, "--model", good_model, "--out", tmp_path / "o")
        result.refused("is an address, which predict alone reads")

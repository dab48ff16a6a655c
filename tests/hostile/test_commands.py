"""Every bad input at every command that takes it: one sentence, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.hostile.bad_images import BAD_IMAGES
from tests.hostile.bad_labels import (
    BAD_LABELS,
    BAD_REGION_ZIPS,
    BAD_REGIONS,
    SHAPE,
)
from tests.hostile.bad_models import BAD_MODELS
from tests.hostile.forge import write
from tests.hostile.tree import snapshot

Refused = Callable[..., None]


@pytest.fixture
def refused(run, tmp_path: Path) -> Refused:
    """Run a command that must say a phrase, in one line, and change nothing."""

    def call(phrase: str, *arguments: object) -> None:
        before = snapshot(tmp_path)
        result = run(*arguments)
        result.refused(phrase)
        assert len(result.err.splitlines()) == 1, result.err
        assert snapshot(tmp_path) == before

    return call


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `images` and `labels` with one pair, "a"; not to be changed."""
    root = tmp_path_factory.mktemp("pair")
    labels = np.zeros(SHAPE, np.int32)
    labels[10:30, 10:30] = 1
    for name, array in (("images", labels.astype(np.uint8) * 99), ("labels", labels)):
        (root / name).mkdir()
        tifffile.imwrite(root / name / "a.tif", array)
    return root


@pytest.fixture
def folders(pair: Path, tmp_path: Path) -> Path:
    """A copy of them in the folder of the test."""
    return Path(shutil.copytree(pair, tmp_path / "data"))


def training(folders: Path, *, images: str = "images", labels: str = "labels") -> list:
    out = folders.parent / "out"
    given = ["--images", folders / images, "--labels", folders / labels, "--out", out]
    return ["train", *given, "--steps", 1]


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_an_image_at_predict(
    refused: Refused, tmp_path: Path, good_model: Path, name: str
) -> None:
    content, phrase = BAD_IMAGES[name]
    path = write(tmp_path / "a.tif", content)
    refused(phrase, "predict", path, "--model", good_model, "--out", tmp_path / "out")


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_an_image_at_train_and_evaluate(
    refused: Refused, folders: Path, name: str
) -> None:
    content, phrase = BAD_IMAGES[name]
    (folders / "bad").mkdir()
    write(folders / "bad" / "a.tif", content)
    bad, good = folders / "bad", folders / "labels"
    refused(phrase, *training(folders, images="bad"))
    refused(phrase, *training(folders, labels="bad"))
    refused(phrase, *training(folders), "--verified", bad)
    refused(phrase, "evaluate", "--truth", bad, "--predicted", good)
    refused(phrase, "evaluate", "--truth", good, "--predicted", bad)


@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_model_at_every_command(
    refused: Refused, make_model, folders: Path, name: str
) -> None:
    spoil, phrase = BAD_MODELS[name]
    model = make_model("stranger")
    spoil(model)
    image, out = folders / "images" / "a.tif", folders / "out"
    refused(phrase, "models", "show", model)
    refused(phrase, "predict", image, "--model", model, "--out", out)
    refused(phrase, *training(folders), "--from", model)


@pytest.mark.parametrize("name", BAD_LABELS)
def test_a_label_map(refused: Refused, folders: Path, name: str) -> None:
    content, phrase = BAD_LABELS[name]
    (folders / "bad").mkdir()
    write(folders / "bad" / "a.tif", content)
    bad, good = folders / "bad", folders / "labels"
    refused(phrase, *training(folders, labels="bad"))
    refused(phrase, *training(folders), "--verified", bad)
    refused(phrase, "evaluate", "--truth", bad, "--predicted", good)


ROIS = [("roi", *BAD_REGIONS[name]) for name in BAD_REGIONS]
ZIPS = [("zip", *BAD_REGION_ZIPS[name]) for name in BAD_REGION_ZIPS]


@pytest.mark.parametrize(
    ("suffix", "content", "phrase"), ROIS + ZIPS, ids=[*BAD_REGIONS, *BAD_REGION_ZIPS]
)
def test_regions(
    refused: Refused, folders: Path, suffix: str, content: bytes, phrase: str
) -> None:
    (folders / "bad").mkdir()
    write(folders / "bad" / f"a.{suffix}", content)
    bad, good = folders / "bad", folders / "labels"
    refused(phrase, *training(folders, labels="bad"))
    refused(phrase, "evaluate", "--truth", bad, "--predicted", good)
    refused(phrase, "evaluate", "--truth", good, "--predicted", bad)


@pytest.mark.parametrize(
    ("setting", "phrase"),
    [
        ("architecture.base_channels=1000000", "is not possible"),
        ("architecture.depth=40", "is not possible"),
        ("architecture.base_channels=NaN", "is not possible"),
        ("architecture.norm=__import__('os')", "is not possible"),
        ("architecture=" + "[" * 100_000, "is not possible"),
        ("decoding.smoothing=1e300", "There is no option"),
        ("decoding.contact=1e300", "is not possible"),
        ("decoding.farthest=1000000", "is not possible"),
        ("decoding.min_size=99999999999999999999", "is not possible"),
        ("decoding.kind=distances", "There is no option"),
        ("architecture.__class__=1", "There is no option"),
        ("card.data=1", "cannot be set"),
    ],
)
def test_a_setting(refused: Refused, folders: Path, setting: str, phrase: str) -> None:
    refused(phrase, *training(folders), "--set", setting)


def test_settings_that_make_a_network_too_large(
    refused: Refused, folders: Path
) -> None:
    channels = ("--set", "architecture.base_channels=256")
    levels = ("--set", "architecture.depth=7")
    refused("million weights", *training(folders), *channels, *levels)

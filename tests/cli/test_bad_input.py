"""Every bad input of an image, model, device or place: one sentence, exit code 2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

if TYPE_CHECKING:
    from tests.cli.conftest import Run


IMAGE = np.random.default_rng(0).integers(0, 4000, (96, 96), dtype=np.uint16)
RGB = np.random.default_rng(1).integers(0, 255, (*IMAGE.shape, 3), np.uint8)


def _tiff(array: Any, **options: Any) -> Any:
    return lambda path: tifffile.imwrite(path, array, **options)


def _truncated(path: Path) -> None:
    tifffile.imwrite(path, IMAGE)
    path.write_bytes(path.read_bytes()[:5000])


def _rgba(path: Path) -> None:
    Image.fromarray(np.dstack([RGB, RGB[..., :1]])).save(path, format="png")


BAD_IMAGES = {
    "missing": (str, "There is no file"),
    "empty_folder": (Path.mkdir, "holds no image"),
    "not_an_image": (lambda path: path.write_text("hello"), "is not an image"),
    "empty_file": (Path.touch, "is empty"),
    "truncated": (_truncated, "incomplete or damaged"),
    "zero_size": (_tiff(np.zeros((0, 4), np.uint8)), "no pixels"),
    "all_nan": (_tiff(np.full((40, 40), np.nan, np.float32)), "no finite pixel"),
    "complex": (_tiff(np.ones((40, 40), np.complex64)), "complex64"),
    "one_axis": (_tiff(np.arange(40, dtype=np.uint8)), "2 to 5 axes, found 1"),
    "six_axes": (_tiff(np.ones((2,) * 4 + (6, 6), np.uint8)), "axes, found 6"),
    "rgb": (_tiff(RGB, photometric="rgb"), "convert it to grey"),
    "rgba": (_rgba, "the image has 4"),
    "two_channels": (
        _tiff(np.stack([IMAGE] * 2), metadata={"axes": "CYX"}),
        "expects 1 channel, the image has 2",
    ),
}


@pytest.mark.filterwarnings("ignore:.*zero-size:UserWarning")  # of the writer
@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_image(run: Run, model: Path, tmp_path: Path, name: str) -> None:
    make, phrase = BAD_IMAGES[name]
    path, out = tmp_path / name, tmp_path / "out"
    make(path)
    result = run("predict", path, "--model", model, "--out", out)
    result.refused(phrase)
    assert str(path) in result.err
    assert len(result.err.splitlines()) == 1
    assert not out.exists()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, IMAGE)
    return path


def test_grey_where_channels_are_expected(
    run: Run, image: Path, tmp_path: Path, make_model: Any
) -> None:
    colour = make_model(tmp_path / "colour", channels=3)
    result = run("predict", image, "--model", colour, "--out", tmp_path / "out")
    result.refused("expects 3 channels, the image has 1")


@pytest.mark.parametrize(
    ("axes", "phrase"),
    [("QX", "unknown letter"), ("ZYX", "the image has 2"), ("YY", "twice")],
)
def test_bad_axes(
    run: Run, image: Path, model: Path, tmp_path: Path, axes: str, phrase: str
) -> None:
    out = tmp_path / "out"
    result = run("predict", image, "--model", model, "--out", out, "--axes", axes)
    result.refused(phrase)


def _no_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def _no_description(folder: Path) -> None:
    (folder / "model.json").unlink()


def _corrupt_weights(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _corrupt_description(folder: Path) -> None:
    (folder / "model.json").write_text("{")


def _foreign_description(folder: Path) -> None:
    (folder / "model.json").write_text('{"format_version": 1, "name": 3}')


@pytest.mark.parametrize(
    ("spoil", "phrase"),
    [
        (_no_weights, "has no weights.safetensors"),
        (_no_description, "has no model.json"),
        (_corrupt_weights, "is broken"),
        (_corrupt_description, "not valid JSON"),
        (_foreign_description, "does not describe a model"),
    ],
)
def test_bad_model_folder(
    run: Run,
    image: Path,
    tmp_path: Path,
    make_model: Any,
    spoil: Any,
    phrase: str,
) -> None:
    folder = make_model(tmp_path / "model")
    spoil(folder)
    out = tmp_path / "out"
    run("predict", image, "--model", folder, "--out", out).refused(phrase)
    run("models", "show", folder).refused(phrase)
    assert not out.exists()


def test_unknown_model(run: Run, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("predict", image, "--model", "nonsense", "--out", out)
    result.refused("There is no model 'nonsense'")


@pytest.mark.parametrize(
    ("device", "phrase"), [("abacus", "is unknown"), ("cuda", "CUDA was asked for")]
)
def test_bad_device(
    run: Run,
    image: Path,
    model: Path,
    tmp_path: Path,
    device: str,
    phrase: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    out = tmp_path / "out"
    result = run("predict", image, "--model", model, "--out", out, "--device", device)
    result.refused(phrase)
    assert not out.exists()


def test_output_inside_a_file(
    run: Run, image: Path, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("precious")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        result = run("predict", image, "--model", model, "--out", out)
        result.refused("choose another folder")
    assert (tmp_path / "file").read_text() == "precious"


def test_output_that_cannot_be_written(
    run: Run,
    image: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("napari_unet.cli.outputs.tempfile.TemporaryFile", refuse)
    out = tmp_path / "out"
    result = run("predict", image, "--model", model, "--out", out)
    result.refused("read-only")
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict",),
        ("predict", "a.tif", "--model", "nuclei"),
        ("nonsense",),
        ("evaluate", "--truth", "x", "--nonsense"),
        ("train", "--images", "a", "--labels", "b", "--out", "c", "--steps", "many"),
    ],
)
def test_usage_errors_are_mistakes_too(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    result.refused("Error: ")

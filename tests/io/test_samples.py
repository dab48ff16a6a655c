"""Sample images are found from a checkout and from a wheel."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_unet.errors import InputError, StorageError
from napari_unet.io import samples
from napari_unet.io.samples import list_samples, load_sample, sample_folder

ROOT = Path(__file__).parents[2]


def pretend_package(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let the package believe that it lies in `folder`."""
    package = folder / "napari_unet"
    package.mkdir()
    monkeypatch.setattr(samples, "_PACKAGE", package)
    return package


def write_index(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "index.json").write_text(text, encoding="utf-8")


def test_every_sample_is_listed_with_what_it_holds() -> None:
    samples = {sample.name: sample for sample in list_samples()}
    axes = {name: sample.axes for name, sample in samples.items()}
    assert axes == {
        "nuclei": "YX",
        "phase": "YX",
        "membranes": "YX",
        "zstack": "ZYX",
        "timelapse": "TYX",
        "two_channels": "CYX",
    }
    assert len(load_sample("phase")) >= 6
    assert all(sample.title for sample in samples.values())


@pytest.mark.parametrize("name", [sample.name for sample in list_samples()])
def test_images_come_with_axes_and_truth(name: str) -> None:
    info = next(sample for sample in list_samples() if sample.name == name)
    images = load_sample(name)
    assert images
    assert [image.name for image in images] == sorted(image.name for image in images)
    for sample in images:
        assert sample.axes == info.axes
        assert sample.image.ndim == len(sample.axes)
        assert sample.labels is not None
        assert sample.labels.dtype == np.int32
        assert sample.labels.ndim == len(sample.axes.replace("C", ""))
        assert sample.path.is_file()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'phse'.*nuclei, phase, membranes"):
        load_sample("phse")


def test_the_package_comes_before_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = pretend_package(monkeypatch, tmp_path)
    write_index(tmp_path / "sample_data", "[]")
    assert sample_folder() == tmp_path / "sample_data"
    write_index(package / "sample_data", "[]")
    assert sample_folder() == package / "sample_data"


def test_a_stranger_s_folder_is_not_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend_package(monkeypatch, tmp_path)
    (tmp_path / "sample_data").mkdir()
    with pytest.raises(StorageError, match=r"missing.*install the package again"):
        list_samples()


@pytest.mark.parametrize("text", ["", "{", "[{}]", '[{"name": "phase"}]', '{"a": 1}'])
def test_a_broken_index_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    pretend_package(monkeypatch, tmp_path)
    write_index(tmp_path / "sample_data", text)
    with pytest.raises(StorageError, match="cannot be read"):
        list_samples()


def test_an_image_without_truth_is_loaded_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = load_sample("timelapse")[0].path
    pretend_package(monkeypatch, tmp_path)
    folder = tmp_path / "sample_data"
    write_index(folder, json.dumps([{"name": "film", "title": "F", "axes": "TYX"}]))
    images = folder / "film" / "images"
    images.mkdir(parents=True)
    (images / "film_01.tif").write_bytes(source.read_bytes())
    assert [sample.labels for sample in load_sample("film")] == [None]


def test_neither_torch_nor_napari_is_imported() -> None:
    code = (
        "import sys; from napari_unet.io.samples import load_sample;"
        "load_sample('zstack');"
        "print([m for m in ('torch', 'napari', 'qtpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

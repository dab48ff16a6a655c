"""The command line in this process, a tiny model, and annotated images."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from skimage.draw import disk

from napari_unet.cli.app import main
from napari_unet.models.architectures.unet import UNetConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.weights.folder import save_model
from napari_unet.weights.model import new_model


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str

    def refused(self, phrase: str) -> None:
        """Assert that a mistake was told in words, without a traceback."""
        assert self.code == 2, self
        assert phrase in self.err, self
        assert "Traceback" not in self.err
        assert self.out == ""


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `napari-unet` with arguments."""

    def call(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(exit_.value.code or 0), captured.out, captured.err)

    return call


def _make_model(folder: Path, channels: int = 1) -> Path:
    torch.manual_seed(2)
    network = UNetConfig(depth=2, base_channels=4)
    spec = ModelSpec(name=folder.name, in_channels=channels, architecture=network)
    save_model(new_model(spec), folder)
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny model with random weights, which finds some nonsense."""
    return _make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Path]:
    """Save such a model to a folder."""
    return _make_model


def _draw(seed: int, size: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of bright discs and its label map."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.int32)
    for number, (y, x) in enumerate(np.ndindex(3, 3), start=1):
        centre = (np.array([y, x]) + 0.5) * size / 3 + rng.uniform(-3, 3, 2)
        labels[disk(centre, rng.uniform(6, 11), shape=labels.shape)] = number
    image = 400 * (labels > 0) + rng.normal(200, 20, labels.shape)
    return image.astype(np.uint16), labels


@dataclass(frozen=True)
class Annotated:
    """Folders of images and their label maps."""

    images: Path
    labels: Path


@pytest.fixture
def annotated(tmp_path: Path) -> Annotated:
    """Two annotated images, "a" and "b"."""
    folders = Annotated(tmp_path / "images", tmp_path / "labels")
    folders.images.mkdir()
    folders.labels.mkdir()
    for seed, name in enumerate("ab"):
        image, labels = _draw(seed)
        tifffile.imwrite(folders.images / f"{name}.tif", image)
        tifffile.imwrite(folders.labels / f"{name}.tif", labels)
    return folders

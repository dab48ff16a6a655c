from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.geometry.box import Box
from napari_unet.session.session import Session
from napari_unet.weights.folder import save_model
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import brightness_model, disks


@dataclass
class Clock:
    """Moves only when a test says so, and a little whenever it is read."""

    now: float = 1000.0

    def __call__(self) -> float:
        self.now += 1e-4
        return self.now


@dataclass
class Stage:
    """A session without a front end, and a hand that steps it."""

    session: Session
    runner: InlineRunner | ManualRunner
    clock: Clock

    @classmethod
    def make(cls, runner, **options) -> Stage:
        clock = Clock()
        return cls(Session(runner, clock=clock, **options), runner, clock)

    def open(self, array, name="disks", axes=None, path=None) -> None:
        self.session.images.open(array, name, axes, path)
        self.run()

    @property
    def state(self):
        return self.session.state

    @property
    def annotation(self):
        return self.session.images.current.annotation

    def run(self) -> None:
        """Run everything to its end: jobs, and the session's own small portions."""
        for _ in range(1000):
            if isinstance(self.runner, ManualRunner):
                self.runner.run()
            self.session.tick()
            if not self.state.predicting and not getattr(self.runner, "jobs", ()):
                return
        raise AssertionError("it does not come to an end")

    def paint(self, slices, label: int) -> None:
        """Paint as a front end does."""
        image = self.session.images.current
        image.annotation.labels[slices] = label
        image.annotation.notice_change(Box.whole(image.annotation.labels.shape))
        self.session.note_edit(image)


@pytest.fixture(autouse=True)
def _no_user_folder(tmp_path, monkeypatch):
    """Work on images without a file lands in a folder of the test."""
    target = "napari_unet.project.layout.unfiled_folder"
    monkeypatch.setattr(target, lambda: tmp_path / "unfiled")


@pytest.fixture(scope="session")
def bright(tmp_path_factory) -> Path:
    """The folder of a model that finds what is brighter than half."""
    folder = tmp_path_factory.mktemp("models") / "bright"
    save_model(brightness_model(), folder)
    return folder


@pytest.fixture(params=[InlineRunner, ManualRunner], ids=["inline", "manual"])
def stage(request, bright) -> Stage:
    stage = Stage.make(request.param())
    stage.session.models.choose(bright)
    stage.run()
    return stage


@pytest.fixture
def image() -> np.ndarray:
    return disks(dim=(3, 7, 14))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two image files."""
    paths = [tmp_path / "plate" / f"{name}.tif" for name in "ab"]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        tifffile.imwrite(path, disks(pitch=32 + 8 * number))
    return paths

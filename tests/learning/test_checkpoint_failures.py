"""Whatever ends a training, or keeps it from writing, good states stay good."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.core.events import Notice
from napari_unet.errors import DeviceError
from napari_unet.inference.predict import predict
from napari_unet.learning.checkpoint import read_header
from napari_unet.learning.events import ModelImproved
from napari_unet.learning.train import Training
from napari_unet.learning.train_state import TrainState
from tests.learning.test_checkpoint import (
    everything,
    losses,
    one_thread,  # noqa: F401 (a fixture)
    run,
    start,
)
from tests.tiny import make_disks, make_model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "training.safetensors"


@pytest.fixture(autouse=True)
def folder(path: Path) -> Path:
    path.parent.mkdir()
    return path.parent


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[int, float], Any]:
    """Return losses and the end of a training that nothing happened to."""
    path = tmp_path_factory.mktemp("whole") / "training.safetensors"
    seen, _ = run(start(make_model(), path))
    return losses(seen), everything(path)


FAILURES = {
    "defect": (RuntimeError("the impossible happened"), RuntimeError, "impossible"),
    "memory": (MemoryError(), DeviceError, "Memory ran out"),
    "cuda memory": (torch.OutOfMemoryError("x"), DeviceError, "Memory ran out"),
    "lost": (
        RuntimeError("CUDA error: device-side assert triggered\nCompile with ..."),
        DeviceError,
        r"failed during training \(CUDA error: device-side assert triggered\);",
    ),
    "unexpected": (ZeroDivisionError("x"), ZeroDivisionError, "x"),
}


@pytest.mark.parametrize(
    ("owner", "where"),
    [(Training, "_backward"), (Training, "_update"), (TrainState, "publish")],
)
@pytest.mark.parametrize("failure", FAILURES)
def test_a_dying_training_leaves_what_it_had(
    path, whole, failure: str, owner: type, where: str, monkeypatch
) -> None:
    error, expected, words = FAILURES[failure]
    rng = np.random.default_rng([len(failure), len(where)])
    calls = {"_backward": 12, "_update": 6, "publish": 1}
    left = int(rng.integers(0, calls[where] + 1))
    original = getattr(owner, where)

    def fail_later(self: Any, *arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise error
        return original(self, *arguments)

    published: list[Any] = []
    model = make_model()
    with monkeypatch.context() as patch:
        patch.setattr(owner, where, fail_later)
        with pytest.raises(expected, match=words) as caught:
            published.extend(start(model, path))
    assert "\n" not in str(caught.value)
    assert caught.value.__class__ is expected
    for event in published:
        if isinstance(event, ModelImproved):
            labels = predict(make_disks().image, event.model, device="cpu")
            assert labels.shape == (96, 96)
    assert list(path.parent.iterdir()) == [path]
    step = read_header(path).steps
    seen, _ = run(start(model, path, resume="always"))
    assert losses(seen) == {k: v for k, v in whole[0].items() if k > step}
    assert everything(path) == whole[1]


@pytest.mark.parametrize("stop_at", range(0, 40, 4))
def test_closing_at_any_yield_leaves_a_whole_file(path, whole, stop_at: int) -> None:
    model = make_model()
    events = start(model, path)
    for _ in zip(range(stop_at), events, strict=False):
        pass
    events.close()
    if path.exists():
        run(start(model, path, resume="always"))
        assert everything(path) == whole[1]
    assert list(path.parent.iterdir()) in ([path], [])


def test_a_vanished_folder_is_told_once(path, whole) -> None:
    events = start(make_model(), path)
    for _ in zip(range(12), events, strict=False):
        pass
    shutil.rmtree(path.parent)
    seen, _ = run(events)
    notices = [event.message for event in seen if isinstance(event, Notice)]
    assert len(notices) == 1
    assert "training goes on" in notices[0]
    assert "folder is not there" in notices[0]
    assert losses(seen).items() <= whole[0].items()
    assert max(losses(seen)) == max(whole[0])


def test_a_full_disk_keeps_the_last_checkpoint(path, whole, monkeypatch) -> None:
    def write(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    model = make_model()
    events = start(model, path)
    for _ in events:
        if path.exists():
            break
    step, before = read_header(path).steps, everything(path)
    with monkeypatch.context() as patch:
        patch.setattr("napari_unet.learning.checkpoint.write_tensors", write)
        seen, _ = run(events)
    (message,) = [e.message for e in seen if isinstance(e, Notice)]
    assert message == (
        f"No checkpoint was kept; training goes on. {path} could not be written: the "
        "disk is full; free space or choose another folder."
    )
    assert everything(path) == before
    assert list(path.parent.iterdir()) == [path]
    seen, _ = run(start(model, path, resume="always"))
    assert min(losses(seen)) == step + 1
    assert everything(path) == whole[1]


def test_what_killed_writers_left_is_removed(path) -> None:
    litter = path.parent / f".{path.name}.0123abcd.tmp"
    litter.write_bytes(b"half")
    other = path.parent / "keep.tmp"
    other.touch()
    run(start(make_model(), path))
    assert not litter.exists()
    assert other.exists()

"""`napari-unet train` killed at any moment, and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import torch

from napari_unet import learning as engine
from napari_unet import weights
from napari_unet.cli import training
from napari_unet.cli.training import checkpoint_path, run_training
from napari_unet.errors import StorageError
from napari_unet.learning.checkpoint import read_header
from napari_unet.learning.config import Checkpointing
from napari_unet.learning.events import ModelImproved
from napari_unet.learning.train import Training
from napari_unet.models.folder import WEIGHTS_FILE
from napari_unet.project.lock import FileLock, Holder

if TYPE_CHECKING:
    from napari_unet.weights.model import Model
    from tests.cli.conftest import Annotated, Run

STEPS = 36
# Every step is kept, so that there is something to go on from at any moment.
PROGRAM = (
    "import sys, torch; torch.set_num_threads(1); "
    "from napari_unet.cli import app, training; "
    "training._CHECKPOINT_SECONDS = 0.0; app.main(sys.argv[1:])"
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread: networks this small only wait for a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "models" / "m"


@pytest.fixture
def options(annotated: Annotated, model: Path) -> tuple[object, ...]:
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    return ("train", *folders, "--from", model, "--device", "cpu")


def _process(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _finish(*arguments: object) -> str:
    process = _process(*arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def _step(path: Path) -> int:
    try:
        return read_header(path).steps
    except StorageError:
        return -1


def _kill_after(step: int, delay: float, path: Path, *arguments: object) -> int:
    """Kill a training some time after a step, and return the step it had kept."""
    process = _process(*arguments)
    while process.poll() is None and _step(path) < step:
        time.sleep(0.02)  # every look takes time from the training
    time.sleep(delay)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was to be killed at work"
    return _step(path)


def test_killed_twice_and_gone_on_with(run: Run, options, out: Path) -> None:
    rng = np.random.default_rng()
    whole = out.with_name("whole")
    common = (*options, "--steps", STEPS, "--json")
    report = json.loads(run(*common, "--out", whole).out)
    path = checkpoint_path(out)
    assert path == out.parent / ".m.training.safetensors"
    steps = np.sort(rng.integers(0, STEPS // 3, 2))
    resume: tuple[str, ...] = ()
    for step in steps:
        delay = rng.uniform(0, 0.05)
        kept = _kill_after(int(step), delay, path, *common, "--out", out, *resume)
        assert step <= kept < STEPS
        assert not out.exists()
        resume = ("--resume",)
    again = json.loads(_finish(*common, "--out", out, *resume))
    assert again["steps"] == report["steps"] == STEPS
    assert again["score"] == report["score"]
    assert (out / WEIGHTS_FILE).read_bytes() == (whole / WEIGHTS_FILE).read_bytes()
    assert sorted(item.name for item in out.parent.iterdir()) == ["m", "whole"]


@pytest.fixture
def killed(
    run: Run, options, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[object, ...]:
    """Return the command of a training that died after three steps."""
    monkeypatch.setattr(training, "_CHECKPOINT_SECONDS", 0.0)
    left = 3
    original = Training._update

    def die(self: Training, rate: float, loss: float) -> float:
        nonlocal left
        left -= 1
        if left < 0:
            raise ZeroDivisionError
        return original(self, rate, loss)

    command = (*options, "--steps", 4, "--out", out)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with monkeypatch.context() as patch:
        patch.setattr(Training, "_update", die)
        with pytest.raises(SystemExit, match="1"):
            training_main(command)
    assert read_header(checkpoint_path(out)).steps == 3
    return command


def training_main(command: tuple[object, ...]) -> None:
    from napari_unet.cli.app import main

    main([str(part) for part in command])


def test_without_a_word_nothing_is_lost(run: Run, killed, out: Path) -> None:
    before = checkpoint_path(out).read_bytes()
    result = run(*killed)
    result.refused("interrupted at step 3; go on with --resume")
    assert "or start anew with --overwrite" in result.err
    assert checkpoint_path(out).read_bytes() == before
    assert not out.exists()


def test_going_on_saves_and_tidies_up(run: Run, killed, out: Path) -> None:
    result = run(*killed, "--resume", "--json")
    assert result.code == 0
    assert "goes on after step 3" in result.err
    assert json.loads(result.out)["steps"] == 4
    assert [item.name for item in out.parent.iterdir()] == ["m"]
    run(*killed, "--resume", "--overwrite").refused("There is no interrupted training")


def test_starting_anew(run: Run, killed, out: Path) -> None:
    result = run(*killed, "--overwrite")
    assert result.code == 0
    assert "goes on" not in result.err
    assert [item.name for item in out.parent.iterdir()] == ["m"]


def test_other_options_are_refused(run: Run, killed, out: Path) -> None:
    run(*killed, "--resume", "--seed", 5).refused("seed 0 instead of 5")
    words = "learning_rate 0.003 instead of 0.002"
    run(*killed, "--resume", "--preset", "from-scratch").refused(words)
    assert read_header(checkpoint_path(out)).steps == 3


def test_other_labels_are_refused(run: Run, killed, annotated: Annotated) -> None:
    labels = tifffile.imread(annotated.labels / "a.tif")
    tifffile.imwrite(annotated.labels / "a.tif", np.where(labels == 1, 0, labels))
    run(*killed, "--resume").refused("belongs to a training with other labels;")


def test_a_damaged_checkpoint(run: Run, killed, out: Path) -> None:
    path = checkpoint_path(out)
    path.write_bytes(path.read_bytes()[:-1])
    run(*killed).refused("is damaged or of another version; start anew with")
    run(*killed, "--resume").refused("is damaged")
    assert run(*killed, "--overwrite").code == 0
    assert [item.name for item in out.parent.iterdir()] == ["m"]


def test_nothing_to_go_on_with(run: Run, options, out: Path) -> None:
    run(*options, "--out", out, "--resume").refused("There is no interrupted training")
    assert not out.parent.exists()


def test_a_training_that_is_finished_is_told(run: Run, options, out: Path) -> None:
    arguments = (*options, "--out", out, "--steps", 2)
    assert run(*arguments).code == 0
    before = (out / WEIGHTS_FILE).read_bytes()
    again = run(*arguments, "--resume")
    again.refused("is finished, and nothing was done")
    assert f"--from {out}" in again.err
    assert (out / WEIGHTS_FILE).read_bytes() == before


def test_new_networks_begin_alike(run: Run, annotated: Annotated, tmp_path) -> None:
    """Else a new network could not be gone on with by the same command."""
    weights = []
    for name in "ab":
        folders = ("--images", annotated.images, "--labels", annotated.labels)
        small = (
            "--set",
            "architecture.depth=1",
            "--set",
            "architecture.base_channels=2",
        )
        where = ("--out", tmp_path / name, "--steps", 1, "--device", "cpu")
        assert run("train", *folders, *small, *where).code == 0
        weights.append((tmp_path / name / WEIGHTS_FILE).read_bytes())
    assert weights[0] == weights[1]


def test_a_result_that_cannot_be_saved_keeps_its_state(
    run: Run, options, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StorageError("The disk is full; free space.")

    command = (*options, "--steps", 2, "--out", out)
    with monkeypatch.context() as patch:
        patch.setattr("napari_unet.weights.save_model", full)
        run(*command).refused("The disk is full")
    assert checkpoint_path(out).exists()
    assert run(*command, "--resume").code == 0
    assert [item.name for item in out.parent.iterdir()] == ["m"]


@pytest.mark.parametrize("better", [True, False])
def test_an_interruption_is_an_end(
    run: Run, options, out: Path, better: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def iter_fit(
        start: Model, *_: object, checkpoint: Checkpointing, **__: object
    ) -> Any:
        checkpoint.path.touch()
        if better:
            yield ModelImproved(start, 3, 0.5)
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "iter_fit", iter_fit)
    assert run(*options, "--out", out).code == 130
    assert out.exists() == better
    assert not checkpoint_path(out).exists()


def test_long_names_have_a_place_too(tmp_path: Path) -> None:
    names = {checkpoint_path(tmp_path / (each * 250)).name for each in "ab"}
    assert len(names) == 2
    for name in names:
        (tmp_path / name).touch()


def test_the_place_of_a_running_training_is_taken(run: Run, options, out: Path) -> None:
    out.parent.mkdir()
    other = FileLock(checkpoint_path(out).with_suffix(".lock"))
    assert other.take() is None
    for more in ([], ["--overwrite"], ["--resume"]):
        result = run(*options, "--out", out, "--steps", 1, *more)
        result.refused("Another training is making")
        assert "interrupted" not in result.err
    other.release()
    assert run(*options, "--out", out, "--steps", 1).code == 0
    assert [item.name for item in out.parent.iterdir()] == ["m"]


def test_a_killed_training_keeps_no_place(run: Run, killed, out: Path) -> None:
    lock = checkpoint_path(out).with_suffix(".lock")
    gone = Holder.me().model_copy(update={"pid": 2**22 + 1})
    lock.write_text(gone.model_dump_json(), encoding="utf-8")
    assert run(*killed, "--resume").code == 0
    assert [item.name for item in out.parent.iterdir()] == ["m"]


def test_who_comes_late_keeps_the_model_elsewhere(
    run: Run, options, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*arguments: Any, **more: Any) -> Any:
        outcome = run_training(*arguments, **more)
        out.mkdir()
        (out / "results.csv").touch()
        return outcome

    monkeypatch.setattr("napari_unet.cli.train.run_training", late)
    result = run(*options, "--out", out, "--steps", 1, "--json")
    assert result.code == 2
    assert "exists already" in result.err
    kept = Path(json.loads(result.out)["model"])
    assert str(kept) in result.err
    assert kept.parent == out.parent
    assert run("models", "show", kept).code == 0
    assert not checkpoint_path(out).exists()


def test_a_folder_that_cannot_be_written_any_more(
    run: Run, options, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = weights.save_model

    def save(model: Model, folder: Path, **options: Any) -> None:
        if folder.is_relative_to(out.parent):
            raise StorageError(f"{folder} could not be written: the disk is full.")
        usual(model, folder, **options)

    monkeypatch.setattr(weights, "save_model", save)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    result = run(*options, "--out", out, "--steps", 1, "--json")
    assert result.code == 2
    assert "the disk is full" in result.err
    kept = Path(json.loads(result.out)["model"])
    assert run("models", "show", kept).code == 0

    def full(model: Model, folder: Path, **options: Any) -> None:
        raise StorageError(f"{folder} could not be written: the disk is full.")

    monkeypatch.setattr(weights, "save_model", full)
    result = run(*options, "--out", out, "--steps", 1)
    assert result.code == 2
    assert "--resume" in result.err
    assert checkpoint_path(out).exists()


def test_what_others_put_into_a_model_is_seen_before_the_training(
    run: Run, options, out: Path
) -> None:
    out.mkdir(parents=True)
    (out / "thesis.txt").touch()
    result = run(*options, "--out", out, "--steps", 1, "--overwrite")
    result.refused("also holds 'thesis.txt'")
    assert "agreement" not in result.err

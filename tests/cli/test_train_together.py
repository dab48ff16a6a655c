"""torchrun: several processes train one model, and one of them speaks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import Annotated, Run

_TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
_TWO = (*_TORCHRUN, "-m", "napari_unet")


def test_two_processes_make_the_model_of_one(
    annotated: Annotated, model: Path, tmp_path: Path, run: Run
) -> None:
    folders = ("--images", annotated.images, "--labels", annotated.labels)
    how = ("--from", model, "--steps", 2, "--device", "cpu", "--full-precision")
    command = [str(w) for w in ("train", *folders, *how, "--json")]
    alone = run(*command, "--out", tmp_path / "one")
    assert alone.code == 0, alone
    together = subprocess.run(
        [sys.executable, *_TWO, *command, "--out", str(tmp_path / "two")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert together.returncode == 0, together.stderr
    one, two = json.loads(alone.out), json.loads(together.stdout)
    assert two["steps"] == one["steps"] == 2
    assert two["score"] == pytest.approx(one["score"], abs=1e-4)
    assert together.stderr.count("step 0: agreement") == 1
    weights = [load_file(tmp_path / n / "weights.safetensors") for n in ("one", "two")]
    torch.testing.assert_close(*weights, atol=1e-4, rtol=0)
    hidden = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert hidden == []


@pytest.fixture
def one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell this process that torchrun started it with another one."""
    told = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "::1", "MASTER_PORT": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("one_of_two")
def test_other_commands_are_refused(run: Run, model: Path) -> None:
    run("predict", "x.tif", "--model", model, "--out", "y").refused("no training")


def test_a_batch_is_no_less_than_one_crop(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "model"
    folders = ("--images", tmp_path, "--labels", tmp_path)
    run("train", *folders, "--out", out, "--batch", 0).refused("--batch")

"""Several processes that train together learn what one would learn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from napari_unet.errors import InputError
from napari_unet.learning.processes import deal_out
from napari_unet.learning.team import Team
from tests.learning.team_of_two import CASES, STEPS, learn

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what two processes came to in all cases."""
    folder = tmp_path_factory.mktemp("two")
    program = [sys.executable, "-W", "error", "-m", "tests.learning.team_of_two"]
    subprocess.run([*program, str(folder)], check=True, timeout=120, cwd=ROOT)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_losses_and_weights_are_those_of_one_process(
    of_two: Path, tmp_path: Path, name: str
) -> None:
    number = list(CASES).index(name)
    found = json.loads((of_two / f"{number}.json").read_text())
    alone = learn(name, Team(), tmp_path / "alone")
    assert len(alone["losses"]) == STEPS
    assert found["losses"] == pytest.approx(alone["losses"], abs=1e-4)
    assert found["score"] == pytest.approx(alone["score"], abs=1e-4)
    weights, expected = (
        {k: v for k, v in load_file(path).items() if k.startswith(("net.", "start."))}
        for path in (of_two / f"{number}.safetensors", tmp_path / "alone")
    )
    assert weights.keys() == expected.keys()
    torch.testing.assert_close(weights, expected, atol=1e-4, rtol=0)
    first = next(name for name in weights if name.startswith("net."))
    assert (weights[first] - weights["start.0"]).abs().max() > 1e-3


def test_a_process_that_is_killed_ends_the_other_with_words(of_two: Path) -> None:
    words = (of_two / "killed.txt").read_text()
    assert "Another process of this training has ended" in words
    assert "--resume" in words


def test_processes_end_in_peace_after_the_last_word() -> None:
    program = [sys.executable, "-W", "error", "-m", "tests.learning.leaving_together"]
    ended = subprocess.run(
        program, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@given(st.integers(1, 8), st.integers(1, 12), st.integers(1, 40))
def test_every_crop_is_dealt_out_once(size: int, each: int, micro: int) -> None:
    total = size * each
    hands = [deal_out(total, micro, rank, size) for rank in range(size)]
    dealt = [n for parts, _ in hands for part in parts for n in range(total)[part]]
    assert sorted(dealt) == list(range(total))
    assert all(parts for parts, _ in hands)
    shared = {shared for _, shared in hands}
    assert len(shared) == 1
    if shared == {True}:  # all wait for each other as often, for as many crops
        widths = {tuple(p.stop - p.start for p in parts) for parts, _ in hands}
        assert len(widths) == 1
    if micro >= size:
        assert max(p.stop - p.start for parts, _ in hands for p in parts) <= micro


def test_one_process_computes_all_crops() -> None:
    assert Team().deal(5, 2) == [slice(0, 2), slice(2, 4), slice(4, 6)]


def test_crops_that_cannot_be_shared_evenly_are_refused() -> None:
    with pytest.raises(InputError, match="--batch 6"):
        deal_out(4, 4, 0, 3)

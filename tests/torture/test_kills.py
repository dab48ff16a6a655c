"""Killed at any moment, a program loses at most what was under way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from tests.torture.judge import judge
from tests.torture.reports import Report

PROGRAM = [sys.executable, "-m", "tests.torture"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(
    "arguments", [("kills", "--kills", "8"), ("windows", "--windows", "1")]
)
def test_killed_programs_lose_nothing(
    repository: Path, arguments: tuple[str, ...]
) -> None:
    if arguments[0] == "windows" and not os.environ.get("DISPLAY"):
        pytest.skip("needs a display")
    # A program of its own: to fork is safe only without threads.
    done = subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=repository,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost" in done.stdout


@pytest.mark.parametrize("damage", ["labels", "provenance", "part of a stroke"])
def test_the_judge_sees_what_is_lost(damage: str) -> None:
    labels, provenance = np.zeros((4, 5), np.int32), np.full((4, 5), 3, np.uint8)
    state = {"labels": labels, "provenance": provenance}
    told = Report({"what": "done", "image": "a"}, state)
    assert not judge([told], {"a": Annotation(labels.copy(), provenance.copy())}).lost
    if damage == "labels":
        found = Annotation(labels + 1, provenance.copy())
    elif damage == "provenance":
        found = Annotation(labels.copy(), provenance - 1)
    else:
        after, part = labels + 7, labels.copy()
        part[0] = 7
        told = Report({"what": "stroke", "image": "a"}, {**state, "after": after})
        found = Annotation(part, provenance.copy())
    assert judge([told], {"a": found}).lost

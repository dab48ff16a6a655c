"""Some seconds of work without a pause: what is taken does not grow."""

from __future__ import annotations

from pathlib import Path

from tests.torture.soak import run_soak


def test_work_without_a_pause_takes_no_more_and_loses_nothing(tmp_path: Path) -> None:
    done = run_soak(tmp_path, minutes=0.12, seed=0)
    assert not done.lost
    assert done.strokes > 20
    first, last = done.taken[0], done.taken[-1]
    assert last.handles <= first.handles + 8
    assert last.threads <= first.threads + 8

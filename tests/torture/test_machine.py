"""The state machine, for a short time."""

from __future__ import annotations

import os

from tests.torture.sitting import run_sittings


def test_nothing_is_lost_whatever_happens() -> None:
    steps = int(os.environ.get("TORTURE_STEPS", "500"))
    seed = int(os.environ.get("TORTURE_SEED", "0"))
    tally = run_sittings(steps, seed)
    assert sum(tally.values()) >= steps

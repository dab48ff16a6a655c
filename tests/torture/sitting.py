"""Runs the state machine until so many steps were taken."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.torture.machine import Sitting

STEPS = 50


def run_sittings(steps: int, first_seed: int) -> Counter[str]:
    """Take so many steps or more; return how often what was done.

    Raises
    ------
    AssertionError
        With a minimal story, if anything was lost.
    """
    tally: Counter[str] = Counter()
    number = first_seed
    while sum(tally.values()) < steps:
        left = steps - sum(tally.values())
        examples = max(2, min(100, left // STEPS))
        tally += _run(number, examples)
        number += 1
    return tally


def _run(number: int, examples: int) -> Counter[str]:
    class ThisSitting(Sitting):
        tally: ClassVar[Counter[str]] = Counter()

    seed(number)(ThisSitting)
    run_state_machine_as_test(
        ThisSitting,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
            print_blob=False,
        ),
        _min_steps=STEPS - 1,
    )
    return ThisSitting.tally

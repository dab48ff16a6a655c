import pytest
import torch

from benchmarks.report import Report, as_json
from benchmarks.timing import Stopwatch, Timings, interleave

CPU = torch.device("cpu")


def test_runs_take_turns_and_the_warm_up_is_not_counted():
    order: list[str] = []
    runs = {name: (lambda name=name: order.append(name)) for name in "ab"}
    timings = interleave(runs, Stopwatch(CPU, rounds=2), warm_up=1)
    assert order == list("ababab")
    assert {name: len(times) for name, times in timings.seconds.items()} == {
        "a": 2,
        "b": 2,
    }


def test_ratio_compares_within_a_round():
    # The second round was ten times slower for both: the ratio does not notice.
    timings = Timings({"bare": [1.0, 10.0, 1.0], "whole": [1.5, 15.0, 1.5]})
    assert timings.ratio("whole") == pytest.approx(1.5)
    assert timings.rows()[1]["ratio"] == pytest.approx(1.5)


def test_a_busy_machine_is_measured_by_what_this_process_computes():
    watch = Stopwatch(CPU, rounds=1, busy=True)
    waiting = watch.seconds_of(lambda: __import__("time").sleep(0.2))
    assert waiting < 0.1


def test_reports_are_json():
    assert '"median ms": 1.5' in as_json([Report("t", [{"median ms": 1.5}])])

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from napari_unet.session.runner import (
    Closed,
    Failed,
    Handlers,
    Returned,
    Runner,
    Running,
)
from tests.generated import Generated
from tests.runners import InlineRunner, ManualRunner, SteppedJob


@dataclass
class Recorder:
    calls: list[Any] = field(default_factory=list)

    def start(self, runner: Runner, generator: Generator[Any, None, Any]) -> Running:
        return runner.start(
            Generated(generator),
            Handlers(
                event=lambda event: self.calls.append(("event", event)),
                result=lambda value: self.calls.append(("return", value)),
                error=lambda error: self.calls.append(("error", str(error))),
                closed=lambda: self.calls.append(("closed",)),
            ),
        )

    @property
    def last_calls(self) -> list[Any]:
        return [call for call in self.calls if call[0] != "event"]


def counting(n: int, closed: list[str]) -> Generator[int, None, str]:
    try:
        yield from range(n)
        return "end"
    finally:
        closed.append("closed")


def failing() -> Generator[int, None, None]:
    yield 0
    raise ValueError("no")


def stubborn() -> Generator[int, None, None]:
    try:
        yield 0
    finally:
        raise ValueError("cannot close")


def test_inline_runner_is_done_when_start_returns() -> None:
    record, closed = Recorder(), []
    job = record.start(InlineRunner(), counting(2, closed))
    assert record.calls == [("event", 0), ("event", 1), ("return", "end")]
    assert isinstance(job.outcome, Returned)
    assert not job.running
    assert closed == ["closed"]


def test_an_error_in_the_generator_is_the_end() -> None:
    record = Recorder()
    job = record.start(InlineRunner(), failing())
    assert record.calls == [("event", 0), ("error", "no")]
    assert isinstance(job.outcome, Failed)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_cancel_closes_the_generator_at_its_next_step(steps: int) -> None:
    record, closed, runner = Recorder(), [], ManualRunner()
    job = record.start(runner, counting(3, closed))
    for _ in range(steps):
        runner.step()
    job.cancel()
    assert job.running
    runner.run()
    assert record.calls == [*(("event", n) for n in range(steps)), ("closed",)]
    assert isinstance(job.outcome, Closed)
    # A generator that never began has nothing to close.
    assert closed == (["closed"] if steps else [])


def test_an_error_while_closing_is_told() -> None:
    record, runner = Recorder(), ManualRunner()
    job = record.start(runner, stubborn())
    runner.step()
    job.cancel()
    runner.run()
    assert record.last_calls == [("error", "cannot close")]
    assert isinstance(job.outcome, Failed)


def test_after_the_end_nothing_more_is_called() -> None:
    record, runner = Recorder(), ManualRunner()
    job = record.start(runner, counting(0, []))
    runner.run()
    job.cancel()
    assert not runner.step()
    assert isinstance(job, SteppedJob)
    assert not job.step()
    assert record.calls == [("return", "end")]
    assert isinstance(job.outcome, Returned)


def test_the_state_is_final_before_the_last_callback() -> None:
    runner = ManualRunner()
    seen: list[Any] = []
    job = runner.start(
        Generated(counting(0, [])),
        Handlers(event=seen.append, result=lambda _: seen.append(job.outcome)),
    )
    runner.run()
    assert seen == [Returned("end")]


def test_a_callback_that_fails_fails_the_job_and_closes_the_generator() -> None:
    closed: list[str] = []
    errors: list[Exception] = []

    def refuse(event: int) -> None:
        raise KeyError(event)

    job = InlineRunner().start(
        Generated(counting(3, closed)),
        Handlers(
            event=refuse,
            result=lambda _: closed.append("returned"),
            error=errors.append,
            closed=lambda: closed.append("cancelled"),
        ),
    )
    assert [type(error) for error in errors] == [KeyError]
    assert closed == ["closed"]
    assert isinstance(job.outcome, Failed)


def test_jobs_interleave_as_the_test_wants() -> None:
    record, runner = Recorder(), ManualRunner()
    record.start(runner, counting(2, []))
    record.start(runner, iter_letters())
    first, second = runner.jobs
    for job in (first, second, second, first):
        job.step()
    assert [call[1] for call in record.calls] == [0, "a", "b", 1]
    runner.run()
    assert runner.jobs == ()


def iter_letters() -> Generator[str, None, None]:
    yield "a"
    yield "b"


def test_a_job_may_start_another_one() -> None:
    record, runner = Recorder(), ManualRunner()
    runner.start(
        Generated(counting(1, [])),
        Handlers(event=lambda _: record.start(runner, counting(1, []))),
    )
    runner.run()
    assert record.calls == [("event", 0), ("return", "end")]

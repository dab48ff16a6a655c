from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.errors import InputError
from napari_unet.models.record import new_record
from napari_unet.session.models.timeline import ModelVersion, Timeline


def model(name: str = "model") -> Any:
    return cast("Any", name)


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


def counted(timeline: Timeline) -> Callable[[], int]:
    calls: list[None] = []
    timeline.changed.connect(lambda: calls.append(None))
    return lambda: len(calls)


def test_an_empty_timeline_has_no_active_model(timeline: Timeline) -> None:
    assert timeline.active is None
    assert timeline.versions == ()
    with pytest.raises(InputError, match="none"):
        timeline.activate(1)


def test_what_is_published_is_active_and_keeps_its_story() -> None:
    timeline = Timeline()
    first = timeline.publish(model("start"), note="built-in")
    measured = {"score": 0.75, "start_score": 0.5}
    record = new_record(parent=first.uuid)
    record = record.model_copy(update=measured)
    second = timeline.publish(model("tuned"), record=record, note="tuned")
    assert timeline.versions == (first, second)
    assert timeline.active is second
    assert (first.number, second.number) == (1, 2)
    assert second.record is record
    assert second.record.created > first.record.created
    assert first.record.score is None


def test_an_older_version_can_be_brought_back(timeline: Timeline) -> None:
    first, _ = timeline.publish(model()), timeline.publish(model())
    changes = counted(timeline)
    assert timeline.activate(1) is first
    assert timeline.active is first
    assert len(timeline.versions) == 2
    assert changes() == 1
    timeline.activate(1)
    assert changes() == 1
    with pytest.raises(InputError, match="1, 2"):
        timeline.activate(3)


def test_a_version_may_wait_for_consent(timeline: Timeline) -> None:
    first = timeline.publish(model(), activate=False)
    assert timeline.active is first
    timeline.publish(model(), activate=False)
    assert timeline.active is first


def test_listeners_see_the_new_state(timeline: Timeline) -> None:
    seen: list[ModelVersion | None] = []
    timeline.changed.connect(lambda: seen.append(timeline.active))
    published = timeline.publish(model())
    assert seen == [published]


def test_a_checkpoint_can_be_replaced_by_a_better_one(timeline: Timeline) -> None:
    start = timeline.publish(model())
    checkpoint = timeline.publish(model())
    better = timeline.publish(model(), replaces=checkpoint.number)
    assert timeline.versions == (start, better)
    assert better.number == 3
    waiting = timeline.publish(model(), activate=False, replaces=better.number)
    assert timeline.active is waiting
    with pytest.raises(InputError):
        timeline.publish(model(), replaces=checkpoint.number)
    assert timeline.versions == (start, waiting)


def test_two_sessions_do_not_hear_each_other() -> None:
    one, other = Timeline(), Timeline()
    changes = counted(other)
    one.publish(model())
    assert changes() == 0


@given(
    commands=st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.booleans(), st.integers(1, 6)),
            st.tuples(st.just("activate"), st.booleans(), st.integers(1, 6)),
        )
    )
)
def test_numbers_rise_and_the_active_version_is_always_one_of_them(
    commands: list[tuple[str, bool, int]],
) -> None:
    timeline = Timeline()
    given_out: list[int] = []
    for command, flag, number in commands:
        present = {version.number for version in timeline.versions}
        if command == "publish":
            replaces = number if number in present and flag else None
            version = timeline.publish(model(), activate=flag, replaces=replaces)
            given_out.append(version.number)
        elif number in present:
            timeline.activate(number)
        numbers = [version.number for version in timeline.versions]
        assert numbers == sorted(set(numbers))
        assert all(version.model for version in timeline.versions), "none is stored"
        assert (timeline.active in timeline.versions) or not numbers
    assert given_out == sorted(set(given_out))

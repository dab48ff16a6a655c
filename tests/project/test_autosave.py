from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.project.autosave import Autosave

FULL = "The disk is full; free space or choose another folder."


def saved(autosave: Autosave, now: float) -> None:
    autosave.started()
    autosave.succeeded(now)


def test_nothing_is_due_before_a_change() -> None:
    autosave = Autosave("cells.unet")
    assert not autosave.due(1e9)
    assert autosave.describe(1e9) == "Nothing new to save"


def test_a_save_is_due_after_a_pause() -> None:
    autosave = Autosave("cells.unet")
    autosave.changed(100.0)
    autosave.changed(101.0)
    assert [autosave.due(now) for now in (101.0, 102.9, 103.0)] == [False, False, True]


def test_who_never_pauses_is_saved_all_the_same() -> None:
    autosave = Autosave("cells.unet")
    for tenth in range(80):
        autosave.changed(100.0 + tenth / 10)
        assert not autosave.due(100.0 + tenth / 10)
    assert autosave.due(108.0)


@given(
    pauses=st.lists(st.floats(0, 4), min_size=1, max_size=40),
    duration=st.floats(0, 1),
)
def test_every_change_is_on_the_disk_within_ten_seconds(
    pauses: list[float], duration: float
) -> None:
    autosave, now = Autosave("cells.unet"), 0.0
    coming = list(itertools.accumulate(pauses))
    noted: list[float] = []
    copied: list[float] = []
    started: float | None = None
    while coming or noted or copied:
        while coming and coming[0] <= now:
            noted.append(coming.pop(0))
            autosave.changed(noted[-1])
        if started is not None and now >= started + duration:
            autosave.succeeded(now)
            assert all(now - change <= 10.0 for change in copied)
            copied, started = [], None
        if autosave.due(now):
            copied, noted, started = noted, [], now
            autosave.started()
        assert autosave.unsaved == bool(noted or copied)
        assert now < 1000
        now += 0.25


def test_a_change_during_a_save_is_saved_by_the_next() -> None:
    autosave = Autosave("cells.unet")
    autosave.changed(0.0)
    autosave.started()
    autosave.changed(2.5)
    assert not autosave.due(50.0)
    autosave.succeeded(3.0)
    assert autosave.unsaved_since == 2.5
    assert autosave.due(4.5)
    saved(autosave, 5.0)
    assert not autosave.unsaved


def test_a_failure_stays_visible_until_a_save_succeeds() -> None:
    autosave = Autosave("cells.unet")
    autosave.changed(0.0)
    autosave.started()
    autosave.failed(2.0, FULL)
    assert autosave.describe(5.0) == (
        f"Not saved. {FULL} Your changes are in memory; next attempt in 7 s."
    )
    autosave.changed(6.0)
    assert [autosave.due(now) for now in (8.0, 11.9, 12.0)] == [False, False, True]
    autosave.started()
    assert autosave.describe(12.0).startswith(f"Not saved. {FULL}")
    assert autosave.unsaved
    autosave.succeeded(13.0)
    assert autosave.describe(13.0) == "Saved just now in cells.unet"
    assert not autosave.unsaved


def test_another_folder_is_saved_to_at_once() -> None:
    autosave = Autosave("full.unet")
    autosave.changed(0.0)
    autosave.started()
    autosave.failed(2.0, FULL)
    autosave.moved("roomy.unet", 4.0)
    assert not autosave.unsaved
    assert autosave.describe(9.0) == "Saved 5 s ago in roomy.unet"


def test_a_save_in_the_old_folder_does_not_hold_up_the_new_one() -> None:
    autosave = Autosave("old.unet")
    autosave.changed(0.0)
    autosave.started()
    autosave.moved("new.unet", 3.0)
    assert not autosave.unsaved
    autosave.changed(4.0)
    assert autosave.due(6.5)
    saved(autosave, 7.0)
    assert not autosave.unsaved


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "just now"), (12, "12 s ago"), (125, "2 min ago"), (7300, "2 h ago")],
)
def test_the_time_of_the_last_save_in_words(seconds: float, words: str) -> None:
    autosave = Autosave("cells.unet")
    autosave.changed(0.0)
    saved(autosave, 100.0)
    assert autosave.describe(100.0 + seconds) == f"Saved {words} in cells.unet"


def test_what_is_going_on_in_words() -> None:
    autosave = Autosave("cells.unet")
    autosave.changed(0.0)
    assert autosave.describe(1.0) == "Saving…"
    autosave.started()
    assert autosave.describe(2.0) == "Saving…"

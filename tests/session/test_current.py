"""What is said goes when that is gone which it is about."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_unet.gui
import napari_unet.session
from napari_unet.errors import InputError
from napari_unet.session.current import describe
from napari_unet.session.project_state import ProjectState, SaveState
from napari_unet.session.state import (
    ImageState,
    ModelState,
    Problem,
    Progress,
    State,
)
from napari_unet.session.state_holder import StateHolder

IMAGE = ImageState("a", "YX", (8, 8), open=True, has_labels=True, objects=22)
MODEL = ModelState("nuclei", "", (), 1)
PROJECT = ProjectState("p.unet", Path("p.unet"))
NOW = {
    "ready": True,
    "image": IMAGE,
    "model": MODEL,
    "version": 1,
    "project": PROJECT,
    "loading": "",
    "predicting": None,
    "training": None,
}
OTHERS = {
    "image": {"image": replace(IMAGE, name="b")},
    "labels": {"image": replace(IMAGE, objects=23)},
    "model": {"model": replace(MODEL, name="cells")},
    "version": {"version": 2},
    "project": {"project": replace(PROJECT, folder=Path("q.unet"))},
    "predicting": {"predicting": Progress(1, 2)},
    "training": {"training": Progress(1, 2)},
    "loading": {"loading": "cells"},
}
TOPICS = st.sets(st.sampled_from(sorted(OTHERS)), max_size=4)


def holder_with(**changes):
    holder = StateHolder()
    holder.update(**NOW)
    holder.update(**changes)
    return holder


@given(TOPICS, st.sampled_from(sorted(OTHERS)))
def test_a_message_holds_until_its_subject_changes(about, changed):
    holder = holder_with(message="It is so.", about=tuple(about))
    holder.update(**OTHERS[changed])
    # Another model is another version of a model, and another image has other labels.
    also = {"model": {"version"}, "image": set()}.get(changed, set())
    stale = bool(about & ({changed} | also))
    assert (holder.state.message == "It is so.") is not stale
    assert holder.state.message in ("It is so.", describe(holder.state))


@given(st.sampled_from(sorted(OTHERS)))
def test_what_is_said_with_a_change_is_about_what_is_there_then(changed):
    holder = holder_with(message="Old.")
    holder.update(**OTHERS[changed], message="New.", about=tuple(OTHERS))
    assert holder.state.message == "New."


@given(
    st.lists(st.sampled_from(sorted(OTHERS)), max_size=6),
    st.sampled_from(["image", "model", "predict", "correct", "finetune", "project"]),
)
def test_words_of_a_problem_go_with_the_problem(changes, place):
    holder = holder_with()
    holder.report(place, InputError("Something is wrong."))
    for change in changes:
        holder.update(**OTHERS[change])
    told = [problem.text for problem in holder.state.problems.values()]
    assert (holder.state.message == "Something is wrong.") is bool(told)
    holder.clear(place)
    assert holder.state.message == describe(holder.state) != "Something is wrong."


@pytest.mark.parametrize(
    ("place", "changed", "gone"),
    [
        ("predict", "model", True),
        ("predict", "image", True),
        ("finetune", "model", True),
        ("correct", "image", True),
        ("correct", "model", False),
        ("image", "model", False),
        ("project", "project", True),
        ("model", "image", False),
    ],
)
def test_problems_belong_to_an_image_or_a_model_too(place, changed, gone):
    holder = holder_with()
    holder.update(problems={place: Problem("Wrong.")})
    holder.update(**OTHERS[changed])
    assert (place not in holder.state.problems) is gone


def test_what_a_training_had_to_tell_goes_with_its_model():
    holder = holder_with(notice="Too little memory.", save=SaveState("Saved in a"))
    holder.update(**OTHERS["version"])
    assert holder.state.notice
    holder.update(**OTHERS["model"])
    assert not holder.state.notice
    assert holder.state.save.text
    holder.update(**OTHERS["image"])
    assert not holder.state.save.text, "it was of another image"


def test_counts_are_those_of_now():
    state = State(**NOW)
    assert describe(state) == "0 of 22 objects are verified."
    assert "a is open" in describe(
        replace(state, image=replace(IMAGE, has_labels=False))
    )
    assert "Choose an image" in describe(replace(state, image=None))


def updates():
    """Yield where the program says a message, and the names it gives with it."""
    for package in (napari_unet.session, napari_unet.gui):
        for path in sorted(Path(package.__file__).parent.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    names = {keyword.arg for keyword in node.keywords}
                    if "message" in names and path.name != "current.py":
                        yield f"{path.name}:{node.lineno}", names


def test_every_message_says_what_it_is_about():
    found = dict(updates())
    assert len(found) > 12
    assert [place for place, names in found.items() if "about" not in names] == []

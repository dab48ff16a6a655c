"""What a front end shows is a function of what the parts say; stale words go."""

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
from napari_unet.session.hub import Hub
from napari_unet.session.images.status import ImageState
from napari_unet.session.models.status import ModelState
from napari_unet.session.state import State, describe
from napari_unet.session.status import Progress, Target
from napari_unet.session.worklist.status import ProjectState
from tests.runners import InlineRunner

IMAGE = ImageState("a", "YX", (8, 8), open=True, has_labels=True, objects=22)
MODEL = ModelState("nuclei", "", (), 1)
PROJECT = ProjectState("p.unet", Path("p.unet"))
NOW = {
    "ready": True,
    "image": IMAGE,
    "model": MODEL,
    "version": 1,
    "project": PROJECT,
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
GOING_ON = Progress(1, 2)


def shown(**facts):
    """Return the state with an image and a model, and something else besides."""
    return State(**{**NOW, **facts})


def image(**facts):
    return replace(IMAGE, **facts)


def holder_with(message="", *about):
    holder = Hub(InlineRunner())
    holder.show(**NOW)
    if message:
        holder.say(message, *about)
    return holder


HIDDEN = Target(why_not_predict="'a' is hidden.", why_not_accept="Labels are hidden.")
NOBODY = "Choose an image first, or drop one into the window."
OPENING = "The image is still being opened."
LOCKED = "Somebody else works in p.unet."
UNREADY = {"ready": False, "model": None}


@pytest.mark.parametrize(
    ("command", "situation", "reason"),
    [
        ("predict", {}, ""),
        ("predict", {"predicting": GOING_ON}, "A prediction is going on."),
        ("predict", {"image": None}, NOBODY),
        ("predict", {"image": image(open=False)}, OPENING),
        ("predict", {"model": None}, "Choose a model first."),
        ("predict", {"loading": "cells"}, "The model is still being loaded."),
        ("predict", UNREADY, "The model is still being loaded."),
        ("predict", {"target": HIDDEN}, "'a' is hidden."),
        ("predict", {"image": image(read_only=LOCKED)}, ""),
        ("paint", {}, "The labels are there already."),
        ("paint", {"image": image(has_labels=False)}, ""),
        ("paint", {"image": image(has_labels=False, read_only=LOCKED)}, LOCKED),
        ("paint", {"image": None}, NOBODY),
        ("accept view", {}, ""),
        ("accept view", {"image": image(read_only=LOCKED)}, LOCKED),
        (
            "accept view",
            {"image": image(has_labels=False)},
            "There are no labels yet; press Predict first.",
        ),
        (
            "accept view",
            {"image": image(has_labels=False, worked_on=True)},
            "The labels are not shown: press Show the earlier work first.",
        ),
        (
            "split",
            {"image": image(has_labels=False)},
            "There are no labels yet; press Predict first.",
        ),
        (
            "accept view",
            {"image": image(has_prediction=False)},
            "There are no predicted values to accept; press Predict first.",
        ),
        ("accept view", {"target": HIDDEN}, "Labels are hidden."),
        ("accept object", {}, ""),
        (
            "accept object",
            {"image": image(task="classes")},
            "There are no objects here; accept a view.",
        ),
        ("measure", {}, ""),
        (
            "measure",
            {"image": image(has_labels=False)},
            "There are no labels yet; press Predict first.",
        ),
        (
            "measure",
            {"image": image(has_labels=False, worked_on=True)},
            "The labels are not shown: press Show the earlier work first.",
        ),
        (
            "measure",
            {"image": image(objects=0)},
            "There are no objects yet: Predict, or paint some.",
        ),
        (
            "interpolate",
            {},
            "This image is one plane: the tool is for stacks and time-lapses.",
        ),
        (
            "interpolate",
            {"image": image(axes="TCYX", shape=(1, 3, 8, 8))},
            "This image is one plane: the tool is for stacks and time-lapses.",
        ),
        ("interpolate", {"image": image(axes="TCYX", shape=(2, 3, 8, 8))}, ""),
        (
            "interpolate",
            {"image": image(axes="ZYX", shape=(5, 8, 8)), "target": HIDDEN},
            "Labels are hidden.",
        ),
        (
            "copy to next plane",
            {"image": image(axes="ZYX", shape=(5, 8, 8), task="classes")},
            "There are no objects here; paint in the plane after.",
        ),
        ("change", {}, ""),
        ("change", {"image": image(read_only=LOCKED)}, LOCKED),
        ("un-verify view", {}, "Nothing is verified yet."),
        ("un-verify view", {"image": image(verified_share=0.1)}, ""),
        ("un-verify view", {"target": HIDDEN}, "Labels are hidden."),
        (
            "un-verify object",
            {"image": image(task="classes", verified_share=0.1)},
            "There are no objects here; un-verify a view.",
        ),
        ("start_over", {}, "There is nothing to clear."),
        ("start_over", {"image": image(worked_on=True)}, ""),
        ("bring_back", {}, "Nothing was kept yet: Start over keeps a copy."),
        ("bring_back", {"image": image(snapshots=((1, "work"),))}, ""),
        (
            "finetune",
            {},
            (
                "Nothing is verified yet: correct some objects with the brush, or "
                "accept a view where everything is right."
            ),
        ),
        ("finetune", {"image": image(verified_share=0.1)}, ""),
        (
            "finetune",
            {"image": image(task="classes", verified_share=0.1, verified_classes=1)},
            (
                "Only one class is verified yet: paint or accept pixels of another "
                "class too, so that the model can tell them apart."
            ),
        ),
        ("finetune", {"training": GOING_ON}, "A training is going on."),
        ("finetune", {"model": None}, "Choose a model first."),
        ("finetune", {"image": None}, NOBODY),
    ],
)
def test_a_command_is_refused_in_words(command, situation, reason):
    state = shown(**situation)
    if hasattr(state, f"why_not_{command}"):
        assert getattr(state, f"why_not_{command}") == reason
    else:
        assert state.why_not_do(command) == reason


def test_an_image_that_is_no_good_says_so_wherever_it_is_needed():
    holder = holder_with()
    holder.report("image", InputError("No pixels."))
    state = holder.state
    assert state.why_not_predict == state.why_not_do("accept view") == "No pixels."
    assert state.why_not_finetune == state.message == "No pixels."


@pytest.mark.parametrize(
    ("situation", "message"),
    [
        ({}, "0 of 22 objects are verified."),
        ({"image": image(has_labels=False)}, "a is open."),
        ({"image": image(open=False)}, "Opening a…"),
        ({"image": image(task="classes", verified_share=0.31)}, "31 % of pixels are"),
        ({"image": image(task="classes", verified_share=0.031)}, "3.1 % of pixels are"),
        ({"image": None}, "Choose an image, or drop one into the window."),
        ({"image": None, **UNREADY}, "Getting ready…"),
        ({"predicting": GOING_ON}, "Predicting…"),
        ({"predicting": GOING_ON, "training": GOING_ON}, "Training…"),
        ({"loading": "cells", "predicting": GOING_ON}, "Loading the model cells…"),
    ],
)
def test_where_nothing_was_said_the_situation_speaks(situation, message):
    assert shown(**situation).message.startswith(message)


@given(TOPICS, st.sampled_from(sorted(OTHERS)))
def test_a_message_holds_until_its_subject_changes(about, changed):
    holder = holder_with("It is so.", *about)
    holder.show(**OTHERS[changed])
    # Another model is another version of a model, and another image has other labels.
    also = {"model": {"version"}, "image": set()}.get(changed, set())
    stale = bool(about & ({changed} | also))
    assert (holder.state.message == "It is so.") is not stale
    assert holder.state.message in ("It is so.", describe(holder.state))


@given(TOPICS, st.sampled_from(sorted(OTHERS)))
def test_what_is_stale_does_not_come_back_with_its_subject(about, changed):
    holder = holder_with("It is so.", *about)
    holder.show(**OTHERS[changed])
    said = holder.state.message
    holder.show(loading="", predicting=None, training=None, **NOW)
    assert (holder.state.message == "It is so.") is (said == "It is so.")


@given(st.sampled_from(sorted(OTHERS)))
def test_what_is_said_with_a_change_is_about_what_is_there_then(changed):
    holder = holder_with("Old.")
    holder.say("New.", *OTHERS, **OTHERS[changed])
    assert holder.state.message == "New."


@given(
    st.lists(st.sampled_from(sorted(OTHERS)), max_size=6),
    st.sampled_from(["image", "model", "predict", "correct", "finetune", "project"]),
)
def test_words_of_a_problem_go_with_the_problem(changes, place):
    holder = holder_with()
    holder.report(place, InputError("Something is wrong."))
    for change in changes:
        holder.show(**OTHERS[change])
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
    holder.report(place, InputError("Wrong."))
    assert place in holder.state.problems
    holder.show(**OTHERS[changed])
    assert (place not in holder.state.problems) is gone


def test_what_a_training_had_to_tell_goes_with_its_model():
    holder = holder_with()
    holder.notice("Too little memory.")
    holder.show(**OTHERS["version"])
    assert holder.state.notice
    holder.show(**OTHERS["model"])
    assert not holder.state.notice


def messages():
    """Yield where the program says a message, and whether it says of what."""
    for package in (napari_unet.session, napari_unet.gui):
        for path in sorted(Path(package.__file__).parent.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                function = getattr(node, "func", None)
                if isinstance(function, ast.Attribute) and function.attr == "say":
                    yield f"{path.name}:{node.lineno}", len(node.args) > 1


def test_every_message_says_what_it_is_about():
    found = dict(messages())
    assert len(found) > 12
    assert [place for place, about in found.items() if not about] == []

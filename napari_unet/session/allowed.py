"""Why something is refused now, in words for its tooltip; nothing where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.annotation.schema import Task

if TYPE_CHECKING:
    from napari_unet.session.state import ImageState, State

_HOW_TO_VERIFY: dict[Task, str] = {
    "instances": "correct some objects with the brush",
    "classes": "paint some pixels of every class",
    "regression": "paint marks with values that you know",
}


def why_not_learn(image: ImageState) -> str:
    """Return why there is nothing to learn from yet, or nothing if there is."""
    if not image.verified_share:
        return (
            f"Nothing is verified yet: {_HOW_TO_VERIFY[image.task]}, or accept a view "
            "where everything is right."
        )
    if image.task == "classes" and image.verified_classes < 2:
        return (
            "Only one class is verified yet: paint or accept pixels of another class "
            "too, so that the model can tell them apart."
        )
    return ""


def why_not_unverify(state: State) -> str:
    """Return why nothing can be un-verified, or nothing if it can."""
    if reason := state.why_not_change or state.target.why_not_accept:
        return reason
    if state.image and not state.image.verified_share:
        return "Nothing is verified yet."
    return ""


def why_not_unverify_object(state: State) -> str:
    """Return why no object can be un-verified, or nothing if one can."""
    if state.image and state.image.task != "instances":
        return "There are no objects here; un-verify a view."
    return why_not_unverify(state)


def why_not_start_over(state: State) -> str:
    """Return why one cannot start over, or nothing if one can."""
    if reason := state.why_not_change:
        return reason
    if state.image and not state.image.worked_on:
        return "There is nothing to clear."
    return ""


def why_not_bring_back(state: State) -> str:
    """Return why no earlier work can be brought back, or nothing if it can."""
    if reason := state.why_not_change:
        return reason
    if state.image and not state.image.snapshots:
        return "Nothing was kept yet: Start over keeps a copy."
    return ""

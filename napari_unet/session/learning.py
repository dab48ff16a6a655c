"""What there has to be before a model can learn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.core.subject import Task

if TYPE_CHECKING:
    from napari_unet.session.state import ImageState

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

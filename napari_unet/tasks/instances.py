"""Objects, each with an id of its own."""

from __future__ import annotations

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.labels import OBJECT_IDS
from napari_unet.annotation.rules import OBJECTS
from napari_unet.scores.report import OBJECT_SCORES
from napari_unet.tasks.labeling import Brush, Labeling, Names
from napari_unet.tasks.outputs import Described, Outputs
from napari_unet.tasks.task import Task, Words, objective_in


class ObjectLabeling(Labeling):
    """Labels are ids of objects, 0 is background."""

    kind = OBJECT_IDS
    rules = OBJECTS
    brush = Brush.OBJECT
    objects = True

    def first_label(self, annotation: Annotation, mean: float) -> int:
        """Return a new object."""
        return annotation.new_id()

    def known(self, annotation: Annotation, names: Names, label: int) -> bool:
        """Return whether it is an object; an id that none had may be taken by now."""
        return annotation.pixels_of(label) > 0


class ObjectOutputs(Outputs):
    """Foreground, and what tells objects apart."""

    def channels(self, spec: Described) -> int:
        """Return the number of maps that are decoded to objects."""
        return spec.decoding.channels(spec.architecture.dims)

    def map_names(self, spec: Described) -> tuple[str, ...]:
        """Return those of the decoding."""
        return spec.decoding.map_names(spec.architecture.dims)

    def decoded(self, spec: Described) -> str:
        """Say by which thresholds they become objects."""
        return f"All are from 0 to 1. {spec.decoding.in_words}"


class ObjectWords(Words):
    """What is said of objects."""

    title = "Single objects"
    outcome = "objects"
    layer = "labels"
    aside = ""
    painting = (
        "Choose the labels layer and correct with napari's tools: brush (2), eraser "
        "(1), polygon (3), fill (4), picker (5), undo (Ctrl+Z), new label (M). What "
        "you touch is verified: no prediction and no training changes it any more."
    )
    verifying = "correct some objects with the brush"

    def predicts(self, spec: Described) -> str:
        """Say that it finds objects."""
        return "Finds objects"

    def found(
        self, annotation: Annotation, names: tuple[str, ...], seconds: float
    ) -> str:
        """Say how many objects were found."""
        return f"Found {annotation.counts().objects:,} objects in {seconds:.1f} s."

    def verified(self, objects: int, verified_objects: int, share: float) -> str:
        """Say how many objects are verified."""
        return f"{verified_objects:,} of {objects:,} objects are verified."


INSTANCES = Task(
    "instances",
    ObjectLabeling(),
    ObjectOutputs(),
    ObjectWords(),
    OBJECT_SCORES,
    objective_in("napari_unet.tasks.objectives.instances"),
)

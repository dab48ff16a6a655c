"""A class for every pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.labels import CLASS_NUMBERS, UNKNOWN_CLASS, Labels
from napari_unet.annotation.rules import ClassRules
from napari_unet.errors import InputError
from napari_unet.scores.report import CLASS_SCORES
from napari_unet.tasks.labeling import Brush, Labeling, Names
from napari_unet.tasks.outputs import (
    Described,
    OutputNames,
    OutputRequest,
    Outputs,
    PixelClass,
)
from napari_unet.tasks.sample import Sample
from napari_unet.tasks.task import Task, Words, objective_in, percent

_MOST_CLASSES = 64
_MOST_TOLD = 3


class ClassLabeling(Labeling):
    """Labels are numbers of classes, each with a name."""

    kind = CLASS_NUMBERS
    rules = ClassRules()
    brush = Brush.CLASS
    exported = np.uint8

    def goes_with(self, names: Names, others: Names) -> bool:
        """Return whether the classes are the same, but for more or fewer at the end."""
        common = min(len(names), len(others))
        return names[:common] == others[:common]

    def take_over(
        self, labels: Callable[[], Any], names: Names, axes: str, source: str
    ) -> Labels:
        """Return class numbers; those that have no name are refused."""
        found = super().take_over(labels, names, axes, source)
        low, high = int(found.array.min(initial=0)), int(found.array.max(initial=0))
        most = len(names) - 1
        if low < 0 or high > most:
            raise InputError(
                f"The labels of '{source}' run from {low} to {high}, but only the "
                f"classes 0 to {most} can be used here; renumber them first."
            )
        return found

    def first_label(self, annotation: Annotation, mean: float) -> int:
        """Return the first class after the background."""
        return 1

    def nearest(self, annotation: Annotation, names: Names, label: int) -> int:
        """Return a class that has a name."""
        return min(label, len(names) - 1)


class ClassOutputs(Outputs):
    """A map for every class."""

    classes = True

    def decoded(self, spec: Described) -> str:
        """Say that one of them is the largest."""
        return (
            "They are probabilities that add up to 1. The class of a pixel is the "
            "number, counted from 0, of the map that is largest there."
        )

    def why_not(self, request: OutputRequest) -> str:
        """Check that there are two names or more."""
        if len(request.names) < 2:
            return "Name two classes or more, background first."
        return super().why_not(request)

    def requested(self, request: OutputRequest) -> OutputNames:
        """Return classes with these names."""
        return OutputNames(classes=tuple(PixelClass(name=n) for n in request.names))

    def from_samples(
        self, samples: Sequence[Sample], names: Sequence[str]
    ) -> OutputNames:
        """Return as many classes as the labels hold."""
        highest = max((_highest_class(sample) for sample in samples), default=-1)
        if highest >= _MOST_CLASSES:
            raise InputError(
                f"The labels go up to {highest}; that looks like object ids, not like "
                f"classes (at most {_MOST_CLASSES}); use --task instances, or labels "
                "that hold the class of every pixel."
            )
        count = max(highest + 1, 2)
        if names and len(names) < count:
            raise InputError(
                f"{len(names)} names are given, but the labels hold the numbers 0 to "
                f"{highest}; name {count} classes, background first."
            )
        made_up = ["background", *(f"class {i}" for i in range(1, count))]
        return OutputNames(tuple(PixelClass(name=name) for name in names or made_up))


class ClassWords(Words):
    """What is said of classes."""

    title = "A class for every pixel"
    outcome = "classes"
    layer = "classes"
    aside = "classes"
    example = "background\naxon\nmyelin"
    painting = (
        "Choose a class below and paint it with napari's tools: brush (2), eraser (1: "
        "the first class), polygon (3), fill (4), picker (5), undo (Ctrl+Z). What you "
        "paint is verified: no prediction and no training changes it any more. So is "
        "what has that class already; Accept verifies all that is in view."
    )
    verifying = "paint some pixels of every class"

    def predicts(self, spec: Described) -> str:
        """Name the classes."""
        return f"Classes: {', '.join(each.name for each in spec.classes)}"

    def found(
        self, annotation: Annotation, names: tuple[str, ...], seconds: float
    ) -> str:
        """Say which share of the image the largest classes have."""
        shares = ", ".join(_shares(annotation, names)) or "background only"
        return f"Classes predicted in {seconds:.1f} s: {shares}."

    def too_little(self, verified_classes: int) -> str:
        """Ask for a second class."""
        if verified_classes >= 2:
            return ""
        return (
            "Only one class is verified yet: paint or accept pixels of another class "
            "too, so that the model can tell them apart."
        )


def _highest_class(sample: Sample) -> int:
    """Return the highest class among the verified pixels, -1 if there is none."""
    labels = sample.labels
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"Expected class numbers, found values of type {labels.dtype}; use "
            "--task regression, or labels of integers."
        )
    known = labels[labels != UNKNOWN_CLASS]
    if sample.verified is not None and sample.verified.shape == labels.shape:
        known = labels[(labels != UNKNOWN_CLASS) & sample.verified]
    if known.size and known.min() < 0:
        raise InputError(
            f"The labels hold the class {int(known.min())}; number classes from 0."
        )
    return int(known.max()) if known.size else -1


def _shares(annotation: Annotation, names: tuple[str, ...]) -> list[str]:
    """Return the largest classes besides 0 with their shares of the image."""
    total = annotation.counts().pixels
    named = enumerate(names[1:], 1)
    found = [(annotation.pixels_of(label) / total, name) for label, name in named]
    largest = sorted((each for each in found if each[0]), reverse=True)
    return [f"{name} {percent(share)}" for share, name in largest[:_MOST_TOLD]]


CLASSES = Task(
    "classes",
    ClassLabeling(),
    ClassOutputs(),
    ClassWords(),
    CLASS_SCORES,
    objective_in("napari_unet.tasks.objectives.classes"),
)

"""What front ends say of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from napari_unet.annotation.annotation import Annotation
from napari_unet.tasks.outputs import Described


class Words(ABC):
    """Names and sentences of a task, for people."""

    title: ClassVar[str]
    """What can be asked for, such as "A class for every pixel"."""

    outcome: ClassVar[str]
    """What is predicted, in one word, such as "classes"."""

    layer: ClassVar[str]
    """What the layer is called that is painted in, after the name of the image."""

    aside: ClassVar[str]
    """What is added to the name of an image in lists; nothing for the usual task."""

    example: ClassVar[str] = ""
    """Names that a person could give, one a line."""

    painting: ClassVar[str]
    """How to correct."""

    verifying: ClassVar[str]
    """How to verify something, such as "paint some pixels of every class"."""

    @abstractmethod
    def predicts(self, spec: Described) -> str:
        """Return what a model predicts, in a line."""

    @abstractmethod
    def found(
        self, annotation: Annotation, names: tuple[str, ...], seconds: float
    ) -> str:
        """Say what a prediction found."""

    def verified(self, objects: int, verified_objects: int, share: float) -> str:
        """Say how much a person stands behind; `share` is that of all pixels."""
        del objects, verified_objects
        return f"{percent(share)} of pixels are verified."

    def too_little(self, verified_classes: int) -> str:  # noqa: ARG002
        """Return why not enough is verified to learn from it, or nothing."""
        return ""


def percent(share: float) -> str:
    """Return a share such as "31 %", with a digit more where it is small."""
    return f"{100 * share:.{0 if share >= 0.1 or not share else 1}f} %"

"""What the dock acts on: what is selected, and in sight.

One pure function decides it for every command: which image is chosen, what Predict
predicts, what Accept accepts. Nothing here knows napari.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

from napari_unet.session.status import NO_TARGET, Target

_SHOW = "show it (the eye in the layer list)"


class Role(Enum):
    """What a layer is to the dock."""

    IMAGE = "pixels to work on"
    LABELS = "what a person paints in"
    PICTURE = "predicted values"
    OVERLAY = "what is verified"
    STRANGER = "labels that nobody keeps"
    OTHER = "anything else"


_RESULTS = frozenset({Role.LABELS, Role.PICTURE, Role.OVERLAY})


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What decides whether commands mean a layer.

    Parameters
    ----------
    name : str
        As the person reads it.
    role : Role
        What the layer is to the dock.
    image : hashable
        Which image it shows, or whose result; layers of one image have equal ones.
    visible, selected : bool
        As napari says.
    """

    name: str
    role: Role
    image: Hashable = None
    visible: bool = True
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """What commands act on.

    Parameters
    ----------
    image : int or None
        Which of the layers shows the chosen image.
    target : Target
        The same in words, with what speaks against it.
    """

    image: int | None = None
    target: Target = NO_TARGET


def resolve_target(layers: Sequence[LayerFacts], chosen: int | None) -> Resolved:
    """Return what commands act on.

    A selected layer of an image, or of its results, chooses that image. Other layers
    choose nothing: the image that was chosen before stays. Where several images are
    selected it stays too, and Accept is refused. Where nothing was chosen, the topmost
    image in sight is.

    Parameters
    ----------
    layers : sequence of LayerFacts
        All layers of the viewer, the lowest first.
    chosen : int or None
        Which of them was chosen before; None if none was, or if it is gone.
    """
    image = _image(layers, chosen)
    if image is None:
        return Resolved(None, Target(stranger=_stranger(layers)))
    return Resolved(image, _target(layers, image))


def _image(layers: Sequence[LayerFacts], chosen: int | None) -> int | None:
    images = [i for i, each in enumerate(layers) if each.role is Role.IMAGE]
    selected = [i for i in images if layers[i].selected]
    meant = _selected_images(layers)
    if len(meant) == 1:
        (key,) = meant
        candidates = selected or [i for i in images if layers[i].image == key]
        if candidates:
            return chosen if chosen in candidates else _topmost(layers, candidates)
    if chosen is not None:
        return chosen
    return _topmost(layers, selected or images)


def _topmost(layers: Sequence[LayerFacts], among: Sequence[int]) -> int | None:
    """Return the topmost that is in sight, or else the topmost."""
    visible = [i for i in among if layers[i].visible]
    return max(visible or among, default=None)


def _selected_images(layers: Sequence[LayerFacts]) -> set[Hashable]:
    return {
        each.image
        for each in layers
        if each.selected and (each.role is Role.IMAGE or each.role in _RESULTS)
    }


def _stranger(layers: Sequence[LayerFacts]) -> str:
    strangers = (x.name for x in layers if x.selected and x.role is Role.STRANGER)
    return next(strangers, "")


def _target(layers: Sequence[LayerFacts], image: int) -> Target:
    labels = next((x for x in _of(layers, image) if x.role is Role.LABELS), None)
    return Target(
        labels=labels.name if labels else "",
        stranger=_stranger(layers),
        why_not_predict=_why_not_predict(layers, image),
        why_not_accept=_why_not_accept(layers, image, labels) if labels else "",
    )


def _of(layers: Sequence[LayerFacts], image: int) -> list[LayerFacts]:
    return [each for each in layers if each.image == layers[image].image]


def _why_not_predict(layers: Sequence[LayerFacts], image: int) -> str:
    """Return why the image is not the one that the person looks at, if it is not.

    A person may hide the only image, to look at labels alone.
    """
    in_sight = {x.image for x in layers if x.role is Role.IMAGE and x.visible}
    if not in_sight or layers[image].image in in_sight:
        return ""
    return (
        f"The image '{layers[image].name}' is chosen, but hidden: {_SHOW}, or choose "
        "the image that is in sight."
    )


def _why_not_accept(
    layers: Sequence[LayerFacts], image: int, labels: LayerFacts
) -> str:
    if len(_selected_images(layers)) > 1:
        return (
            f"Layers of several images are selected; select '{labels.name}' alone to "
            "accept what is in it."
        )
    if stranger := _stranger(layers):
        return (
            f"The layer '{stranger}' is selected, which the dock does not keep; select "
            f"'{labels.name}' to accept what is in it."
        )
    shown = (Role.LABELS, Role.PICTURE)
    if not any(x.visible for x in _of(layers, image) if x.role in shown):
        return f"The layer '{labels.name}' is hidden: {_SHOW} to accept what is in it."
    return ""

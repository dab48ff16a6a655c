"""What the dock acts on: what is selected, and in sight.

One pure function decides it for every command: which image is chosen, what Predict
predicts, what Accept accepts. Nothing here knows napari.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

from napari_unet.session.status import Target

_SHOW = "show it (the eye in the layer list)"


class Role(Enum):
    """What a layer is to the dock."""

    IMAGE = "pixels to work on"
    LABELS = "what a person paints in"
    PICTURE = "predicted values"
    OVERLAY = "what is verified"
    PREVIEW = "what another version would predict"
    STRANGER = "labels that nobody keeps"
    OTHER = "anything else"


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What decides whether commands mean a layer."""

    name: str
    role: Role
    image: Hashable = None  # shown, or whose result; equal for all layers of one image
    visible: bool = True
    selected: bool = False


def resolve_target(
    layers: Sequence[LayerFacts], chosen: int | None
) -> tuple[int | None, Target]:
    """Return which layer shows the image that commands act on, and what they act on.

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
    image, stranger = _image(layers, chosen), _stranger(layers)
    if image is None:
        return None, Target(stranger=stranger)
    of_image = [each for each in layers if each.image == layers[image].image]
    labels = next((each for each in of_image if each.role is Role.LABELS), None)
    return image, Target(
        labels=labels.name if labels else "",
        stranger=stranger,
        why_not_predict=_why_not_predict(layers, layers[image]),
        why_not_accept=_why_not_accept(layers, of_image, labels) if labels else "",
    )


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
    others = (Role.STRANGER, Role.OTHER)
    return {each.image for each in layers if each.selected and each.role not in others}


def _stranger(layers: Sequence[LayerFacts]) -> str:
    strangers = (x.name for x in layers if x.selected and x.role is Role.STRANGER)
    return next(strangers, "")


def _why_not_predict(layers: Sequence[LayerFacts], image: LayerFacts) -> str:
    """Return why the image is not the one that the person looks at, if it is not.

    A person may hide the only image, to look at labels alone.
    """
    in_sight = {x.image for x in layers if x.role is Role.IMAGE and x.visible}
    if not in_sight or image.image in in_sight:
        return ""
    return (
        f"The image '{image.name}' is chosen, but hidden: {_SHOW}, or choose "
        "the image that is in sight."
    )


def _why_not_accept(
    layers: Sequence[LayerFacts], of_image: Sequence[LayerFacts], labels: LayerFacts
) -> str:
    if len(_selected_images(layers)) > 1:
        return (
            f"Layers of several images are selected; select '{labels.name}' alone to "
            "correct or accept what is in it."
        )
    if stranger := _stranger(layers):
        return (
            f"The layer '{stranger}' is selected, which the dock does not keep; select "
            f"'{labels.name}' to correct or accept what is in it."
        )
    shown = (Role.LABELS, Role.PICTURE)
    if not any(each.visible for each in of_image if each.role in shown):
        return (
            f"The layer '{labels.name}' is hidden: {_SHOW} to correct or accept what "
            "is in it."
        )
    return ""

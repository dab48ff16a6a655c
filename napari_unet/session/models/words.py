"""What a person should know of models, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from napari_unet.annotation.schema import LabelSchema
from napari_unet.project.identity import readable
from napari_unet.project.project import Project
from napari_unet.session.models.timeline import ModelVersion, Timeline
from napari_unet.session.status import (
    ClassState,
    ModelState,
    VariableState,
    VersionState,
)
from napari_unet.session.words import gain_in_words
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.models.spec import ModelCard, ModelSpec
    from napari_unet.weights.model import Model

_SCORES = (
    "On images it had not seen; 1 is perfect. AP50 counts an object as found where it "
    "and what a person drew have half of all their pixels in common (AP75: three "
    "quarters); missed and invented objects count alike. Dice is the overlap of pixels."
)


def describe_model(model: Model) -> ModelState:
    """Return what a person should know of a model."""
    spec, card = model.spec, model.spec.card
    about = [spec.description or card.data, _how_good(card)]
    return ModelState(
        spec.name,
        " · ".join(filter(None, about)),
        tuple(_sections(spec)),
        spec.in_channels,
        task_of(spec).words.predicts(spec),
        spec.task,
        tuple(ClassState(each.name, each.color) for each in spec.classes),
        tuple(VariableState(v.name, v.unit, v.mean, v.scale) for v in spec.variables),
    )


def _sections(spec: ModelSpec) -> list[tuple[str, str]]:
    """Return headings and texts of all that is known of a model."""
    card = spec.card
    scores = ", ".join(f"{name} {value:.2f}" for name, value in card.score.items())
    sizes = ""
    if spec.diameters is not None:
        sizes = "{:.0f} to {:.0f} px across; other sizes are rescaled".format(
            *spec.diameters
        )
    found = [
        ("What it finds", spec.description),
        ("What to know", card.notes),
        ("Sizes of objects", sizes),
        ("How good it is", f"{scores}. {_SCORES}" if scores else ""),
        ("Learned from", card.data),
        ("Licence", card.license),
    ]
    return [(heading, text) for heading, text in found if text]


def _how_good(card: ModelCard) -> str:
    """Return how good a model is on new images, in a few plain words."""
    name, value = next(iter(card.score.items()), ("", 0.0))
    if name.startswith("AP50"):
        return f"finds {100 * value:.0f} of 100 in new images"
    overlaps = [
        f"{name.removeprefix('Dice ')} {100 * value:.0f} %"
        for name, value in card.score.items()
        if name.startswith("Dice ") and name != "Dice background"
    ]
    if overlaps:
        return f"overlap in new images: {', '.join(overlaps)}"
    return f"{card.headline} in new images" if card.headline else ""


def schema_of(spec: ModelSpec) -> LabelSchema:
    """Return what a model predicts."""
    return LabelSchema(spec.task, tuple(readable(name) for name in spec.names))


def describe_versions(
    timeline: Timeline, place: Project | None
) -> tuple[VersionState, ...]:
    """Return the list of versions: every model once, oldest first.

    Parameters
    ----------
    place : Project or None
        Where the person works. What only another project keeps bears its name.
    """
    shown: dict[UUID, ModelVersion] = {}
    for version in timeline.versions:
        other = shown.get(version.uuid)
        if other is None or _rank(version, timeline, place) > _rank(
            other, timeline, place
        ):
            shown[version.uuid] = version
    return tuple(
        describe_version(each, place)
        for each in timeline.versions
        if shown[each.uuid] is each
    )


def _rank(
    version: ModelVersion, timeline: Timeline, place: Project | None
) -> tuple[bool, bool, bool]:
    active = version is timeline.active
    return active, version.home is place, version.home is None


def describe_version(
    version: ModelVersion, place: Project | None = None
) -> VersionState:
    """Return a line for the list of versions."""
    text = version.note
    if version.score is not None and version.start_score is not None:
        text += f": {gain_in_words(version.start_score, version.score)}"
    if version.home not in (None, place):
        text += f" · {version.home.folder.stem}"
    return VersionState(version.number, text)

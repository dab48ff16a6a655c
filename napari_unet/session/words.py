"""What a person should know of images and models, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.annotation.schema import LabelSchema
from napari_unet.project.identity import readable
from napari_unet.project.snapshots import Snapshot
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.status import ImageState
from napari_unet.session.models.status import ModelState
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.annotation.annotation import Annotation
    from napari_unet.annotation.stage import Stage
    from napari_unet.models.record import Found
    from napari_unet.models.spec import ModelCard, ModelSpec
    from napari_unet.weights.model import Model

_MOST_DIGITS = 4
_SCORES = (
    "On images it had not seen; 1 is perfect. AP50 counts an object as found where it "
    "and what a person drew have half of all their pixels in common (AP75: three "
    "quarters); missed and invented objects count alike. mSA is the mean of AP50, AP55 "
    "and so on to AP95. Dice is the overlap of pixels."
)


def describe_image(image: OpenImage, classes: int) -> ImageState:
    """Return what is shown of an image; `classes` are verified in all images."""
    counts = image.annotation.counts()
    return ImageState(
        image.name,
        image.axes,
        image.identity.shape,
        task=image.schema.task,
        open=True,
        has_prediction=image.annotation.has_prediction,
        verified_classes=classes,
        read_only=image.read_only,
        reading=image.reading,
        stated_pixel_size=image.stated_pixel_size,
        large=image.large,
        has_labels=image.has_labels,
        worked_on=not image.annotation.empty,
        snapshots=tuple(
            (each.number, snapshot_in_words(each)) for each in image.snapshots
        ),
        objects=counts.objects,
        verified_objects=counts.verified_objects,
        verified_share=counts.verified_pixels / counts.pixels,
        planes=_stages(image.annotation),
    )


def _stages(annotation: Annotation) -> tuple[Stage, ...]:
    """Return how far each of several planes is; of values nobody notes all of it."""
    planes = annotation.planes
    if len(planes) == 1 or annotation.values is not None:
        return ()
    return planes.stages()


def predicted_in_words(image: OpenImage, seconds: float) -> str:
    """Say what a prediction found."""
    words = task_of(image.schema).words
    return words.found(image.annotation, image.schema.names, seconds)


def verified_in_words(image: OpenImage) -> str:
    """Say how much a person stands behind."""
    counts = image.annotation.counts()
    share = counts.verified_pixels / counts.pixels
    words = task_of(image.schema).words
    return words.verified(counts.objects, counts.verified_objects, share)


def snapshot_in_words(kept: Snapshot) -> str:
    """Say of when a copy is, and how much was there."""
    when = f"{kept.kept_at.astimezone():%d %B, %H:%M:%S}"
    return f"the work of {when} ({kept.objects:,} labels)"


def found_in_words(found: Found, *, of: bool = True) -> str:
    """Say what is found of objects, such as "finds 82 of 100, 6 wrong".

    Wrong are those that are found where there is none, or not that one.
    """
    total = f" of {found.verified:,}" if of else ""
    return f"finds {found.right:,}{total}, {found.wrong or 'none'} wrong"


def gain_in_words(start: float, score: float) -> str:
    """Return from where to where a score went, such as "0.84 → 0.86".

    With as many digits as show that there is a difference, if there is one.
    """
    for digits in range(2, _MOST_DIGITS + 1):
        before, after = f"{start:.{digits}f}", f"{score:.{digits}f}"
        if before != after:
            return f"{before} → {after}"
    if start == score:
        return f"{start:.2f} → {score:.2f}"
    return f"{after}, {'more' if score > start else 'less'} by under 0.0001"


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
        spec.classes,
        spec.variables,
        spec.architecture.why_closed,
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
    if card.dice:
        overlaps = (f"{name} {100 * value:.0f} %" for name, value in card.dice.items())
        return f"overlap in new images: {', '.join(overlaps)}"
    return f"{card.headline} in new images" if card.headline else ""


def schema_of(spec: ModelSpec) -> LabelSchema:
    """Return what a model predicts."""
    return LabelSchema(spec.task, tuple(readable(name) for name in spec.names))

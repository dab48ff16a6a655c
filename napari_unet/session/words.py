"""What a person should know of an image and of what came of it, in words."""

from __future__ import annotations

from dataclasses import replace

from napari_unet.project.snapshots import Snapshot
from napari_unet.session.images.image import OpenImage
from napari_unet.session.status import ImageState
from napari_unet.tasks import task_of

_MOST_DIGITS = 4


def describe_image(image: OpenImage, classes: int) -> ImageState:
    """Return what is shown of an image; `classes` are verified in all images."""
    counts = image.annotation.counts()
    described = ImageState(image.name, image.axes, image.identity.shape)
    return replace(
        described,
        task=image.schema.task,
        open=True,
        has_prediction=image.annotation.has_prediction,
        verified_classes=classes,
        read_only=image.read_only,
        reading=image.reading,
        has_labels=image.has_labels,
        worked_on=not image.annotation.empty,
        snapshots=tuple(
            (each.number, snapshot_in_words(each)) for each in image.snapshots
        ),
        objects=counts.objects,
        verified_objects=counts.verified_objects,
        verified_share=counts.verified_pixels / counts.pixels,
    )


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

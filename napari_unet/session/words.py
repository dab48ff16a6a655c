"""What came of a prediction, and how much is verified, in words for every task."""

from __future__ import annotations

from napari_unet.project.snapshots import Snapshot
from napari_unet.session.images.image import OpenImage
from napari_unet.tasks import task_of

_MOST_DIGITS = 4


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

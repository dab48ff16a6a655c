"""What came of a prediction, and how much is verified, in words for every task."""

from __future__ import annotations

import numpy as np

from napari_unet.annotation.values import ValueAnnotation
from napari_unet.project.snapshots import Snapshot
from napari_unet.session.images.image import OpenImage
from napari_unet.session.resolve import percent

_MOST_CLASSES = 3
_LOOKED_AT = 10_000
_MOST_DIGITS = 4


def predicted_in_words(image: OpenImage, seconds: float) -> str:
    """Say what a prediction found."""
    annotation = image.annotation
    if isinstance(annotation, ValueAnnotation):
        ranges = ", ".join(_ranges(annotation, image.schema.names))
        return f"Values predicted in {seconds:.1f} s: {ranges}."
    if image.schema.task == "classes":
        shares = ", ".join(_shares(image)) or "background only"
        return f"Classes predicted in {seconds:.1f} s: {shares}."
    return f"Found {annotation.counts().objects:,} objects in {seconds:.1f} s."


def verified_in_words(image: OpenImage) -> str:
    """Say how much a person stands behind."""
    counts = image.annotation.counts()
    if image.schema.task == "instances":
        return (
            f"{counts.verified_objects:,} of {counts.objects:,} objects are verified."
        )
    return f"{percent(counts.verified_pixels / counts.pixels)} of pixels are verified."


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


def _shares(image: OpenImage) -> list[str]:
    """Return the largest classes besides 0 with their shares of the image."""
    annotation = image.annotation
    total = annotation.counts().pixels
    named = enumerate(image.schema.names[1:], 1)
    found = [(annotation.pixels_of(label) / total, name) for label, name in named]
    largest = sorted((each for each in found if each[0]), reverse=True)
    return [f"{name} {percent(share)}" for share, name in largest[:_MOST_CLASSES]]


def _ranges(annotation: ValueAnnotation, names: tuple[str, ...]) -> list[str]:
    """Return between what the values of each variable lie, but for two per cent.

    From some of the pixels: this is for reading, and must not keep the window waiting.
    """
    if annotation.predicted is None:
        return []
    ranges = []
    for name, values in zip(names, annotation.predicted, strict=True):
        flat = values.reshape(-1)
        low, high = np.nanpercentile(flat[:: 1 + flat.size // _LOOKED_AT], (1, 99))
        ranges.append(f"{name} {low:.3g} to {high:.3g}")
    return ranges

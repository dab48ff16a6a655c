"""What a person should know of the image that is chosen."""

from __future__ import annotations

from dataclasses import replace

from napari_unet.session.images.image import OpenImage
from napari_unet.session.status import ImageState
from napari_unet.session.words import snapshot_in_words


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

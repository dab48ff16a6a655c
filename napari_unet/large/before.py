"""What is known of an image before its blocks are predicted: seen once, and kept."""

from __future__ import annotations

import math
from collections.abc import Generator

from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain
from napari_unet.geometry.box import Box
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.predict import iter_limits
from napari_unet.inference.sight import iter_look
from napari_unet.inference.volumes import iter_stretch
from napari_unet.io.source import Source
from napari_unet.large.folder import Seen
from napari_unet.large.readable import Readable
from napari_unet.large.run import predictor_for
from napari_unet.large.settings import fingerprint_of
from napari_unet.large.task import Task

_MOST_PIECES = 100_000
"""Of files with more pieces nobody looks whether one is missing."""


def iter_see(
    task: Task, image: CanonicalImage, own: str, notes: list[str]
) -> Generator[PredictEvent, None, Seen]:
    """Look at the whole image once; returns what its blocks have to know."""
    settings, model = task.settings, task.model
    predictor = predictor_for(model, settings, task.engine.device)
    readable = CanonicalImage(Readable(image.source), image.axes)
    more = list[str]()
    stretch = drain(
        iter_see_stretch(task, readable), lambda notice: more.append(notice.message)
    )
    limits = yield from iter_limits(readable, model)
    size = settings.pixel_size or image.source.pixel_size.get("X")
    looked = yield from iter_look(
        image,
        model,
        predictor,
        limits,
        diameter=settings.diameter,
        pixel_size=size,
        raw=settings.probabilities,
    )
    return Seen(
        identity=own,
        fingerprint=fingerprint_of(task.source),
        image=task.path,
        axes=image.axes,
        settings=settings,
        limits=tuple(limits),
        zoom=looked.zoom,
        stretch=stretch,
        blank=looked.blank,
        notes=(*notes, *more, *_missing(task.source)),
    )


def iter_see_stretch(
    task: Task, readable: CanonicalImage
) -> Generator[Notice, None, float | None]:
    """Return how far apart sections are; see `iter_stretch`. A part is looked at."""
    asked = task.settings
    return iter_stretch(
        readable,
        task.model,
        asked.anisotropy,
        raw=asked.probabilities,
        stacks=asked.stacks,
    )


def _missing(source: ImageSource) -> tuple[str, ...]:
    """Return what is to be said of pieces that a format allows to leave out."""
    if not isinstance(source, Source):
        return ()
    pieces = zip(source.shape, source.piece, strict=True)
    if math.prod(-(-n // size) for n, size in pieces) > _MOST_PIECES:
        return ()
    missing = source.missing(Box.whole(source.shape))
    if not missing:
        return ()
    told = (
        f"Pieces are missing in the file ({len(missing)}, such as {missing[0]!r}) and "
        "were taken for empty; a copy that was broken off looks the same."
    )
    return (told,)

"""What a prediction would be, told before anything is done."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError, StorageError
from napari_unet.images.source import CanonicalImage
from napari_unet.inference.blocks import CUTTINGS, BlockPlan, plan_blocks
from napari_unet.inference.model_input import zoom_for
from napari_unet.inference.volumes import (
    predictor_of,
    spec_of,
)
from napari_unet.large.before import iter_see_stretch
from napari_unet.large.folder import Seen
from napari_unet.large.image import fit_source
from napari_unet.large.readable import Readable
from napari_unet.large.result import disk_needed
from napari_unet.large.run import predictor_for
from napari_unet.large.task import Task
from napari_unet.large.there import begun, finished, identity_of, refuse_full
from napari_unet.large.work import shares

_PROGRAM = 400_000_000
"""Bytes of a process before it predicts: Python, torch, the network."""

_A_PIXEL = 120
"""Bytes for every pixel of a window, measured with the built-in models."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan in short.

    Attributes
    ----------
    image, labels : str
        Where from, and where to.
    shape, axes
        Of the image.
    block : tuple of int
        Pixels of the image along each axis that are predicted at once, at most.
    blocks, chunks, missing : int
        Blocks of the image; chunks of work; blocks that are not finished.
    disk, memory : int
        About how many bytes are needed: free on the disk, and for each worker.
    zoom : float or None
        Of planes; None where it is measured when the prediction begins.
    hindrances : tuple of str
        Why it could not begin now, such as too little room on the disk.
    """

    image: str
    labels: str
    shape: tuple[int, ...]
    axes: str
    block: tuple[int, ...]
    blocks: int
    chunks: int
    missing: int
    disk: int
    memory: int
    zoom: float | None
    hindrances: tuple[str, ...] = ()


def plan_in_short(task: Task) -> Planned:
    """Plan a prediction; of the image, no more than a part is read.

    Where the size of objects is not told, it is taken to be one that the model knows.
    What the prediction would refuse for good is refused: an image that does not fit, or
    a result of something else.
    """
    with closing(task):
        return _planned(task)


def _planned(task: Task) -> Planned:
    settings, model = task.settings, task.model
    image, _ = fit_source(task.source, settings.axes, settings.channel, model)
    planar = predictor_for(model, settings, task.engine.device)
    own = identity_of(task)
    done = finished(task, own) is not None
    seen = begun(task, own)
    zoom = seen.zoom if seen else _zoom(task)
    stretch = seen.stretch if seen else _stretch(task, image)
    predictor = predictor_of(model, image, planar, zoom=zoom or 1.0, stretch=stretch)
    plan = plan_blocks(
        image,
        spec_of(model, predictor),
        predictor,
        limits=[(0.0, 1.0)] * image.shape[1],
        raw=settings.probabilities,
        zoom=zoom or 1.0,
        stretch=stretch,
        cutting=settings.cutting or CUTTINGS[predictor.dims],
    )
    missing = set() if done else set(range(len(plan.blocks)))
    if seen is not None:
        missing -= task.folder.done()
    largest = max(plan.blocks, key=lambda block: math.prod(block.core.shape))
    pixels = math.prod(plan.shape)
    return Planned(
        image=str(task.path),
        labels=str(task.place.path),
        shape=tuple(task.source.shape),
        axes=task.axes.letters,
        block=largest.core.shape,
        blocks=len(plan.blocks),
        chunks=len(shares(plan, task.chunk, set(range(len(plan.blocks))))),
        missing=len(missing),
        disk=disk_needed(pixels, task.values, model),
        memory=_PROGRAM + _A_PIXEL * _window(plan),
        zoom=zoom,
        hindrances=() if done else tuple(_iter_hindrances(task, image, seen)),
    )


def _iter_hindrances(
    task: Task, image: CanonicalImage, seen: Seen | None
) -> Iterator[str]:
    """Yield what the prediction would be refused for that may pass."""
    try:
        if seen is None:
            refuse_full(task, image)
    except StorageError as error:
        yield str(error)
    try:
        with task.engine.crew() as crew:
            crew.check()
    except InputError as error:
        yield str(error)


def _window(plan: BlockPlan) -> int:
    """Return the pixels of the largest window that the network sees."""
    parts = (block.part for block in plan.blocks)
    return max(math.prod(p.zoomed.new_part.shape) for p in parts if p is not None)


def _stretch(task: Task, image: CanonicalImage) -> float | None:
    readable = CanonicalImage(Readable(image.source), image.axes)
    return drain(iter_see_stretch(task, readable))


def _zoom(task: Task) -> float | None:
    """Return the zoom where it is known without looking at the image."""
    known, told = task.model.spec.best_diameters, task.settings.diameter
    if known is None:
        return 1.0
    side = CUTTINGS[2].core
    return None if told is None else zoom_for(told, known, (side, side))

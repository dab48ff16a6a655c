"""The work of a run: shares of its blocks, which anybody may predict, and again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import torch

from napari_unet.core.jobs import drain
from napari_unet.errors import StorageError, UnreadableRegion
from napari_unet.images.source import CanonicalImage, ImageSource
from napari_unet.inference.blocks import BlockPlan
from napari_unet.inference.predict_block import crop, iter_predict_block
from napari_unet.inference.stitching import split_objects
from napari_unet.large.block_file import BlockFile
from napari_unet.large.readable import Readable
from napari_unet.large.run import Run, open_run
from napari_unet.tasks.objectives.objective import Values


class BlocksFailed(Exception):
    """Some blocks of a share could not be predicted; the others are finished.

    Parameters
    ----------
    why : dict of int to str
        By the number of the block.
    """

    def __init__(self, why: dict[int, str]) -> None:
        self.why = why
        super().__init__(why)


def shares(plan: BlockPlan, chunk: int, missing: set[int]) -> list[tuple[int, ...]]:
    """Return the missing blocks, those together that begin in one chunk.

    Parameters
    ----------
    chunk : int
        Extent of a chunk in pixels of the image. It says how much is one piece of
        work, and nothing of the labels.
    """
    found: dict[tuple[int, ...], list[int]] = {}
    for number in sorted(missing):
        start = plan.blocks[number].core.start
        place = plan.plane_of(number), *(n // chunk for n in start)
        found.setdefault(place, []).append(number)
    return [tuple(each) for each in found.values()]


def iter_predict_share(run: Run, numbers: Sequence[int]) -> Generator[int, None, None]:
    """Predict blocks that are not there yet; yields the number of each that is done.

    Raises BlocksFailed after all were tried; at once a StorageError, or an InputError
    if the image has changed.
    """
    run.refuse_changed()
    why: dict[int, str] = {}
    for number in numbers:
        if run.folder.block(number).exists():
            continue
        try:
            _predict(run, number)
        except (StorageError, KeyboardInterrupt):
            raise
        # Whatever is wrong with a block, the others shall be finished.
        except Exception as error:  # noqa: BLE001
            why[number] = _in_words(error)
            continue
        yield number
    if why:
        raise BlocksFailed(why)


def predict_share(
    folder: str,
    numbers: tuple[int, ...],
    device: str,
    source: ImageSource | None = None,
    threads: int | None = None,
) -> tuple[int, ...]:
    """Do the same in a process that knows nothing yet; returns what is done.

    Parameters
    ----------
    threads : int, optional
        How many of them torch may use; several workers share the cores.
    """
    if threads is not None:
        torch.set_num_threads(threads)
        _take_gpu()
    done: list[int] = []
    with open_run(Path(folder), device, source) as run:
        drain(iter_predict_share(run, numbers), done.append)
    return tuple(done)


def _take_gpu() -> None:
    """Let each of the workers of this machine, which have numbers, use its own GPU."""
    if torch.cuda.device_count() > 1:
        # Only there is it known to be installed.
        from distributed import get_worker

        torch.cuda.set_device(int(get_worker().name) % torch.cuda.device_count())


def _predict(run: Run, number: int) -> None:
    """Predict a block; of what lies around it, pieces may be damaged."""
    try:
        found = _predicted(run, number, run.image)
    except UnreadableRegion:
        block = run.plan.blocks[number]
        readable = CanonicalImage(Readable(run.image.source), run.image.axes)
        run.image.plane(block.frame, block.section, block.core)
        readable.plane(block.frame, block.section, block.core)
        found = _predicted(run, number, readable)
    target = BlockFile(run.folder.block(number))
    if run.plan.objects:
        target.write(*split_objects(run.plan, number, found))
    else:
        target.write(crop(run.plan.blocks[number], found), None)


def _predicted(run: Run, number: int, image: CanonicalImage) -> Values:
    steps = iter_predict_block(run.plan, number, image, run.predictor)
    return drain(steps).values


def _in_words(error: Exception) -> str:
    if isinstance(error, UnreadableRegion):
        return str(error)
    reason = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {reason}" if reason else repr(error)

"""When a training's checkpoints are written, and whether one is gone on from."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import as_mask, as_whole
from napari_unet.core.events import Notice
from napari_unet.errors import InputError, NapariUnetError, StorageError
from napari_unet.geometry.ids import numbered_as_met
from napari_unet.images.source import anisotropy_of
from napari_unet.learning.checkpoint import (
    Checkpoint,
    CheckpointHeader,
    Fingerprint,
    check_layout,
    read_checkpoint,
    remove_litter,
    write_checkpoint,
)
from napari_unet.learning.config import Checkpointing, FitConfig
from napari_unet.tasks import task_of
from napari_unet.tasks.labeling import Labeling
from napari_unet.tasks.outputs import LossOptions
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model
from napari_unet.weights.tensor_file import Layout

_Part: TypeAlias = str | npt.NDArray[Any] | None
_COST_RATIO = 5
_BYTES_AT_ONCE = 2**24
_WORDS = {
    "description": "another description of the starting model",
    "weights": "other weights of the starting model",
    "images": "other images",
    "learned": "other labels",
    "masks": "other verified pixels",
    "stretches": "other distances between sections",
    "replay": "other replay images",
}


class CheckpointWriter:
    """Writes checkpoints now and then; a training never fails because of it."""

    def __init__(self, checkpointing: Checkpointing, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self._how = checkpointing
        self._written = -math.inf
        self._best_step = -1
        self._cost = 0.0
        self._told = False

    def due(self, best_step: int) -> bool:
        """Return whether it is time to write: at once where there is a better model.

        But with a large network on a fast device, for a sixth of the time at most.
        """
        pause = self._how.every_seconds
        if best_step != self._best_step:
            pause = min(pause, _COST_RATIO * self._cost)
        return time.monotonic() - self._written >= pause

    def iter_write(self, checkpoint: Checkpoint) -> Iterator[Notice]:
        """Write a checkpoint; where that fails, say so once."""
        began = time.monotonic()
        try:
            if math.isinf(self._written):
                remove_litter(self._how.path)
            write_checkpoint(checkpoint, self._how.path)
        except (StorageError, MemoryError) as error:
            if not self._told:
                yield Notice(f"No checkpoint was kept; training goes on. {error}")
            self._told = True
        self._best_step = checkpoint.header.best_step
        self._written = time.monotonic()
        self._cost = self._written - began

    def iter_resume(
        self,
        config: FitConfig,
        layout: tuple[Layout, Layout],
        restore: Callable[[Checkpoint], None],
    ) -> Generator[Notice, None, bool]:
        """Read the checkpoint and restore from it; return whether the training goes on.

        The layout is that of tensors that must be there, and of those that may be
        missing; `restore` changes nothing where it raises. An error is raised only
        where the training must go on and cannot.
        """
        path, resume = self._how.path, self._how.resume
        if resume == "never" or (resume == "if it fits" and not path.exists()):
            return False

        def check(then: CheckpointHeader, found: Layout) -> None:
            now = self.fingerprint
            if others := differences(then.fingerprint, now, then.config, config):
                raise InputError(
                    f"The checkpoint {path} belongs to a training with "
                    f"{', '.join(others)}; give the same ones, or start the training "
                    "anew."
                )
            check_layout(path, found, *layout)

        try:
            checkpoint = read_checkpoint(path, check)
            restore(checkpoint)
        except NapariUnetError as error:
            if resume == "always":
                raise
            yield Notice(f"The training starts anew. {error}")
            return False
        yield Notice(f"The training goes on after step {checkpoint.header.steps}.")
        return True


def iter_fingerprint(
    model: Model, samples: Sequence[Sample], replay: Sequence[Sample] = ()
) -> Generator[None, None, Fingerprint]:
    """Take the fingerprint of a training; yields after every few megabytes."""
    state = model.net.state_dict()
    parts: dict[str, Iterable[_Part]] = {
        "description": [model.spec.model_dump_json()],
        "weights": (part for k, v in state.items() for part in (k, v.numpy())),
        "images": (part for s in samples for part in (s.axes, s.image)),
        "labels": (s.labels for s in samples),
        "masks": (s.verified for s in samples),
        "replay": (
            part for s in replay for part in (s.axes, s.image, s.labels, s.verified)
        ),
        "learned": (_learned(s, task_of(model.spec).labels) for s in samples),
        "stretches": (_stretch(s, model) for s in samples),
    }
    digests = {}
    for name, content in parts.items():
        digests[name] = yield from _iter_digest(content)
    return Fingerprint(**digests)


def _learned(sample: Sample, meaning: Labeling) -> npt.NDArray[Any]:
    """Return the labels that train.

    All others are predictions, and a better model replaces them. The map of objects
    around a verified border is drawn from them, too, but as from the rest of the image
    they only make it more or less right: it is no other work.
    """
    labels, verified = sample.labels, sample.verified
    if verified is None or labels.shape[-verified.ndim :] != verified.shape:
        return labels  # all of them, or the training refuses them in words
    known = labels[..., as_mask(verified).array]
    if meaning.values:
        return known.astype(np.float32)
    whole = as_whole(known, meaning.kind)
    return numbered_as_met(whole) if meaning.objects else whole


def _stretch(sample: Sample, model: Model) -> str | None:
    """Return how far apart sections are, where the network sees several."""
    if model.net.dims == 2:
        return None
    stretch = anisotropy_of(sample.pixel_size or {})
    return None if stretch is None else f"{stretch:.6g}"


def differences(
    then: Fingerprint, now: Fingerprint, config_then: FitConfig, config_now: FitConfig
) -> list[str]:
    """Return in words what keeps a training from going on; no budget, no device."""
    parts = _WORDS.items()
    found = [words for k, words in parts if _differ(then, now, k)]
    old, new = (_options(config) for config in (config_then, config_now))
    changed = (name for name in new if old[name] != new[name])
    return found + [f"{name} {old[name]} instead of {new[name]}" for name in changed]


def _differ(then: Fingerprint, now: Fingerprint, name: str) -> bool:
    one, other = getattr(then, name), getattr(now, name)
    if one is not None and other is not None:
        return bool(one != other)
    return name == "learned" and then.labels != now.labels


def _options(config: FitConfig) -> dict[str, Any]:
    # What the model chooses is in its description; older checkpoints say it here.
    named = config.model_copy(update={"loss": config.loss or LossOptions()})
    return named.model_dump(exclude={"minutes", "steps", "device", "round"})


def _iter_digest(parts: Iterable[_Part]) -> Generator[None, None, str]:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            # Type and shape end the previous part, so that no two lists look alike.
            digest.update(f"{part.dtype.str}{part.shape};".encode())
            content = np.ascontiguousarray(part).reshape(-1).view(np.uint8)
            for start in range(0, content.size, _BYTES_AT_ONCE):
                digest.update(content[start : start + _BYTES_AT_ONCE].data)
                yield
        else:
            digest.update(f"{part!r};".encode())
    return digest.hexdigest()

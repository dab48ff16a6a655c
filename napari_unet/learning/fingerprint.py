"""What a training learns from, in a few numbers: equal only if all of it is equal."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Sequence
from typing import Annotated, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from napari_unet.learning.fit_config import FitConfig
from napari_unet.tasks.outputs import LossOptions
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

_Part: TypeAlias = str | npt.NDArray[Any] | None
_BYTES_AT_ONCE = 2**24

Digest = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class Fingerprint(BaseModel):
    """Digests of what must be equal where a training goes on.

    Parameters
    ----------
    description, weights : str
        Of the model that the training started from.
    images, labels, masks : str
        Pixels, what is true of them, and where that is verified.
    replay : str
        All of the replay samples.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: Digest
    weights: Digest
    images: Digest
    labels: Digest
    masks: Digest
    replay: Digest


_WORDS = {
    "description": "another description of the starting model",
    "weights": "other weights of the starting model",
    "images": "other images",
    "labels": "other labels",
    "masks": "other verified pixels",
    "replay": "other replay images",
}


def iter_fingerprint(
    model: Model, samples: Sequence[Sample], replay: Sequence[Sample] = ()
) -> Generator[None, None, Fingerprint]:
    """Take the fingerprint of a training; yields after every few megabytes.

    Returns
    -------
    Fingerprint
        Of what it starts and learns from.
    """
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
    }
    digests = {}
    for name, content in parts.items():
        digests[name] = yield from _iter_digest(content)
    return Fingerprint(**digests)


def differences(
    then: Fingerprint, now: Fingerprint, config_then: FitConfig, config_now: FitConfig
) -> list[str]:
    """Return in words what keeps a training from going on; empty if nothing does.

    Budget and device may change.
    """
    found = [
        words
        for part, words in _WORDS.items()
        if getattr(then, part) != getattr(now, part)
    ]
    old, new = (_options(config) for config in (config_then, config_now))
    return found + [
        f"{name} {old[name]} instead of {new[name]}"
        for name in new
        if old[name] != new[name]
    ]


def _options(config: FitConfig) -> dict[str, Any]:
    # What the model chooses is in its description; older checkpoints say it here.
    named = config.model_copy(update={"loss": config.loss or LossOptions()})
    return named.model_dump(exclude={"minutes", "steps", "device"})


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

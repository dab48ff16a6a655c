"""Checkpoints: where a training stands, so that it goes on after a crash.

One file, written whole or not at all. Reading trusts nothing: header, state and the
names, types and shapes of tensors are compared with what is expected before a tensor
is read, and a checksum covers every byte. `StorageError` is raised for a file that is
missing or damaged, `ModelError` for one of another version or another network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.core.validation import first_problem
from napari_unet.errors import ModelError, StorageError
from napari_unet.learning.config import FitConfig
from napari_unet.models.spec import ModelSpec
from napari_unet.nets.build import build
from napari_unet.nets.network import Network
from napari_unet.weights.model import Model
from napari_unet.weights.tensor_file import (
    Layout,
    damaged,
    layout_of,
    read_head,
    read_tensors,
    write_tensors,
)

FORMAT_VERSION: Literal[1] = 1
BEST = "best."
"""Prefix of the names of the best model's tensors."""

Count = Annotated[int, Field(ge=0, lt=2**53)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class _State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Fingerprint(_State):
    """Digests of the starting model, the samples and the replay: equal to go on.

    Of the labels those that are `learned`, as others are predictions, which come and
    go. Older checkpoints know neither these nor the `stretches` of volumes: in them all
    labels have to be the same.
    """

    description: Digest
    weights: Digest
    images: Digest
    labels: Digest
    masks: Digest
    replay: Digest
    learned: Digest | None = None
    stretches: Digest | None = None


class RandomState(_State):
    """State of numpy's default generator, PCG64."""

    state: Annotated[int, Field(ge=0, lt=2**128)]
    inc: Annotated[int, Field(ge=0, lt=2**128)]
    has_uint32: Annotated[int, Field(ge=0, le=1)]
    uinteger: Annotated[int, Field(ge=0, lt=2**32)]

    @classmethod
    def of(cls, rng: np.random.Generator) -> RandomState:
        """Return the state of a generator that `numpy.random.default_rng` made."""
        whole: dict[str, Any] = dict(rng.bit_generator.state)
        return cls(**{k: v for k, v in whole.items() if "uint" in k}, **whole["state"])

    def put_into(self, rng: np.random.Generator) -> None:
        """Let a generator go on from here."""
        rng.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": {"state": self.state, "inc": self.inc},
            "has_uint32": self.has_uint32,
            "uinteger": self.uinteger,
        }


class CheckpointHeader(_State):
    """Where a training stands, apart from tensors.

    The spec is that of the best model, the one published last; `best_step` is 0 if that
    is the start. An earlier one may have had the highest score. Scores are measured in
    so many windows; thresholds were last fitted at step `fitted_at`. Crops of this
    extent, as many at once as `micro_batch`, are what memory allowed so far; `rng`
    draws them. Of the steps some were `skipped`, the last ones perhaps in a row.
    """

    format_version: Literal[1] = FORMAT_VERSION
    spec: ModelSpec
    config: FitConfig
    fingerprint: Fingerprint
    steps: Count
    best_step: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    best_score: float
    highest_score: float = -math.inf
    start_score: float
    start_odds: Annotated[float, Field(gt=0)] = 1.0
    fitted_at: Count = 0
    windows: Annotated[int, Field(ge=0, le=1000)]
    micro_batch: Annotated[int, Field(ge=1, lt=2**53)]
    crop: Annotated[int, Field(ge=1, lt=2**53)]
    skipped: Count = 0
    skipped_in_a_row: Count = 0
    rng: RandomState


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Where a training stands: its header, and tensors by name."""

    header: CheckpointHeader
    tensors: dict[str, Tensor]

    def load_best_into(self, net: Network) -> Network:
        """Give a network the weights of the best model."""
        start = len(BEST)
        best = {k[start:]: v for k, v in self.tensors.items() if k.startswith(BEST)}
        net.load_state_dict(best)
        return net


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint: all of it or nothing; the one before stays until then."""
    text = checkpoint.header.model_dump_json()
    write_atomically(path, lambda file: write_tensors(file, text, checkpoint.tensors))


def read_header(path: Path) -> CheckpointHeader:
    """Read where a training stood, but no tensor: damage there goes unnoticed."""
    with _opened(path) as file:
        return _header(read_head(file, path).text, path)


def read_checkpoint(
    path: Path, check: Callable[[CheckpointHeader, Layout], None]
) -> Checkpoint:
    """Read a whole checkpoint; `check` sees the header before any tensor is read."""
    with _opened(path) as file:
        head = read_head(file, path)
        header = _header(head.text, path)
        check(header, head.layout)
        return Checkpoint(header, read_tensors(file, head, path))


def read_best_model(path: Path) -> Model:
    """Read the best model of an interrupted training, whatever it learned from."""
    with _opened(path) as file:
        head = read_head(file, path)
        header = _header(head.text, path)
        net = build(header.spec)
        expected = {BEST + k: v for k, v in layout_of(net.state_dict()).items()}
        check_layout(path, head.layout, expected, only=BEST)
        best = Checkpoint(header, read_tensors(file, head, path, BEST))
    return Model(header.spec, best.load_best_into(net).eval())


def check_layout(
    path: Path,
    found: Layout,
    required: Layout,
    optional: Layout | None = None,
    only: str = "",
) -> None:
    """Compare tensors whose names begin with `only` with what a network needs."""

    def words(entry: Any) -> str:
        if entry is None:
            return "absent"
        return f"{entry[0]} {entry[1]}".removeprefix("torch.")

    optional = optional or {}
    found = {name: each for name, each in found.items() if name.startswith(only)}
    for name in sorted(found.keys() | required.keys()):
        expected = required.get(name) or optional.get(name)
        if found.get(name) != expected:
            raise ModelError(
                f"The checkpoint {path} does not fit its network: {name} should be "
                f"{words(expected)} and is {words(found.get(name))}; start the "
                "training anew."
            )


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint whose result is saved, and what killed writers left of it."""
    with told_in_words(path):
        path.unlink(missing_ok=True)
    remove_litter(path)


def remove_litter(path: Path) -> None:
    """Remove the temporary files of writers that were killed."""
    start = f".{path.name[:40]}."
    with suppress(OSError):
        for item in path.parent.iterdir():
            if item.name.startswith(start) and item.name.endswith(".tmp"):
                item.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path.exists() and not path.is_file():
        # Opening a pipe would wait for ever.
        raise damaged(path, "it is not a file")
    try:
        with path.open("rb") as file:
            yield file
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"The checkpoint {path} could not be read ({error.strerror or error}); "
            "check the path, or start the training anew."
        ) from error


def _header(text: str, path: Path) -> CheckpointHeader:
    try:
        return CheckpointHeader.model_validate_json(text)
    except ValidationError as error:
        where, words = first_problem(error, "the state")
        if where == "format_version":
            raise ModelError(
                f"{path} was written by another version of napari-unet (this one "
                f"reads format {FORMAT_VERSION}); update napari-unet, or start the "
                "training anew."
            ) from error
        raise ModelError(
            f"{path} does not describe a training: {where}: {words}; start the "
            "training anew."
        ) from error

"""What the engine's loops yield: frozen facts, in the order they happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    import numpy.typing as npt

    from napari_unet.core.box import Box
    from napari_unet.core.instances import Decoding
    from napari_unet.core.provenance import LabelMap


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should read, in words ("memory ran out, ...")."""

    message: str


@dataclass(frozen=True, slots=True)
class TilesDone:
    """Prediction progress: `done` of `total` parts of tiles are finished."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ViewPredicted:
    """The result in the requested view, before the rest of the image is finished.

    Parameters
    ----------
    box : Box
        The view in the coordinates of the *result* array (the axes of the image
        without C).
    labels : ndarray
        The result inside the box; ids count from 1 and are preliminary. Regressed
        values have the variables as first axis.
    """

    box: Box
    labels: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Sized:
    """How large the objects are, and by how much the image is zoomed for the network.

    Parameters
    ----------
    diameter : float or None
        Typical diameter, in pixels; None where no object was seen.
    zoom : float
        1 where the model knows this size well.
    measured : bool
        Whether the model found out; otherwise somebody said so.
    """

    diameter: float | None
    zoom: float
    measured: bool


class Redecodable(Protocol):
    """Maps of an image, from which objects can be found with other thresholds."""

    def iter_decode(
        self, decoding: Decoding
    ) -> Generator[PredictEvent, None, LabelMap]:
        """Find them; returns labels with the axes of the image without C."""
        ...


@dataclass(frozen=True, slots=True)
class MapsKept:
    """What the network said of the whole image, so that thresholds can be moved."""

    maps: Redecodable


PredictEvent: TypeAlias = Notice | TilesDone | ViewPredicted | Sized | MapsKept


@dataclass(frozen=True, slots=True)
class Preparing:
    """What a training learns from is being made ready: planes done, and in all."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TrainStep:
    """One optimiser step: its number from 1, training loss, seconds since the start."""

    step: int
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Part of a step is done; yielded so that slow devices can be interrupted."""

    step: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Validated:
    """A score on held-out verified pixels (higher is better, at most 1)."""

    step: int
    score: float
    start_score: float
    best: bool

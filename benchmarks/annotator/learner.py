"""What learns from corrections: anything that predicts and can be taught."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.annotator.kinds import Image
from napari_unet.core.events import TrainStep, Validated
from napari_unet.geometry.maps import LabelMap
from napari_unet.inference.predict import predict
from napari_unet.learning.config import FitConfig
from napari_unet.learning.events import FitEvent, FitResult, ModelImproved
from napari_unet.learning.train import iter_fit
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

SECONDS_A_STEP = 0.3
"""What a step of training takes on two cores, so that the clock of a robot does not
depend on how busy a machine is (`python -m benchmarks train` measures it)."""

SECONDS_A_MEASUREMENT = 2.0
SECONDS_A_MEGAPIXEL = 2.0


@dataclass(frozen=True, slots=True)
class Passed:
    """So many seconds of the machine have passed; perhaps there is a better model.

    Where what was learned until here is measured, a training may end to begin anew.
    """

    seconds: float
    steps: int = 0
    improved: bool = False
    measured: bool = False


class Learner(Protocol):
    """Something that predicts objects and can be taught."""

    name: str

    def predict(self, image: Image) -> LabelMap:
        """Return the objects of an image, as what is live finds them."""
        ...

    def learn(self, samples: Sequence[Sample], seed: int) -> Generator[Passed]:
        """Learn from verified pixels; what is better goes live at once."""
        ...


class ModelLearner(Learner, Protocol):
    """One that predicts by a model of the program."""

    @property
    def model(self) -> Model:
        """What is live."""
        ...

    def predict(self, image: Image, diameter: float | None = None) -> LabelMap:
        """Return the objects of an image, whose size may be known from some of them."""
        ...


@dataclass(slots=True, eq=False)
class UNetLearner:
    """The program's own way: fine-tuning on verified pixels, from round to round.

    With `anew`, every round begins with the start; otherwise with what is live.
    """

    name: str
    start: Model
    config: FitConfig
    anew: bool = False
    model: Model = field(init=False)
    _rounds: int = 0
    _found: dict[tuple[Image, float | None], LabelMap] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = self.start

    def predict(self, image: Image, diameter: float | None = None) -> LabelMap:
        """Predict by the model that is live, what was not predicted by it yet."""
        asked = (image, diameter)
        if asked not in self._found:
            self._found[asked] = predict(
                image.pixels,
                self.model,
                axes=image.axes,
                diameter=diameter,
                anisotropy=image.apart,
            )
        return self._found[asked]

    def learn(self, samples: Sequence[Sample], seed: int) -> Generator[Passed]:
        """Fine-tune; see `napari_unet.learning.train.iter_fit`."""
        changes = {"seed": seed, "round": self._rounds}
        config = self.config.model_copy(update=changes)
        self._rounds += 1
        begin = self.start if self.anew else self.model
        for event in self._fit(begin, samples, config):
            if isinstance(event, TrainStep):
                yield Passed(SECONDS_A_STEP, steps=1)
            elif isinstance(event, Validated):
                # The model that belongs to a best measurement is still to come.
                yield Passed(SECONDS_A_MEASUREMENT, measured=not event.best)
            elif isinstance(event, ModelImproved):
                self.model = event.model
                self._found.clear()
                yield Passed(0.0, improved=True, measured=True)

    def _fit(
        self, model: Model, samples: Sequence[Sample], config: FitConfig
    ) -> Generator[FitEvent, None, FitResult]:
        return iter_fit(model, samples, config)


def variant(words: str, start: Model, config: FitConfig) -> UNetLearner:
    """Return the program's own way with other options.

    Parameters
    ----------
    words : str
        A name and options of `FitConfig`, such as "slow:learning_rate=0.001"; those of
        `Augmentation` after a dot, as in "zoomed:augmentation.zoom=0.3"; "anew" for
        trainings that each begin with the start.
    """
    name, _, changes = words.partition(":")
    content, anew = config.model_dump(), False
    for change in filter(None, changes.split(",")):
        key, _, value = change.partition("=")
        if key == "anew":
            anew = True
            continue
        *inside, last = key.split(".")
        (content[inside[0]] if inside else content)[last] = json.loads(value)
    return UNetLearner(name, start, FitConfig.model_validate(content), anew=anew)

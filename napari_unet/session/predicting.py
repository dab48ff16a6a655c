"""Which prediction is going on: started by the person, or by a better model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet.geometry.box import Box
from napari_unet.session.images.image import OpenImage
from napari_unet.session.prediction import Prediction, Said
from napari_unet.session.resolve import Topic
from napari_unet.session.runner import Runner
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import PredictingStatus, Progress
from napari_unet.session.words import predicted_in_words

if TYPE_CHECKING:
    from napari_unet.weights.model import Model

_RUN: tuple[Topic, ...] = ("image", "predicting")

REFRESH_SECONDS = 20.0
"""The least time between two predictions that training starts."""


class Predicting:
    """At most one prediction at a time, and when the next refresh is due.

    Parameters
    ----------
    runner : Runner
        Drives it in the background.
    holder : StateHolder
        Where the state is told.
    view : callable
        Returns the part of the current image that the person looks at, or None.
    clock : callable
        Returns monotonic seconds.

    Attributes
    ----------
    applied : Signal(OpenImage)
        Some labels of the image are new.
    completed : Signal(OpenImage)
        A prediction that the person asked for is complete.
    measured : Signal()
        The size of the objects of an image is known.
    """

    applied = Signal(OpenImage)
    completed = Signal(OpenImage)
    measured = Signal()

    def __init__(
        self,
        runner: Runner,
        holder: StateHolder,
        view: Callable[[], Box | None],
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._holder = holder
        self._view = view
        self._clock = clock
        self._now: Prediction | None = None
        # Of the last image alone: for a large one it is as much memory as its labels.
        self._said: Said | None = None
        self._noticed = ""
        self._refresh_wanted = False
        self._refresh_at = 0.0

    @property
    def refresh_due(self) -> bool:
        """Whether it is time to predict again with a newer model."""
        return self._refresh_wanted and self._clock() >= self._refresh_at

    def want_refresh(self, *, soon: bool = False) -> None:
        """Ask for another prediction, because there is another model.

        Not more often than every `REFRESH_SECONDS`, unless it shall be soon.
        """
        self._refresh_wanted = True
        if soon:
            self._refresh_at = self._clock()

    def hurry_refresh(self) -> None:
        """Let a refresh that is wanted happen now: training is over."""
        self._refresh_at = self._clock()

    def start(
        self, image: OpenImage, model: Model, *, refreshing: bool = False
    ) -> None:
        """Start to predict an image."""
        self._refresh_wanted = False
        self._refresh_at = self._clock() + REFRESH_SECONDS
        prediction = self._begin(image, refreshing=refreshing)
        prediction.start(model, self._view())

    def can_decode(self, image: OpenImage, model: Model) -> bool:
        """Whether what the network of a model says of an image is at hand."""
        said = self._said
        return said is not None and said.image is image and said.net is model.net

    def decode(self, image: OpenImage, model: Model) -> None:
        """Find objects with the thresholds of a model, without asking its network."""
        if self._said is not None and self.can_decode(image, model):
            training = self._holder.state.training is not None
            prediction = self._begin(image, refreshing=training)
            prediction.decode(self._said, model.spec.decoding)

    def forget(self, image: OpenImage) -> None:
        """Forget what was said of an image that is put away."""
        if self._said is not None and self._said.image is image:
            self._said = None

    def _begin(self, image: OpenImage, *, refreshing: bool) -> Prediction:
        self._began = self._clock()
        self._noticed = ""
        self._holder.clear("predict")
        self._show(PredictingStatus(Progress(), refreshing))
        self._say("Predicting…")
        self._now = prediction = Prediction(self._runner, image)
        prediction.progressed.connect(self._on_progress)
        prediction.noticed.connect(self._on_notice)
        prediction.measured.connect(self.measured.emit)
        prediction.said.connect(self._on_said)
        prediction.applied.connect(lambda _: self.applied.emit(image))
        prediction.finished.connect(lambda: self._on_finished(image))
        prediction.failed.connect(self._on_failed)
        prediction.cancelled.connect(self._on_cancelled)
        return prediction

    def cancel(self) -> None:
        """Cancel what is going on; what was applied stays."""
        if self._now is not None:
            status = replace(self._holder.parts.predicting, cancelling=True)
            self._holder.say("Cancelling…", *_RUN, predicting=status)
            self._now.cancel()

    def tick(self) -> None:
        """Apply for some milliseconds."""
        if self._now is not None:
            self._now.tick()

    def _on_progress(self, done: int, total: int) -> None:
        status = self._holder.parts.predicting
        self._show(replace(status, progress=Progress(done, total)))
        self._say(f"Predicting… {done / total:.0%}")

    def _on_notice(self, message: str) -> None:
        self._noticed = message
        self._holder.say(message, *_RUN)

    def _on_said(self, said: Said) -> None:
        self._said = said

    def _on_finished(self, image: OpenImage) -> None:
        by_person = not self._holder.state.refreshing
        seconds = self._clock() - self._began
        self._end()
        if by_person:
            self.completed.emit(image)
        words = f"{predicted_in_words(image, seconds)} {self._noticed}".strip()
        self._say(words, by_person, about=("image", "labels"))

    def _on_failed(self, error: Exception) -> None:
        self._end()
        self._holder.report("predict", error)

    def _on_cancelled(self) -> None:
        self._end()
        self._say("Prediction cancelled.", about=("image",))

    def _end(self) -> None:
        self._now = None
        self._show(PredictingStatus())

    def _show(self, status: PredictingStatus) -> None:
        self._holder.show(predicting=status)

    def _say(
        self, message: str, by_person: bool = True, about: tuple[Topic, ...] = _RUN
    ) -> None:
        # During training its own message says more.
        if by_person and not self._holder.state.refreshing:
            self._holder.say(message, *about)

"""What a person may set about predictions: the size of objects, and thresholds.

Both have good values by themselves: the model measures the objects, and its thresholds
were chosen on images that nobody trained on. Another size needs another prediction;
other thresholds are applied at once, to what the network said before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet.instances.diameter import size_warning
from napari_unet.session.images.images import Images
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.state_holder import StateHolder
from napari_unet.session.status import TuningState
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model


class Tuning:
    """Size of the objects of the current image, and thresholds of the model.

    Parameters
    ----------
    holder : StateHolder
        Where the state is told.
    images, models, predicting : Images, Models, Predicting
        What is open, what predicts, and what is going on.

    Attributes
    ----------
    changed : Signal()
        The person has set something.
    """

    changed = Signal()

    def __init__(
        self,
        holder: StateHolder,
        images: Images,
        models: Models,
        predicting: Predicting,
    ) -> None:
        self._holder = holder
        self._images = images
        self._models = models
        self._predicting = predicting
        self._decode_wanted = False
        self._measured_by = ""
        images.current_changed.connect(self.tell)
        models.timeline.changed.connect(self.tell)
        predicting.measured.connect(self.tell)

    def set_diameter(self, diameter: float | None) -> None:
        """Say how large the objects are, in pixels; None to have them measured."""
        image = self._images.current
        if image is None or image.diameter == diameter:
            return
        image.diameter = diameter
        self.tell()
        self.changed.emit()
        self._ask_to_predict("size")

    def set_thresholds(
        self, foreground: float | None = None, prominence: float | None = None
    ) -> None:
        """Find the objects with other thresholds, at once where that is possible.

        One that is not given stays as it is.
        """
        model = self._models.active
        if model is None:
            return
        moved = {"foreground": foreground, "prominence": prominence}
        self._decode_with(
            model,
            model.spec.decoding.model_copy(
                update={name: each for name, each in moved.items() if each is not None}
            ),
        )

    def reset_thresholds(self) -> None:
        """Find the objects with the thresholds that the model came with."""
        model, came_with = self._models.active, self._models.timeline.moved_from
        if model is not None and came_with is not None:
            self._decode_with(model, came_with)

    def _decode_with(self, model: Model, decoding: Decoding) -> None:
        if decoding == model.spec.decoding:
            return
        self._models.timeline.adjust(model.with_decoding(decoding))
        self.changed.emit()
        self._decode_wanted = True
        self.tick()

    def tick(self) -> None:
        """Find objects anew, if thresholds moved and nothing else is going on.

        What is being predicted with former thresholds is waited for.
        """
        image, model = self._images.current, self._models.active
        if not self._decode_wanted or self._holder.state.predicting:
            return
        self._decode_wanted = False
        if image and model and self._predicting.can_decode(image, model):
            self._predicting.decode(image, model)
        else:
            self._ask_to_predict("threshold")

    def tell(self) -> None:
        """Show what is set now."""
        model = self._models.active
        self._forget_measured(model.name if model is not None else "")
        self._holder.show(tuning=self._state(model) if model is not None else None)

    def _ask_to_predict(self, what: str) -> None:
        words = f"Predict again to use this {what}."
        self._holder.say(words, "image", "model", "predicting")

    def _forget_measured(self, name: str) -> None:
        """Forget the sizes that another model has measured."""
        if name != self._measured_by:
            self._measured_by = name
            for image in self._images:
                image.measured = None

    def _state(self, model: Model) -> TuningState | None:
        spec, image = model.spec, self._images.current
        if not task_of(spec).outputs.sized:
            return None
        diameter = image.diameter if image is not None else None
        measured = image.measured if image is not None else None
        warning = ""
        if image is not None and (size := diameter or measured):
            warning = size_warning(
                size,
                spec.diameters,
                told=diameter is not None,
                shape=image.identity.labels_shape[-2:],
            )
        return TuningState(
            spec.decoding.foreground,
            spec.decoding.prominence,
            spec.best_diameters is not None,
            diameter,
            measured,
            image.pixel_size if image is not None else None,
            warning,
            self._models.timeline.moved_from is not None,
        )

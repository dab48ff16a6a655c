"""What a person may set about predictions: axes, channels, size, and thresholds.

All have good values by themselves. With other axes, channels or another size the image
has to be predicted again; other thresholds are applied at once, to what the network
said before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_unet import inference
from napari_unet.errors import ChannelMismatchError, InputError, NapariUnetError
from napari_unet.geometry.axes import axes_in_words, resolve_axes, time_axis
from napari_unet.images.channels import channel_count, channel_titles, parse_channels
from napari_unet.instances.diameter import check_diameter, size_warning
from napari_unet.project.manifest import MOST_MICROMETRES, ImageReading
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.images.reading import Reading, keeps_labels, mismatch_in_words
from napari_unet.session.models.models import Models
from napari_unet.session.models.status import SettingsState
from napari_unet.session.predicting import Predicting
from napari_unet.tasks import task_of

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model


class Settings:
    """How the current image is read, the size of its objects, and thresholds.

    `changed` tells that the person has set something, and `read_anew` that it was how
    the current image is read; `undecoded` that thresholds are others than those of what
    is shown, and only a prediction of the view can show what they do.
    """

    changed = Signal()
    read_anew = Signal()
    undecoded = Signal()

    def __init__(
        self, hub: Hub, images: Images, models: Models, predicting: Predicting
    ) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._predicting = predicting
        self._decode_wanted = False

    def set_axes(self, axes: str) -> None:
        """Read the current image with other axes.

        Its labels stay where they lie right with these axes, too. Otherwise it is
        opened again; work under the old ones stays saved, and is here again with them.
        An InputError says that the axes do not fit; then nothing changes.
        """
        image = self._images.current
        if image is None:
            return
        shape, old = image.identity.shape, image.axes
        new = resolve_axes(shape, image.pixels.dtype, person=axes).letters
        reading = replace(image.reading, origin="person")
        if keeps_labels(shape, old, new):
            image.identity = replace(image.identity, axes=new)
            image.annotation.time = time_axis(new, image.identity.labels_shape)
            told = f"{image.name} is read as a {axes_in_words(new)}."
            if image.has_labels and new != old:
                told += " Its labels stay; predict again to have them found like that."
            self._read(image, reading, told)
            return
        told = f"{image.name} is read as {new} now."
        if image.has_labels:
            told += f" Its labels as {old} stay saved, and are here again with {old}."
        self._images.reopen(image, new, replace(reading, channels=None), told)
        self.read_anew.emit()

    def set_channels(self, channels: str | None) -> None:
        """Let models see some channels of the current image alone; None for all.

        They are numbers from 1, or names, separated by commas. An InputError says that
        there is no such channel; then nothing changes.
        """
        image = self._images.current
        if image is None:
            return
        count = channel_count(image.identity.shape, image.axes)
        names = image.reading.names_of(image.identity.shape, image.axes)
        chosen = None if channels is None else parse_channels(channels, count, names)
        if chosen == image.reading.channels:
            return
        titles = channel_titles(count, names)
        used = ", ".join(titles[n] for n in chosen or range(count))
        told = f"Models see channel {used}."
        if image.has_labels:
            told += " Predict again to see what that changes."
        self._read(image, replace(image.reading, channels=chosen), told)

    def set_pixel_size(self, micrometres: float | None) -> None:
        """Say how wide a pixel of the current image is; None for what is stated.

        An InputError says that no pixel is like that; then nothing changes.
        """
        if micrometres is not None and not 0 < micrometres <= MOST_MICROMETRES:
            raise InputError(
                f"A pixel of {micrometres:g} µm is not possible; choose a width above "
                f"0, up to {MOST_MICROMETRES:.0f}, or None for what the file states."
            )
        image = self._images.current
        if image is None or image.reading.pixel_size == micrometres:
            return
        image.reading = replace(image.reading, pixel_size=micrometres)
        self._images.tell()
        self.tell()
        self.read_anew.emit()

    def set_diameter(self, diameter: float | None) -> None:
        """Say how large the objects are, in pixels; None to have them measured.

        An InputError says that none is so large; then nothing changes.
        """
        check_diameter(diameter)
        image = self._images.current
        if image is None or image.diameter == diameter:
            return
        image.diameter = diameter
        self.tell()
        self.changed.emit()
        self._ask_to_predict("size")

    def set_thresholds(
        self,
        foreground: float | None = None,
        parting: float | None = None,
        min_size: float | None = None,
    ) -> None:
        """Find the objects with other thresholds, at once where that is possible.

        One that is not given stays as it is. What parts objects is the threshold that
        the model's `Decoding` calls so; the least size is an area.
        """
        model = self._models.active
        if model is not None:
            decoding = model.spec.decoding
            self._decode_with(model, decoding.moved(foreground, parting, min_size))

    def reset_thresholds(self) -> None:
        """Find the objects with the thresholds that the model came with."""
        model, came_with = self._models.active, self._models.timeline.moved_from
        if model is not None and came_with is not None:
            self._decode_with(model, came_with)

    def tick(self) -> None:
        """Find objects anew, if thresholds moved and nothing else is going on.

        What is being predicted with former thresholds is waited for, until it is shown
        in the view.
        """
        image, model = self._images.current, self._models.active
        if not (self._decode_wanted and self._predicting.may_decode):
            return
        self._decode_wanted = False
        if image and model and self._predicting.can_decode(image, model):
            self._predicting.decode(image, model)
        elif self._hub.state.live.on:
            self.undecoded.emit()
        else:
            self._ask_to_predict("threshold")

    def tell(self) -> None:
        """Show what is set now."""
        model = self._models.active
        self._hub.show(settings=self._state(model) if model is not None else None)

    def diameters(self, project: Project) -> dict[str, float | None]:
        """Return what a person has said of sizes, by the keys of a project's images."""
        return {i.key: i.diameter for i in self._images if i.project is project}

    def readings(self, project: Project) -> dict[str, ImageReading | None]:
        """Return what a person has said of a project's images, by their content.

        None stands for nothing, also where something was said before.
        """
        return {
            each.identity.content_hash: each.reading.to_remember(each.axes)
            for each in self._images
            if each.project is project
        }

    def _read(self, image: OpenImage, reading: Reading, told: str) -> None:
        """Let what was begun with other axes or channels go."""
        image.reading = reading
        self._predicting.cancel()
        self._predicting.forget(image)
        self._images.tell()
        self._hub.say(told, "image")
        self.check_fit()
        self.read_anew.emit()

    def check_fit(self) -> None:
        """Tell whether the model can take the image, as soon as both are known."""
        image, model = self._images.current, self._models.active
        if image is None or model is None:
            return
        self._hub.clear("image")
        # Not earlier: torch takes seconds. It is loaded when there is a model.
        try:
            inference.check_image(*image.model_input, model)
        except ChannelMismatchError as error:
            names = image.reading.names_of(image.identity.shape, image.axes)
            words = mismatch_in_words(error, names)
            self._hub.report("image", InputError(words))
        except NapariUnetError as error:
            self._hub.report("image", error)

    def _decode_with(self, model: Model, decoding: Decoding) -> None:
        if decoding == model.spec.decoding:
            return
        self._models.timeline.adjust(model.with_decoding(decoding))
        self.changed.emit()
        self._decode_wanted = True
        self.tick()

    def _ask_to_predict(self, what: str) -> None:
        words = f"Predict again to use this {what}."
        self._hub.say(words, "image", "model", "predicting")

    def _state(self, model: Model) -> SettingsState | None:
        spec, image = model.spec, self._images.current
        if not task_of(spec).labels.objects:
            return None
        shown = SettingsState(
            spec.decoding.foreground,
            spec.decoding.at_parting,
            spec.decoding.parting_limits,
            spec.decoding.parting_words,
            spec.decoding.min_size,
            knows_size=spec.best_diameters is not None,
            thresholds_moved=self._models.timeline.moved_from is not None,
        )
        if image is None:
            return shown
        diameter, warning = image.diameter, ""
        measured = image.shown_diameter or image.measured_by(model.name)
        if size := diameter or measured:
            warning = size_warning(
                size,
                spec.diameters,
                told=diameter is not None,
                shape=image.identity.labels_shape[-2:],
            )
        return replace(
            shown,
            diameter=diameter,
            measured=measured,
            pixel_size=image.pixel_size,
            warning=warning,
        )

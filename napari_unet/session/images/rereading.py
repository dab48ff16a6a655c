"""What a person may say of an image: which axis is which, and which channels count."""

from __future__ import annotations

from dataclasses import replace

from psygnal import Signal

from napari_unet import inference
from napari_unet.errors import ChannelMismatchError, InputError, NapariUnetError
from napari_unet.images.channels import channel_count, channel_titles, parse_channels
from napari_unet.images.known_axes import axes_in_words, resolve_axes
from napari_unet.project.manifest import ImageReading
from napari_unet.project.project import Project
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.images.reading import Reading, keeps_labels, mismatch_in_words
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import Predicting
from napari_unet.session.state_holder import StateHolder


class Rereading:
    """How the current image is read, and whether the model can take it so.

    Parameters
    ----------
    holder : StateHolder
        Where the state is told.
    images, models, predicting : Images, Models, Predicting
        What is open, what predicts, and what is going on.

    Attributes
    ----------
    changed : Signal()
        The person has said something.
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
        images.current_changed.connect(self._check_fit)
        models.timeline.changed.connect(self._check_fit)

    def said_of(self, project: Project) -> dict[str, ImageReading]:
        """Return what a person has said of a project's images, by their content."""
        said = {
            each.identity.content_hash: each.reading.to_remember(each.axes)
            for each in self._images
            if each.project is project
        }
        return {content: one for content, one in said.items() if one is not None}

    def set_axes(self, axes: str) -> None:
        """Read the current image with other axes.

        Its labels stay where they lie right with these axes, too. Otherwise it is
        opened again; work under the old ones stays saved, and is here again with them.

        Raises
        ------
        InputError
            If the axes do not fit; then nothing changes.
        """
        image = self._images.current
        if image is None:
            return
        shape, old = image.identity.shape, image.axes
        new = resolve_axes(shape, image.pixels.dtype, person=axes).letters
        reading = replace(image.reading, origin="person")
        if keeps_labels(shape, old, new):
            image.identity = replace(image.identity, axes=new)
            told = f"{image.name} is read as a {axes_in_words(new)}."
            if image.has_labels and new != old:
                told += " Its labels stay; predict again to have them found like that."
            self._reread(image, reading, told)
            return
        told = f"{image.name} is read as {new} now."
        if image.has_labels:
            told += f" Its labels as {old} stay saved, and are here again with {old}."
        self._images.reopen(image, new, replace(reading, channels=None), told)
        self.changed.emit()

    def set_channels(self, channels: str | None) -> None:
        """Let models see some channels of the current image alone.

        Parameters
        ----------
        channels : str or None
            Numbers from 1, or names, separated by commas; None for all.

        Raises
        ------
        InputError
            If there is no such channel; then nothing changes.
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
        self._reread(image, replace(image.reading, channels=chosen), told)

    def _reread(self, image: OpenImage, reading: Reading, told: str) -> None:
        """Let what was begun with other axes or channels go."""
        image.reading = reading
        self._predicting.cancel()
        self._predicting.forget(image)
        self._images.tell()
        self._holder.say(told, "image")
        self._check_fit()
        self.changed.emit()

    def _check_fit(self) -> None:
        """Tell whether the model can take the image, as soon as both are known."""
        image, model = self._images.current, self._models.active
        if image is None or model is None:
            return
        self._holder.clear("image")
        # Not earlier: torch takes seconds. It is loaded when there is a model.
        try:
            inference.check_image(*image.model_input, model)
        except ChannelMismatchError as error:
            names = image.reading.names_of(image.identity.shape, image.axes)
            words = mismatch_in_words(error, names)
            self._holder.report("image", InputError(words))
        except NapariUnetError as error:
            self._holder.report("image", error)

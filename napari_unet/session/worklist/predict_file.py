"""Predicting an image that nobody looks at: read, find its work, predict, merge."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from napari_unet import inference
from napari_unet.annotation.annotation import EditOf, Predicted
from napari_unet.core.jobs import Job, mapped
from napari_unet.errors import ChannelMismatchError, InputError, StorageError
from napari_unet.geometry.box import Box
from napari_unet.inference.events import MapsCached, PredictEvent, Sized
from napari_unet.project.identity import ImageIdentity
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.opening import LookUpImage, Opened
from napari_unet.session.images.reading import mismatch_in_words
from napari_unet.session.prediction import Predict
from napari_unet.session.worklist.reading import Picture, Unread

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class PictureRead:
    """The file was read; what follows takes longer."""

    picture: Picture


@dataclass(frozen=True, slots=True, eq=False)
class PredictedFile:
    """An image with what a model says of it, and the edit that makes of that.

    `events` are what is worth to be told when a person comes to it.
    """

    picture: Picture
    opened: Opened
    predicted: Predicted
    part: EditOf
    events: tuple[PredictEvent, ...] = ()

    @property
    def asked(self) -> tuple[object, ...]:
        """What the model was asked: equal if it would say the same again."""
        return what_is_asked(self.opened.image)


def what_is_asked(image: OpenImage) -> tuple[object, ...]:
    """Return what a prediction of an image depends on, besides the model."""
    identity, channels = image.identity, image.reading.channels
    sizes = image.known_diameter, image.pixel_size
    return identity.content_hash, identity.axes, channels, *sizes


@dataclass(frozen=True, slots=True, eq=False)
class Known(Job[PredictEvent, Predicted]):
    """What a model has said before, told again."""

    predicted: Predicted
    events: tuple[PredictEvent, ...] = ()

    def run(self) -> Generator[PredictEvent, None, Predicted]:
        """Tell it."""
        yield from self.events
        return self.predicted


FileEvent: TypeAlias = PredictEvent | PictureRead | None


@dataclass(frozen=True, slots=True, eq=False)
class PredictFile(Job[FileEvent, PredictedFile | None]):
    """Predict an image as the dock does; nothing is written.

    None if it is open. An error says why it cannot be predicted, or not be saved.
    """

    unread: Unread
    model: Model

    def run(self) -> Generator[FileEvent, None, PredictedFile | None]:
        """Do it, step by step."""
        yield None
        picture = self.unread.reader.read(self.unread.path)
        yield PictureRead(picture)
        opened = yield from LookUpImage(self.unread.request(picture)).run()
        if isinstance(opened, ImageIdentity):
            return None
        image = opened.image
        if opened.problem is not None:
            raise opened.problem
        if image.read_only:
            raise StorageError(image.read_only)
        # Not earlier: torch takes seconds, and is loaded in the background.
        try:
            inference.check_image(*image.model_input, self.model)
        except ChannelMismatchError as error:
            names = image.reading.names_of(image.identity.shape, image.axes)
            raise InputError(mismatch_in_words(error, names)) from error
        events: list[PredictEvent] = []

        def note(event: PredictEvent) -> FileEvent:
            if isinstance(event, Sized | MapsCached):
                events.append(event)
            return event

        predicted = yield from mapped(note, Predict.of(image, self.model, None).run())
        whole = Box.whole(image.identity.labels_shape)
        part = image.annotation.merging(predicted, whole).merge()
        return PredictedFile(picture, opened, predicted, part, tuple(events))

"""The images that are open, and the one that a person works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from psygnal import Signal

from napari_unet.errors import NapariUnetError
from napari_unet.session.finetune import Lesson
from napari_unet.session.image import Opened, OpenImage, choose_axes, iter_open
from napari_unet.session.job import Job
from napari_unet.session.runner import Runner
from napari_unet.session.saving import Saving
from napari_unet.session.state import ImageState, StateHolder


class Images:
    """Open images with their annotations; one of them is current.

    Parameters
    ----------
    runner : Runner
        Looks up earlier work in the background.
    holder : StateHolder
        Where the state is told.
    saving : Saving
        Takes care of every image that is opened.

    Attributes
    ----------
    labels_shown : Signal(OpenImage)
        The image has labels to look at, from now on or from earlier work.
    current_changed : Signal()
        Another image is current, or none is.
    """

    labels_shown = Signal(OpenImage)
    current_changed = Signal()

    def __init__(self, runner: Runner, holder: StateHolder, saving: Saving) -> None:
        self._runner = runner
        self._holder = holder
        self._saving = saving
        self._all: list[OpenImage] = []
        self._current: OpenImage | None = None
        self._opening: Job | None = None
        self._wanted: object = None

    def __iter__(self) -> Iterator[OpenImage]:
        return iter(tuple(self._all))

    @property
    def current(self) -> OpenImage | None:
        """The image that the state describes and that is predicted."""
        return self._current

    def find(self, source: object) -> OpenImage | None:
        """Return the image that was opened from this very object."""
        return next((image for image in self._all if image.source is source), None)

    def open(
        self,
        source: npt.NDArray[Any],
        name: str,
        axes: str | None = None,
        path: Path | None = None,
    ) -> None:
        """Open an image with the work that was saved for it, and make it current.

        It is current a moment later; the state tells, or says why not. Nothing is
        written.

        Parameters
        ----------
        source : ndarray
            Pixels; nobody may change them afterwards.
        name : str
            For people and for the project.
        axes : str, optional
            One letter of "TCZYX" per axis; guessed where it is missing.
        path : Path, optional
            The file, beside which work is saved.
        """
        self.select(None)
        try:
            axes = choose_axes(source, axes)
        except NapariUnetError as error:
            self._holder.report("image", error)
            return
        self._wanted = source
        self._holder.update(
            image=ImageState(name, axes, tuple(source.shape)),
            message=f"Opening {name}…",
        )
        self._opening = self._runner.start(
            iter_open(source, name, axes, path),
            on_event=lambda _: None,
            on_return=self._on_opened,
            on_error=lambda error: self._on_not_opened(source, error),
            on_closed=lambda: None,
        )

    def select(self, image: OpenImage | None) -> None:
        """Make an open image current, or none."""
        self._wanted = None
        if self._opening is not None:
            self._opening.cancel()
        self._set_current(image)

    def set_axes(self, axes: str) -> None:
        """Open the current image again with other axes.

        Work under the old ones stays saved, and is here again under the old ones.

        Raises
        ------
        InputError
            If the axes do not fit; then nothing changes.
        """
        image = self._current
        if image is None or axes.upper() == image.axes:
            return
        choose_axes(image.pixels, axes)
        self.release(image)
        self.open(image.source, image.name, axes, image.path)

    def release(self, image: OpenImage) -> None:
        """Save what is unsaved of an image, and forget it."""
        self._all.remove(image)
        self._saving.release(image)
        if self._current is image:
            self._set_current(None)

    def note_change(self, image: OpenImage) -> None:
        """Note that labels or provenance changed, whoever changed them."""
        self._saving.note_change(image)
        self.show_labels(image)
        if image is self._current:
            self.tell()

    def show_labels(self, image: OpenImage) -> None:
        """Let the front end show the labels of an image, if it does not yet."""
        if not image.has_labels:
            image.has_labels = True
            self.labels_shown.emit(image)
            self.tell()

    def lessons(self) -> list[Lesson]:
        """Return copies of everything that is verified now."""
        for image in self._all:
            image.canvas.flush()
        return [
            Lesson(image, image.annotation.snapshot(), image.annotation.trainable())
            for image in self._all
            if image.annotation.counts().verified_pixels
        ]

    def tell(self) -> None:
        """Describe the current image in the state."""
        image = self._current
        if image is not None:
            save = self._saving.describe(image)
            self._holder.update(image=_describe(image), save=save)

    def _set_current(self, image: OpenImage | None) -> None:
        self._current = image
        self._holder.clear("image", "predict", "correct", "finetune")
        if image is None:
            self._holder.update(image=None)
        self.tell()
        self.current_changed.emit()

    def _on_opened(self, opened: Opened) -> None:
        image = opened.image
        if image.source is not self._wanted:
            return  # another one was chosen meanwhile
        self._all.append(image)
        self._saving.add(image)
        self._set_current(image)
        self._holder.update(message=opened.told or f"{image.name} is open.")
        if image.has_labels:
            self.labels_shown.emit(image)
        if opened.problem is not None:
            self._holder.report("correct", opened.problem)

    def _on_not_opened(self, source: object, error: Exception) -> None:
        if source is self._wanted:
            self._holder.report("image", error)


def _describe(image: OpenImage) -> ImageState:
    counts = image.annotation.counts()
    described = ImageState(image.name, image.axes, image.identity.shape)
    return replace(
        described,
        open=True,
        has_labels=image.has_labels,
        objects=counts.objects,
        verified_objects=counts.verified_objects,
        verified_share=counts.verified_pixels / counts.pixels,
    )

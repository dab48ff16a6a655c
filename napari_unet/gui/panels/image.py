"""Which image, which of its axes is which, and which of its channels count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSpinBox, QLineEdit

from napari_unet.errors import InputError
from napari_unet.geometry.axes import axes_in_words, readings
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import (
    Choices,
    Entry,
    Label,
    Panel,
    allow,
    button,
    set_look,
)
from napari_unet.images.channels import channel_count, channel_titles
from napari_unet.session.images.status import ImageState
from napari_unet.session.state import State

_AXES_TIP = (
    "How the image is read. One letter for every axis: T time, C channel, Z depth, Y, "
    "X. Z-stacks become 3-D objects; time points are segmented one by one."
)
_SWAP_TIP = (
    "Time and depth are mixed up: take frames for sections, and sections for frames; "
    "labels stay"
)
_SWAPPED = str.maketrans("TZ", "ZT")
_CHANNEL_TIP = (
    "What the model sees of the image. Several can be typed in the model's order, "
    "by numbers or names, such as 3,1"
)
_PIXEL_TIP = (
    "How wide a pixel is: for sizes in micrometres. Type it where nobody states it, or "
    "states it wrongly; 0 goes back to what is stated"
)
_ALL = "all"
_ORIGINS = {
    "guess": "Guessed: {}. Choose another reading above if that is wrong.",
    "layer": "{}, as the layer states.",
    "file": "{}, as the file states.",
    "project": "{}, as in your earlier work.",
    "person": "{}, as you said.",
}


class ImagePanel(Panel):
    """Choose an image layer, and say how its axes and channels are read."""

    title = "Image"
    place = "image"

    def _build(self) -> None:
        self.chooser = ComboBox(choices=self._choices, nullable=True)
        self.chooser.native.setToolTip("The image to segment; drop files to open more")
        self.chooser.changed.connect(self._on_chosen)
        self.readings = _TypedChoices(_AXES_TIP)
        self.readings.chosen.connect(self._on_reading)
        self.axes = self.readings.line
        self.axes.editingFinished.connect(self._on_axes)
        self.axes.setPlaceholderText("axes")
        self.shape = Label("", "faint")
        self.origin = Label("", "faint", wrap=True)
        self.channels = _TypedChoices(_CHANNEL_TIP)
        self.channels.chosen.connect(self._set_channels)
        self.channels.line.editingFinished.connect(self._on_channels)
        self.grey = button(
            "Use a grey copy",
            "Add the brightness of this colour image as a new layer and use that",
            self.bench.make_grey,
        )
        self.add(self.chooser.native)
        self.swap = button("⇄", _SWAP_TIP, self._on_swap)
        self.add_row(Label("Axes"), self.readings, self.swap, self.shape, stretch=(3,))
        self.add(self.origin)
        self.pixel = _PixelBox()
        self.pixel.valueChanged.connect(
            lambda size: self.session.settings.set_pixel_size(size or None)
        )
        self.add_row(Label("Pixel size"), self.pixel, stretch=(1,))
        self.channel_label = Label("Channel")
        self.add_row(self.channel_label, self.channels, stretch=(1,))
        self.add(self.grey)
        self.folder = Label("", "faint", wrap=True)
        self.one_stack = button(
            "As one stack",
            "Add the files of the folder as one layer, as the sections of one image",
            self.bench.folders.stack,
        )
        self.add_row(self.folder, self.one_stack)
        self.connections.connect(self.bench.folders.changed, self._show_folder)
        self._show_folder()
        self.connections.connect(self.bench.layers.images.chosen_changed, self._reset)
        self._reset()

    def _render(self, state: State) -> None:
        image = state.image
        self.readings.setEnabled(image is not None and image.open)
        if not self.axes.hasFocus():
            self.readings.offer(_readings(image))
            self.readings.show_words(image.axes if image else "")
            self._mark(image is None or "image" not in state.problems)
        self.swap.setVisible(image is not None and bool({*image.axes} & {*"TZ"}))
        allow(self.swap, "" if image and image.open else "The image is not open yet.")
        self.shape.setText(" x ".join(f"{n:,}" for n in image.shape) if image else "")
        self.origin.show_text(_origin(image))
        self.pixel.show_image(image)
        self._show_channels(image)
        self.grey.setVisible(_is_colour(image, state))

    def _show_channels(self, image: ImageState | None) -> None:
        count = channel_count(image.shape, image.axes) if image else 1
        shown = image is not None and image.open and count > 1
        self.channels.setVisible(shown)
        self.channel_label.setVisible(shown)
        if image is None or not shown or self.channels.line.hasFocus():
            return
        titles = channel_titles(count, image.reading.names_of(image.shape, image.axes))
        chosen = image.reading.channels
        entries = [(words, str(n), "") for n, words in enumerate(titles, 1)]
        self.channels.offer([(_ALL, _ALL, ""), *entries])
        words = ", ".join(titles[n] for n in chosen) if chosen else _ALL
        self.channels.show_words(words)

    def _show_folder(self) -> None:
        told = self.bench.folders.told
        self.folder.show_text(told)
        self.one_stack.setVisible(bool(told))

    def _choices(self, _widget: object) -> list[tuple[str, object]]:
        return [(layer.name, layer) for layer in self.bench.layers.images.choices]

    def _reset(self) -> None:
        with self.chooser.changed.blocked():
            self.chooser.reset_choices()
            self.chooser.value = self.bench.layers.images.chosen

    def _on_chosen(self) -> None:
        self.bench.layers.choose(self.chooser.value)

    def _on_reading(self, axes: str) -> None:
        """Read the image as it was chosen from the list, even if that was guessed."""
        self.axes.setText(axes)
        self._set_axes(axes)

    def _on_swap(self) -> None:
        """Take frames for sections and sections for frames; labels stay."""
        if (image := self.session.state.image) is not None:
            self._set_axes(image.axes.translate(_SWAPPED))

    def _on_axes(self) -> None:
        """Read the image as it was typed; to leave the line says nothing."""
        image, typed = self.session.state.image, self.axes.text().strip()
        # The line holds an item's words for a moment when that is chosen.
        known = self.readings.findText(typed) >= 0
        if image is not None and typed.upper() != image.axes and not known:
            self._set_axes(typed)

    def _set_axes(self, axes: str) -> None:
        try:
            self.session.settings.set_axes(axes)
        except InputError as error:
            self._mark(False)
            self.session.report("image", error)

    def _on_channels(self) -> None:
        typed = self.channels.currentText().strip()
        if self.channels.findText(typed) < 0:
            self._set_channels(typed)

    def _set_channels(self, channels: str) -> None:
        wanted = None if channels in ("", _ALL) else channels
        try:
            self.session.settings.set_channels(wanted)
        except InputError as error:
            self.session.report("image", error)

    def _mark(self, valid: bool) -> None:
        """Colour the axes by whether they fit."""
        set_look(self.axes, "valid", str(valid).lower())


class _TypedChoices(Choices):
    """A box to choose from, in which other things can be typed."""

    def __init__(self, tip: str) -> None:
        super().__init__(tip, steady=True)
        self.setMinimumContentsLength(6)
        self.setEditable(True)
        self.setInsertPolicy(Choices.InsertPolicy.NoInsert)
        self.setCompleter(None)
        self.line = cast(QLineEdit, self.lineEdit())
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def offer(self, entries: Sequence[Entry]) -> bool:
        changed = super().offer(entries)
        if changed and (view := self.view()):
            view.setMinimumWidth(view.sizeHintForColumn(0) + 24)
        return changed

    def show_words(self, words: str) -> None:
        if self.currentText() != words:
            self.setEditText(words)


class _PixelBox(NumberBox):
    """Micrometres that a person has typed, or what is stated; 0 stands for that."""

    def __init__(self) -> None:
        super().__init__(0, 10_000, decimals=4, unit=" µm", tip=_PIXEL_TIP)
        self.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)

    def show_image(self, image: ImageState | None) -> None:
        """Show the size that is used, and where it comes from."""
        self.setEnabled(image is not None and image.open)
        stated = image.stated_pixel_size if image is not None else None
        words = f"{stated:.4g} µm, as stated" if stated else "not known"
        # Qt writes the box anew for it, over what a person is typing.
        if words != self.specialValueText() and not self.typing:
            self.setSpecialValueText(words)
        self.show_number((image.reading.pixel_size if image else None) or 0.0)

    def textFromValue(self, value: float) -> str:
        """Return no zeros that say nothing."""
        return f"{value:.4f}".rstrip("0").rstrip(".")


def _readings(image: ImageState | None) -> list[Entry]:
    if image is None:
        return []
    several = dict.fromkeys((*readings(image.shape), image.axes))
    return [(f"{axes}   {axes_in_words(axes)}", axes, "") for axes in several]


def _origin(image: ImageState | None) -> str:
    """Return how it is known which axis is which, where that is not plain."""
    if image is None or not image.open or len(image.axes) < 3:
        return ""
    text = _ORIGINS[image.reading.origin].format(axes_in_words(image.axes))
    return text[:1].upper() + text[1:]


def _is_colour(image: ImageState | None, state: State) -> bool:
    """Whether it is a colour image that the model wants grey."""
    if image is None or state.model is None or image.reading.channels is not None:
        return False
    count = channel_count(image.shape, image.axes)
    return count in (3, 4) and state.model.channels == 1

"""Which image, which of its axes is which, and which of its channels count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QLineEdit

from napari_unet.errors import InputError
from napari_unet.geometry.axes import axes_in_words, readings
from napari_unet.gui.panels.panel import Panel, button, label, set_look
from napari_unet.images.channels import channel_count, channel_titles
from napari_unet.session.state import State
from napari_unet.session.status import ImageState

if TYPE_CHECKING:
    from collections.abc import Sequence

_AXES_TIP = (
    "How the image is read. One letter for every axis: T time, C channel, Z depth, Y, "
    "X. Z-stacks become 3-D objects; time points are segmented one by one."
)
_CHANNEL_TIP = (
    "What the model sees of the image. Several can be typed in the model's order, "
    "by numbers or names, such as 3,1"
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

    def build(self) -> None:
        """Make the controls."""
        self.chooser = ComboBox(choices=self._choices, nullable=True)
        self.chooser.native.setToolTip("The image to segment; drop files to open more")
        self.chooser.changed.connect(self._on_chosen)
        self.readings = _box(_AXES_TIP)
        self.axes = _line(self.readings)
        self.axes.setPlaceholderText("axes")
        self.axes.editingFinished.connect(self._on_axes)
        self.readings.activated.connect(self._on_reading)
        self.shape = label("", "faint")
        self.origin = label("", "faint", wrap=True)
        self.channels = _box(_CHANNEL_TIP)
        _line(self.channels).editingFinished.connect(self._on_channels)
        self.channels.activated.connect(self._on_channel)
        self.grey = button(
            "Use a grey copy",
            "Add the brightness of this colour image as a new layer and use that",
            self.bench.make_grey,
        )
        self.add(self.chooser.native)
        self.add_row(label("Axes"), self.readings, self.shape, stretch=2)
        self.add(self.origin)
        self.channel_label = label("Channel")
        self.add_row(self.channel_label, self.channels, stretch=1)
        self.add(self.grey)
        self.folder = label("", "faint", wrap=True)
        self.one_stack = button(
            "As one stack",
            "Add the files of the folder as one layer, as the sections of one image",
            self.bench.folders.stack,
        )
        self.add_row(self.folder, self.one_stack)
        self.connections.connect(self.bench.folders.changed, self._show_folder)
        self._show_folder()
        self.connections.connect(self.bench.layers.chosen_changed, self._reset)
        self._reset()

    def render_state(self, state: State) -> None:
        """Show the image."""
        image = state.image
        self.readings.setEnabled(image is not None and image.open)
        if not self.axes.hasFocus():
            _fill(self.readings, _reading_items(image), image.axes if image else "")
            self._mark(image is None or "image" not in state.problems)
        self.shape.setText(_describe(image))
        self.origin.setText(_origin(image))
        self.origin.setVisible(image is not None and image.open and len(image.axes) > 2)
        self._show_channels(image)
        self.grey.setVisible(_is_colour(image, state))

    def _show_channels(self, image: ImageState | None) -> None:
        count = channel_count(image.shape, image.axes) if image else 1
        shown = image is not None and image.open and count > 1
        self.channels.setVisible(shown)
        self.channel_label.setVisible(shown)
        if image is None or not shown or _line(self.channels).hasFocus():
            return
        titles = channel_titles(count, image.reading.names_of(image.shape, image.axes))
        chosen = image.reading.channels
        text = ", ".join(titles[n] for n in chosen) if chosen else _ALL
        numbers = [str(n) for n in range(1, count + 1)]
        items = [(_ALL, _ALL), *zip(titles, numbers, strict=True)]
        _fill(self.channels, items, text)

    def _show_folder(self) -> None:
        told = self.bench.folders.told
        self.folder.setText(told)
        self.folder.setVisible(bool(told))
        self.one_stack.setVisible(bool(told))

    def _choices(self, _widget: object) -> list[tuple[str, object]]:
        return [(layer.name, layer) for layer in self.bench.layers.choices]

    def _reset(self) -> None:
        with self.chooser.changed.blocked():
            self.chooser.reset_choices()
            self.chooser.value = self.bench.layers.chosen

    def _on_chosen(self) -> None:
        self.bench.layers.choose(self.chooser.value)

    def _on_reading(self, index: int) -> None:
        """Read the image as it was chosen from the list, even if that was guessed."""
        axes = str(self.readings.itemData(index))
        self.axes.setText(axes)
        self._set_axes(axes)

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

    def _on_channel(self, index: int) -> None:
        self._set_channels(str(self.channels.itemData(index)))

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


def _box(tip: str) -> QComboBox:
    """Return a box with choices, in which others can be typed."""
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setCompleter(None)
    box.setToolTip(tip)
    box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(6)
    return box


def _line(box: QComboBox) -> QLineEdit:
    line = box.lineEdit()
    if line is None:
        raise TypeError("the box cannot be edited")
    return line


def _fill(box: QComboBox, items: Sequence[tuple[str, str]], text: str) -> None:
    """Show choices and a text, without telling anybody."""
    shown = [(box.itemText(n), box.itemData(n)) for n in range(box.count())]
    box.blockSignals(True)
    if shown != list(items):
        box.clear()
        for words, value in items:
            box.addItem(words, value)
        if view := box.view():
            view.setMinimumWidth(view.sizeHintForColumn(0) + 24)
    if box.currentText() != text:
        box.setEditText(text)
    box.blockSignals(False)


def _reading_items(image: ImageState | None) -> list[tuple[str, str]]:
    if image is None:
        return []
    several = dict.fromkeys((*readings(image.shape), image.axes))
    return [(f"{axes}   {axes_in_words(axes)}", axes) for axes in several]


def _origin(image: ImageState | None) -> str:
    if image is None:
        return ""
    text = _ORIGINS[image.reading.origin].format(axes_in_words(image.axes))
    return text[:1].upper() + text[1:]


def _describe(image: ImageState | None) -> str:
    return " x ".join(f"{n:,}" for n in image.shape) if image else ""


def _is_colour(image: ImageState | None, state: State) -> bool:
    """Whether it is a colour image that the model wants grey."""
    if image is None or state.model is None or "C" not in image.axes:
        return False
    channels = image.shape[image.axes.index("C")]
    chosen = image.reading.channels is not None
    return channels in (3, 4) and state.model.channels == 1 and not chosen

"""Which image, and which of its axes is which."""

from __future__ import annotations

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QLineEdit

from napari_unet.errors import InputError
from napari_unet.gui.panels.panel import Panel, button, label, set_look
from napari_unet.session.state import ImageState, State

_AXES_TIP = (
    "One letter for every axis: T time, C channel, Z depth, Y, X. "
    "Z-stacks become 3-D objects; time points are segmented one by one."
)


class ImagePanel(Panel):
    """Choose an image layer and check its axes."""

    title = "Image"
    place = "image"

    def build(self) -> None:
        """Make the controls."""
        self.chooser = ComboBox(choices=self._choices, nullable=True)
        self.chooser.native.setToolTip("The image to segment; drop files to open more")
        self.chooser.changed.connect(self._on_chosen)
        self.axes = QLineEdit()
        self.axes.setMaximumWidth(70)
        self.axes.setToolTip(_AXES_TIP)
        self.axes.setPlaceholderText("axes")
        self.axes.editingFinished.connect(self._on_axes)
        self.shape = label("", "faint")
        self.grey = button(
            "Use a grey copy",
            "Add the brightness of this colour image as a new layer and use that",
            self.bench.make_grey,
        )
        self.add(self.chooser.native)
        self.add_row(label("Axes"), self.axes, self.shape, stretch=2)
        self.add(self.grey)
        self.connections.connect(self.bench.layers.chosen_changed, self._reset)
        self._reset()

    def render_state(self, state: State) -> None:
        """Show the image."""
        image = state.image
        self.axes.setEnabled(image is not None and image.open)
        if not self.axes.hasFocus():
            self.axes.setText(image.axes if image else "")
            self._mark(image is None or "image" not in state.problems)
        self.shape.setText(_describe(image))
        self.grey.setVisible(_is_colour(image, state))

    def _choices(self, _widget: object) -> list[tuple[str, object]]:
        return [(layer.name, layer) for layer in self.bench.layers.choices]

    def _reset(self) -> None:
        with self.chooser.changed.blocked():
            self.chooser.reset_choices()
            self.chooser.value = self.bench.layers.chosen

    def _on_chosen(self) -> None:
        self.bench.layers.choose(self.chooser.value)

    def _on_axes(self) -> None:
        try:
            self.session.images.set_axes(self.axes.text().strip())
        except InputError as error:
            self._mark(False)
            self.session.report("image", error)

    def _mark(self, valid: bool) -> None:
        """Colour the axes by whether they fit."""
        set_look(self.axes, "valid", str(valid).lower())


def _describe(image: ImageState | None) -> str:
    return " x ".join(f"{n:,}" for n in image.shape) if image else ""


def _is_colour(image: ImageState | None, state: State) -> bool:
    """Whether it is a colour image that the model wants grey."""
    if image is None or state.model is None or "C" not in image.axes:
        return False
    channels = image.shape[image.axes.index("C")]
    return channels in (3, 4) and state.model.channels == 1

"""Correct what the model got wrong, accept what it got right."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QStackedWidget

from napari_unet.core.subject import Task
from napari_unet.gui.keys import Keys, hint
from napari_unet.gui.overlay import ACCEPTED_COLOR, CORRECTED_COLOR
from napari_unet.gui.panels.brushes import ClassBrushes, ValueBrush
from napari_unet.gui.panels.panel import (
    Panel,
    SteadyText,
    allow,
    button,
    label,
)
from napari_unet.session.current import percent
from napari_unet.session.state import ImageState, State

_TOOLS: dict[Task, str] = {
    "instances": "In the labels layer: paint 2, erase 1, fill 4, pick 5, undo Ctrl+Z",
    "classes": "In the classes layer: paint 2, erase 1, fill 4, pick 5, undo Ctrl+Z",
    "regression": "In the marks layer: paint 2, erase 1, fill 4, pick 5, undo Ctrl+Z",
}
_TOOLS_TIP: dict[Task, str] = {
    "instances": (
        "Choose the labels layer and correct with napari's tools: brush (2), eraser "
        "(1), polygon (3), fill (4), picker (5), undo (Ctrl+Z), new label (M). What "
        "you touch is verified: no prediction and no training changes it any more."
    ),
    "classes": (
        "Choose a class below and paint it with napari's tools: brush (2), eraser (1: "
        "the first class), polygon (3), fill (4), picker (5), undo (Ctrl+Z). What you "
        "paint is verified: no prediction and no training changes it any more. So is "
        "what has that class already; Accept verifies all that is in view."
    ),
    "regression": (
        "Choose a value below and mark pixels that have it, with napari's tools: brush "
        "(2), eraser (1), polygon (3), fill (4), picker (5), undo (Ctrl+Z). Training "
        "learns from marks and from accepted values."
    ),
}
_EMPTY_TIP = "Add an empty layer, to paint without a prediction"


class CorrectPanel(Panel):
    """Accept objects, and see what is verified."""

    title = "Correct"
    place = "correct"

    def build(self) -> None:
        """Make the controls."""
        self.tools = SteadyText("faint", lines=2)
        self.classes = ClassBrushes(self.bench.layers.paint_with)
        self.value = ValueBrush(self.bench.mark_with)
        self.empty = button("Paint without a prediction", _EMPTY_TIP, self._on_empty)
        self.accept_view = button(
            "Accept view",
            hint("Everything in view is right: it becomes verified", Keys.ACCEPT_VIEW),
            self.bench.accept_view,
            primary=True,
        )
        self.accept_object = button(
            "Accept object",
            "The object that is picked (5) is right: it becomes verified",
            self.bench.accept_object,
        )
        self.overlay = QCheckBox("Show verified")
        self.overlay.setToolTip("Accepted pixels blue, corrected pixels orange")
        self.overlay.toggled.connect(self.bench.layers.show_verified)
        self.legend = label(
            f'<span style="color:{ACCEPTED_COLOR}">■</span> accepted '
            f'<span style="color:{CORRECTED_COLOR}">■</span> corrected',
            "faint",
        )
        self.counts = SteadyText()
        # One place for both, so that nothing moves when labels arrive.
        self.start = QStackedWidget()
        self.start.addWidget(self.empty)
        self.start.addWidget(self.tools)
        self.add(self.start)
        self.add(self.classes)
        self.add(self.value)
        self.add_row(self.accept_view, self.accept_object)
        self.add_row(self.overlay, self.legend)
        self.add(self.counts)
        self.connections.connect(self.bench.layers.brush_changed, self._on_brush)

    def render_state(self, state: State) -> None:
        """Show how much is verified."""
        image = state.image
        labelled = image is not None and image.has_labels
        self.start.setCurrentWidget(self.tools if labelled else self.empty)
        self._show_task(state, labelled)
        allow(self.empty, state.why_not_paint)
        allow(self.accept_view, state.why_not_accept)
        allow(self.accept_object, state.why_not_accept_object)
        self.overlay.setEnabled(labelled)
        self.overlay.setChecked(self.bench.layers.verified_shown)
        self.counts.show_text(_counts(image))

    def _show_task(self, state: State, labelled: bool) -> None:
        """Show the brushes of the task, and how its layer is painted in."""
        image, model = state.image, state.model
        # What an image holds is known when it is open.
        known = image if image is not None and image.open else model
        task = known.task if known is not None else "instances"
        if model is not None:
            self.classes.show_classes(model.classes)
            self.value.show_variables(model.variables)
        self.tools.show_text(_TOOLS[task], _TOOLS_TIP[task])
        self.classes.setVisible(task == "classes")
        self.value.setVisible(task == "regression")
        self.classes.setEnabled(labelled)
        self.value.setEnabled(labelled)
        self.accept_object.setVisible(task == "instances")
        if labelled:
            self._on_brush(self.bench.layers.selected_object)

    def _on_brush(self, number: int) -> None:
        """Show what the brush paints, however that was chosen."""
        self.classes.choose(number)
        if mark := self.bench.layers.mark(number):
            self.value.show_mark(mark)

    def _on_empty(self) -> None:
        self.session.start_empty()


def _counts(image: ImageState | None) -> str:
    if image is None or not image.has_labels:
        return ""
    share = percent(image.verified_share)
    if image.task != "instances":
        return f"{share} of pixels verified"
    counts = f"{image.verified_objects:,} of {image.objects:,} objects verified"
    return f"{counts} ({share} of pixels)" if image.verified_share else counts

"""Correct what the model got wrong, accept what it got right."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtWidgets import (
    QAbstractButton,
    QAction,
    QCheckBox,
    QMenu,
    QPushButton,
    QStackedWidget,
)

from napari_unet.annotation.edit import tools
from napari_unet.annotation.schema import INSTANCES
from napari_unet.gui.keys import NEXT, hint
from napari_unet.gui.overlays import ACCEPTED_COLOR, CORRECTED_COLOR
from napari_unet.gui.panels.brushes import ClassBrushes, ValueBrush
from napari_unet.gui.panels.over_time import OverTime
from napari_unet.gui.panels.panel import (
    Label,
    Panel,
    SteadyText,
    allow,
    button,
    entry,
)
from napari_unet.gui.panels.planes import Planes
from napari_unet.gui.panels.strokes import StrokeOptions
from napari_unet.gui.panels.tool_rows import ToolRows
from napari_unet.session.images.status import ImageState
from napari_unet.session.state import State
from napari_unet.session.status import EffortState
from napari_unet.tasks import task_of
from napari_unet.tasks.labeling import Brush
from napari_unet.tasks.task import percent

_TOOLS = "In '{}': paint 2, erase 1, fill 4, pick 5, undo Ctrl+Z"
_IN_HAND = "{}; Esc ends"
_EMPTY = "Paint without a prediction"
_EARLIER = "Show the earlier work"
_USE_LABELS_TIP = (
    "Take the labels of the selected layer over into the layer that is kept; Ctrl+Z "
    "takes that back"
)
_TO_CORRECT_TIP = (
    "As a prediction: nothing of it is verified until you correct or accept it, and "
    "what is verified already stays"
)
_ALL_RIGHT_TIP = (
    "As if you had painted them: what differs from what is here becomes verified, and "
    "is learned from"
)
_EMPTY_TIP = "Add an empty layer, to paint without a prediction"
_OBJECTS_TIP = "List all objects with their sizes, shapes and grey values"
_NEXT_TIP = (
    "Go to where the model contradicts itself most, and to what looks new; by chance "
    "until that is known. After the last view it goes to the next image of the list"
)
_SPENT_TIP = "Views that were accepted; pauses of more than 20 s are not counted"
_OVERLAY_TIP = "A blue line round what is accepted, an orange one round corrections"
_START_OVER_TIP = (
    "Clear all labels of this image. A copy of the work so far is kept, and Ctrl+Z "
    "takes it back"
)


class CorrectPanel(Panel):
    """Accept objects, and see what is verified."""

    title = "Correct"
    place = "correct"

    def _build(self) -> None:
        self._how_to_paint = ("", "")
        self.tools = SteadyText("faint", lines=2)
        self.classes = ClassBrushes(self.bench.layers.paint_with)
        self.value = ValueBrush(self.bench.mark_with)
        self.empty = button(_EMPTY, _EMPTY_TIP, self.session.correcting.start_empty)
        self.use_labels = self._make_use_labels()
        decisions = self._make_tools()
        self.overlay = QCheckBox("Show verified")
        self.overlay.setToolTip(
            "Lines round objects: solid where they are accepted (blue) or corrected "
            "(orange), dashed where they are only predicted"
        )
        self.overlay.toggled.connect(self.bench.layers.show_verified)
        self.legend = Label(
            f'<span style="color:{ACCEPTED_COLOR}">■</span> accepted '
            f'<span style="color:{CORRECTED_COLOR}">■</span> corrected',
            "faint",
        )
        self.counts = SteadyText()
        # One place for both, so that nothing moves when labels arrive.
        self.start = QStackedWidget()
        self.start.addWidget(self.empty)
        self.start.addWidget(self.tools)
        self.add(self.start, self.use_labels, self.classes, self.value)
        self.add_row(*decisions, self.more)
        self._make_rows()
        self.strokes = StrokeOptions(self.bench.brush, self.connections)
        self.planes = Planes(self.bench, self.connections)
        self.add(self.drawing_tools, self.planes, self.plane_tools)
        self.add(self.over_time, self.strokes)
        self.add_row(self.overlay, self.legend)
        self.add(self.counts)
        self.next = button(
            "Next view", hint(_NEXT_TIP, NEXT), self.session.guiding.next
        )
        list_objects = self.bench.objects_wanted.emit
        self.objects = button("Objects…", _OBJECTS_TIP, list_objects)
        self.spent = SteadyText("faint")
        self.advice = SteadyText("faint", lines=2)
        self.add_row(self.next, self.objects, self.spent, stretch=(2,))
        self.add(self.advice)
        brush_changed = self.bench.layers.results.brush_changed
        self.connections.connect(brush_changed, self._on_brush)

    def _make_tools(self) -> list[QPushButton]:
        """Offer the tools that draw nothing, some of them behind one button."""
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.edits: dict[str, QAbstractButton | QAction] = {}
        buttons = []
        for name, (tool, _) in tools().items():
            use = partial(self.bench.tools.use, name)
            if tool.in_hand or tool.needs == "plane":
                continue  # in rows of their own
            if tool.seldom:
                title = hint(tool.title, tool.key)
                self.edits[name] = entry(self.menu, title, tool.tip, use)
                continue
            tip, role = hint(tool.tip, tool.key), "primary" if tool.primary else ""
            buttons.append(button(tool.title, tip, use, role=role))
            self.edits[name] = buttons[-1]
        self._make_menu()
        return buttons

    def _make_rows(self) -> None:
        """Offer the tools that draw, that go from plane to plane, and that name."""
        use = self._use_in_hand
        self.drawing_tools = ToolRows(
            lambda tool: tool.in_hand and not tool.in_time, use, per_row=6
        )
        self.plane_tools = ToolRows(
            lambda tool: tool.needs == "plane" and not tool.in_time, use, per_row=2
        )
        self.over_time = OverTime(self.session, use)
        for rows in (self.drawing_tools, self.plane_tools, self.over_time):
            self.edits |= rows.buttons
        self.connections.connect(
            self.bench.tools.lines.changed, self._show_tool_in_hand
        )

    def _use_in_hand(self, name: str) -> None:
        self.bench.tools.use(name)
        self._show_tool_in_hand()  # Qt has pressed the button, whether it was refused

    def _make_use_labels(self) -> QPushButton:
        """Offer the labels of another program, the safe way first."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        correct, keep = (
            partial(self.bench.use_labels, right=right) for right in (False, True)
        )
        self.ways = (
            entry(menu, "To be corrected", _TO_CORRECT_TIP, correct),
            entry(menu, "As they are: all right", _ALL_RIGHT_TIP, keep),
        )
        menu.setDefaultAction(self.ways[0])
        made = QPushButton()
        made.setToolTip(_USE_LABELS_TIP)
        made.setMenu(menu)
        return made

    def _make_menu(self) -> None:
        """Put what is wanted now and then behind one button."""
        self.menu.addSeparator()
        start_over = self.session.correcting.start_over
        self.start_over = entry(self.menu, "Start over", _START_OVER_TIP, start_over)
        self.earlier = QMenu("Earlier work", self)
        bring_back: Any = self.menu.addMenu(self.earlier)
        bring_back.setProperty("tip", "Bring back a copy that Start over has kept")
        self.bring_back = bring_back
        self._copies: tuple[tuple[int, str], ...] = ()
        self.more = QPushButton("More")
        self.more.setToolTip("Un-verify, start over, bring earlier work back")
        self.more.setMenu(self.menu)

    def _render(self, state: State) -> None:
        image = state.image
        labelled = image is not None and image.has_labels
        self.start.setCurrentWidget(self.tools if labelled else self.empty)
        stranger = state.target.stranger
        self.use_labels.setVisible(bool(stranger and image and image.open))
        self.use_labels.setText(f"Use the labels of '{stranger}'")
        for way in self.ways:
            allow(way, state.why_not_change)
        self._show_task(state, labelled)
        allow(self.empty, state.why_not_paint)
        for name, control in self.edits.items():
            allow(control, state.why_not_do(name))
        self.planes.show_state(state)
        self.over_time.show_state(state)
        allow(self.start_over, state.why_not_start_over)
        self._show_earlier(image.snapshots if image else (), state)
        self.empty.setText(_EARLIER if image and image.worked_on else _EMPTY)
        self.overlay.setEnabled(labelled)
        shown = self.bench.layers.results.current
        self.overlay.setChecked(shown is not None and shown.verified_shown)
        self.counts.show_text(_counts(image))
        allow(self.next, state.why_not_go_on)
        spent = _spent(state.effort)
        self.spent.show_text(spent, f"{spent}. {_SPENT_TIP}" if spent else "")
        self.advice.show_text(state.effort.advice if labelled else "")

    def _show_task(self, state: State, labelled: bool) -> None:
        """Show the brushes of the task, and how its layer is painted in."""
        image, model = state.image, state.model
        # What an image holds is known when it is open.
        known = image if image is not None and image.open else model
        task = task_of(known or INSTANCES)
        if model is not None:
            self.classes.show_classes(model.classes)
            self.value.show_variables(model.variables)
        self._how_to_paint = (_TOOLS.format(state.target.labels), task.words.painting)
        self._show_tool_in_hand()
        self.classes.setVisible(task.labels.brush is Brush.CLASS)
        self.value.setVisible(task.labels.brush is Brush.VALUE)
        self.strokes.offer_objects(task.labels.objects)
        self.classes.setEnabled(labelled)
        self.value.setEnabled(labelled)
        for name, (tool, _) in tools().items():
            if tool.for_objects and name in self.edits:
                self.edits[name].setVisible(task.labels.objects)
        planes = image is not None and image.has_planes
        self.plane_tools.setVisible(planes and task.labels.objects)
        frames = image is not None and image.has_frames
        self.over_time.setVisible(frames and task.labels.objects)
        if labelled:
            self._on_brush(self.bench.layers.selected_object)

    def _show_tool_in_hand(self) -> None:
        """Say what to do with it, or how to paint where there is none."""
        in_hand = self.bench.tools.lines.tool
        for name, (tool, _) in tools().items():
            if tool.in_hand and name in self.edits:
                self.edits[name].setChecked(name == in_hand)
        if in_hand:
            tool, _ = tools()[in_hand]
            self.tools.show_text(_IN_HAND.format(tool.gesture))
        else:
            self.tools.show_text(*self._how_to_paint)

    def _on_brush(self, number: int) -> None:
        """Show what the brush paints, however that was chosen."""
        self.classes.choose(number)
        if mark := self.bench.layers.mark(number):
            self.value.show_mark(mark)

    def _show_earlier(self, copies: tuple[tuple[int, str], ...], state: State) -> None:
        """Offer the copies that are kept, the newest first."""
        allow(self.bring_back, state.why_not_bring_back)
        if copies == self._copies:
            return
        self._copies = copies
        self.earlier.clear()
        for number, words in copies:
            bring_back = partial(self.session.correcting.bring_back, number)
            entry(self.earlier, words, "", bring_back)


def _spent(effort: EffortState) -> str:
    if not effort.views:
        return ""
    views = f"{effort.views:,} view{'s' if effort.views > 1 else ''}"
    return f"{views} in {effort.minutes or 'under 1'} min"


def _counts(image: ImageState | None) -> str:
    if image is None or not image.has_labels:
        return ""
    share = percent(image.verified_share)
    if not task_of(image).labels.objects:
        return f"{share} of pixels verified"
    counts = f"{image.verified_objects:,} of {image.objects:,} objects verified"
    return f"{counts} ({share} of pixels)" if image.verified_share else counts

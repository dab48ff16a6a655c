"""What all panels have in common, and the controls that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAction,
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_unet.gui.connections import Connections
from napari_unet.gui.workbench import Workbench
from napari_unet.session.state import State
from napari_unet.session.status import Place, Problem

Entry: TypeAlias = tuple[str, Any, str]
"""What is shown, what it stands for, and a tip."""

_AROUND_LINES = 8
"""Pixels that a label keeps free above and below several lines."""


class Panel(QWidget):
    """One section of the dock: controls, and what went wrong with them.

    It is `titled` where it does not stand alone. What is in its `foot` stays in sight
    at the foot of the dock, while all else scrolls. One that `grows` takes what is left
    of the height of its page.
    """

    title: ClassVar[str]
    place: ClassVar[Place]
    grows: ClassVar[bool] = False

    def __init__(self, bench: Workbench, *, titled: bool = False) -> None:
        super().__init__()
        self.bench = bench
        self.session = bench.session
        self.connections = Connections()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.foot: QWidget | None = None
        self._heading = Label(self.title, "title")
        self._titled = titled
        self.add(self._heading)
        self.show_heading(True)
        self.problem = ProblemLine()
        self._build()
        if self.foot is None:
            self.add(self.problem)

    def _build(self) -> None:
        """Make the controls."""
        raise NotImplementedError

    def _render(self, state: State) -> None:
        """Show a state in the controls."""
        raise NotImplementedError

    def is_busy(self, state: State) -> bool:  # noqa: ARG002
        """Whether something goes on that is shown nowhere but here."""
        return False

    def show_state(self, state: State) -> None:
        """Show a state, with the problem that belongs here."""
        self._render(state)
        self.problem.show_problem(state.problems.get(self.place))

    def show_heading(self, wanted: bool) -> None:
        """Show the title, if there is one, or leave it out where nothing is below."""
        self._heading.setVisible(wanted and self._titled)

    def add(self, *widgets: QWidget, stretch: int = 0) -> None:
        """Put widgets below what is there; those that stretch take what is left."""
        for widget in widgets:
            self._column.addWidget(widget, stretch)

    def add_foot(self, *widgets: QWidget, below: QWidget | None = None) -> None:
        """Put widgets side by side at the foot, and above them what went wrong."""
        self.foot = QWidget()
        column = QVBoxLayout(self.foot)
        column.setContentsMargins(2, 0, 8, 0)
        column.setSpacing(4)
        column.addWidget(self.problem)
        column.addLayout(row(*widgets))
        if below is not None:
            column.addWidget(below)

    def add_row(self, *widgets: QWidget, stretch: tuple[int, ...] = (0,)) -> None:
        """Put widgets side by side, as `row` does."""
        self._column.addLayout(row(*widgets, stretch=stretch))


class Label(QLabel):
    """Words in the colour of a role; those that wrap take the width that there is."""

    def __init__(self, text: str = "", role: str = "", *, wrap: bool = False) -> None:
        super().__init__(text)
        self.setProperty("role", role)
        self.setWordWrap(wrap)
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)

    def show_text(self, text: str) -> None:
        """Show a text, or nothing at all."""
        self.setText(text)
        self.setVisible(bool(text))


class ProblemLine(QWidget):
    """What went wrong, in words; the details can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self._details = ""
        self.words = Label("", "error", wrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        tip = "Copy what a developer needs to know"
        self.copy = button("Copy details", tip, self._on_copy, kind=QToolButton)
        line = row(self.words, self.copy, on=self)
        line.setAlignment(self.copy, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_problem(self, problem: Problem | None) -> None:
        """Show a problem, or nothing."""
        if problem is not None:
            self.words.setText(problem.text)
            self._details = problem.details
            self.copy.setVisible(bool(problem.details))
        self.setVisible(problem is not None)

    def _on_copy(self) -> None:
        if clipboard := QApplication.clipboard():
            clipboard.setText(self._details)


class DismissibleNote(QFrame):
    """Something that a person must read, until they say that they have."""

    def __init__(self, on_read: Callable[[], object]) -> None:
        super().__init__()
        self.setProperty("role", "notice")
        self.words = Label(wrap=True)
        self.read = button("OK", "I have read this", on_read)
        line = row(self.words, self.read, on=self)
        line.setContentsMargins(8, 6, 6, 6)
        line.setAlignment(self.read, Qt.AlignmentFlag.AlignTop)

    def show_text(self, text: str) -> None:
        """Show a text, or nothing at all."""
        self.words.setText(text)
        self.setVisible(bool(text))


class SteadyText(QElidingLabel):
    """Words in a place of so many lines, whatever they say: nothing moves by them.

    What there is no room for is in the tooltip.
    """

    def __init__(self, role: str = "", lines: int = 1) -> None:
        super().__init__()
        self._lines = lines
        self.setProperty("role", role)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setWordWrap(lines > 1)
        if lines > 1:
            self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str, tip: str = "") -> None:
        """Show a text, with all of it in the tooltip unless that says more."""
        self.setText(text)
        self.setToolTip(tip or text)

    def sizeHint(self) -> QSize:
        """Return the place for all lines."""
        around = 2 if self._lines == 1 else _AROUND_LINES
        return QSize(0, self._lines * self.fontMetrics().lineSpacing() + around)

    def minimumSizeHint(self) -> QSize:
        """Return the same: no line is given up."""
        return self.sizeHint()

    def hasHeightForWidth(self) -> bool:
        """Return that the words have no say in it."""
        return False


class Choices(QComboBox):
    """A box to choose from.

    The width of a `steady` one has nothing to do with the words in it.
    """

    chosen = Signal(object)  # what an entry stands for, when a person chooses it

    def __init__(self, tip: str, *, steady: bool = False) -> None:
        super().__init__()
        self._offered: tuple[Entry, ...] = ()
        self.setToolTip(tip)
        if steady:
            self.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self.activated.connect(self._on_activated)

    def offer(self, entries: Sequence[Entry]) -> bool:
        """Offer these entries; return whether they were others before."""
        if tuple(entries) == self._offered:
            return False
        self._offered = tuple(entries)
        self.clear()
        for place, (words, value, tip) in enumerate(entries):
            self.addItem(words, value)
            self.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        return True

    def show_choice(self, value: object) -> None:
        """Show which entry is chosen, by what it stands for."""
        self.setCurrentIndex(self.findData(value))

    def _on_activated(self, index: int) -> None:
        self.chosen.emit(self.itemData(index))


def row(
    *widgets: QWidget, stretch: tuple[int, ...] = (0,), on: QWidget | None = None
) -> QHBoxLayout:
    """Return widgets side by side, as the layout of a widget if one is given.

    Those with these numbers share what is left of the width.
    """
    made = QHBoxLayout(on)
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(6)
    for index, widget in enumerate(widgets):
        made.addWidget(widget, int(index in stretch))
    return made


def button(
    text: str,
    tip: str,
    on_click: Callable[[], object],
    *,
    role: str = "",
    kind: type[QAbstractButton] = QPushButton,
) -> Any:
    """Return a button; the "primary" one of a panel looks like it."""
    made = kind()
    made.setText(text)
    made.setToolTip(tip)
    made.setProperty("tip", tip)
    made.setProperty("role", role)
    made.clicked.connect(_without_arguments(on_click))
    return made


def entry(menu: QMenu, text: str, tip: str, on_chosen: Callable[[], object]) -> Any:
    """Return a new entry of a menu."""
    made = QAction(text, menu)
    made.setProperty("tip", tip)
    made.triggered.connect(_without_arguments(on_chosen))
    menu.addAction(made)
    return made


def _without_arguments(call: Callable[[], object]) -> Callable[..., None]:
    """Return a slot that leaves out what Qt says, such as whether a button is down."""

    def slot(*_: object) -> None:
        call()

    return slot


def allow(widget: QAbstractButton | QAction, why_not: str) -> None:
    """Enable a button or an entry, or disable it and say why in its tooltip."""
    widget.setEnabled(not why_not)
    widget.setToolTip(why_not or widget.property("tip"))


def set_look(widget: QWidget, name: str, value: str) -> None:
    """Set a property that the style sheet looks at."""
    style = widget.style()
    if widget.property(name) != value and style is not None:
        widget.setProperty(name, value)
        style.unpolish(widget)
        style.polish(widget)

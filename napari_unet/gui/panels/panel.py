"""What all panels have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QAction,
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_unet.gui.workbench import Workbench
from napari_unet.session.state import State
from napari_unet.session.status import Place, Problem

_AROUND_LINES = 8
"""Pixels that a label keeps free above and below several lines."""


class Panel(QWidget):
    """One section of the dock: a title, controls, and what went wrong with them.

    Parameters
    ----------
    number : int, optional
        Its place in the workflow; 0 where it stands alone.
    """

    title: ClassVar[str]
    place: ClassVar[Place]
    numbered: ClassVar[bool] = True

    def __init__(self, bench: Workbench, number: int = 0) -> None:
        super().__init__()
        self.bench = bench
        self.session = bench.session
        self.connections = Connections()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        if number:
            self._column.addWidget(label(f"{number}  {self.title}", "title"))
        self.build()
        self.problem = ProblemLine()
        self._column.addWidget(self.problem)

    def build(self) -> None:
        """Make the controls."""
        raise NotImplementedError

    def render_state(self, state: State) -> None:
        """Show a state in the controls."""
        raise NotImplementedError

    def show_state(self, state: State) -> None:
        """Show a state, with the problem that belongs here."""
        self.render_state(state)
        self.problem.show_problem(state.problems.get(self.place))

    def add(self, widget: QWidget) -> None:
        """Put a widget below what is there."""
        self._column.addWidget(widget)

    def add_row(self, *widgets: QWidget, stretch: int | None = 0) -> None:
        """Put widgets side by side; the one numbered `stretch` takes what is left.

        All share it where that is None.
        """
        row = QHBoxLayout()
        row.setSpacing(6)
        for index, widget in enumerate(widgets):
            row.addWidget(widget, int(stretch in (index, None)))
        self._column.addLayout(row)


class Connections:
    """Signals that outlive a widget; let go of when it is destroyed."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, Callable[..., object]]] = []

    def connect(self, signal: Any, callback: Callable[..., object]) -> None:
        """Connect until `close`."""
        signal.connect(callback)
        self._made.append((signal, callback))

    def close(self, *_: object) -> None:
        """Disconnect everything."""
        for signal, callback in self._made:
            signal.disconnect(callback)
        self._made.clear()


class ProblemLine(QWidget):
    """What went wrong, in words; the details can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self._details = ""
        self.words = label("", "error", wrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = QToolButton()
        self.copy.setText("Copy details")
        self.copy.setToolTip("Copy what a developer needs to know")
        self.copy.clicked.connect(self._on_copy)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)
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
        self.words = label("", wrap=True)
        self.read = button("OK", "I have read this", on_read)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 6, 6)
        row.addWidget(self.words, 1)
        row.addWidget(self.read, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_text(self, text: str) -> None:
        """Show a text, or nothing."""
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


def label(text: str, role: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label; its role decides about its colour."""
    made = QLabel(text)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    if wrap:
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        made.setSizePolicy(policy)
    return made


def button(
    text: str, tip: str, on_click: Callable[[], object], *, primary: bool = False
) -> QPushButton:
    """Return a button; the primary one of a panel looks like it."""
    made = QPushButton(text)
    made.setToolTip(tip)
    made.setProperty("tip", tip)
    if primary:
        made.setProperty("role", "primary")

    def click() -> None:
        on_click()

    made.clicked.connect(click)
    return made


def allow(widget: QPushButton | QAction, why_not: str) -> None:
    """Enable a button or an entry, or disable it and say why in its tooltip."""
    widget.setEnabled(not why_not)
    widget.setToolTip(why_not or widget.property("tip"))


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget the look of a role."""
    set_look(widget, "role", role)


def set_look(widget: QWidget, name: str, value: str) -> None:
    """Set a property that the style sheet looks at."""
    style = widget.style()
    if widget.property(name) != value and style is not None:
        widget.setProperty(name, value)
        style.unpolish(widget)
        style.polish(widget)

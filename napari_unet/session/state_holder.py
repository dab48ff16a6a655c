"""The one place where the state changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psygnal import Signal

from napari_unet.session.current import without_stale_words
from napari_unet.session.state import Place, Problem, State


class StateHolder:
    """Holds the current state and tells when it changes.

    Attributes
    ----------
    changed : Signal(State)
        There is a new state.
    """

    changed = Signal(State)

    def __init__(self) -> None:
        self._state = State()

    @property
    def state(self) -> State:
        """The current state."""
        return self._state

    def update(self, **changes: Any) -> None:
        """Replace fields of the state by name; what is true no more goes with them."""
        if "message" in changes:
            changes.setdefault("about", ())
        state = without_stale_words(
            self._state, replace(self._state, **changes), changes
        )
        if state != self._state:
            self._state = state
            self.changed.emit(state)

    def report(self, place: Place, error: Exception) -> None:
        """Tell a problem beside the controls it belongs to."""
        problem = Problem.of(error)
        self.update(
            problems={**self._state.problems, place: problem},
            message=problem.text,
            about=(),
        )

    def clear(self, *places: Place) -> None:
        """Forget the problems of these places."""
        left = {k: v for k, v in self._state.problems.items() if k not in places}
        self.update(problems=left)

"""Problems that nobody would see, as the dock is hidden: napari tells them, once."""

from __future__ import annotations

from napari.utils.notifications import show_warning

from napari_unet.session.state import State


class Notices:
    """Tells problems outside of the dock, where they are not in sight in it."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()

    def show(self, state: State, *, in_sight: bool) -> None:
        """Tell what is new in a state; what is seen in the dock needs no telling."""
        words = {problem.text for problem in state.problems.values()}
        if state.save.failed:
            words.add(state.save.text)
        new, self._known = words - self._known, frozenset(words)
        if not in_sight:
            for each in sorted(new):
                show_warning(each)

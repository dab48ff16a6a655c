"""What a person did since the last view was finished, and how long it took.

A fold over the changes of an annotation, in the moment in which they happen: the same
that a journal gets.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.annotation.change import Change
from napari_unet.geometry.box import Box

IDLE_SECONDS = 20.0
"""Who does nothing for longer is away: that time is not counted."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke that was not taken back: where it is, and which labels it is about."""

    box: Box
    about: frozenset[int]


class Pace:
    """Counts what was corrected, and the time that a person spent.

    Attributes
    ----------
    seconds : float
        What was spent since the last view was finished.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._last: float | None = None
        self._strokes: dict[int, Stroke] = {}
        self._taken_back: dict[int, Stroke] = {}

    def look(self, now: float) -> None:
        """Note that the person is there, at a time in seconds."""
        if self._last is not None and 0 <= now - self._last <= IDLE_SECONDS:
            self.seconds += now - self._last
        self._last = now

    def note(self, change: Change, now: float) -> None:
        """Note a change; what the program does on its own is none of the person's."""
        if change.kind in ("settle", "predict"):
            return
        self.look(now)
        number = change.stroke
        if change.kind == "undo" and number in self._strokes:
            self._taken_back[number] = self._strokes.pop(number)
        elif change.kind == "redo" and number in self._taken_back:
            self._strokes[number] = self._taken_back.pop(number)
        elif change.kind == "edit":
            self._taken_back.clear()
            # The stroke is the last part; those before it were settled right before.
            part = change.parts[-1]
            painted = frozenset(part.after[0::2].tolist()) - {0}
            erased = frozenset(part.before[0::2].tolist()) - {0}
            self._strokes[number] = Stroke(part.bounds, painted or erased)

    def finish(self, box: Box) -> tuple[float, int, frozenset[int]]:
        """Return what a view took that is finished, and begin anew.

        Returns
        -------
        float
            Seconds.
        int
            Strokes in the view.
        frozenset of int
            The labels that these were about: the objects that were corrected.
        """
        inside = {
            number: stroke
            for number, stroke in self._strokes.items()
            if not stroke.box.intersect(box).empty
        }
        for number in inside:
            del self._strokes[number]
        seconds, self.seconds = self.seconds, 0.0
        about = (stroke.about for stroke in inside.values())
        return seconds, len(inside), frozenset().union(*about)

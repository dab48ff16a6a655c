"""What a person does with the mouse while a tool is in hand becomes an edit."""

from __future__ import annotations

from collections.abc import Callable

from napari_unet.annotation.edit import EDITS, Edit, tools
from napari_unet.errors import InputError
from napari_unet.geometry.line import Line
from napari_unet.session.session import Session


class ToolInHand:
    """Brings lines, boxes and the wheel to the session, by the name of the tool.

    `picked` returns the label that is chosen.
    """

    def __init__(self, session: Session, picked: Callable[[], int]) -> None:
        self._session = session
        self._picked = picked

    def draw(self, name: str, line: Line) -> None:
        """Use a tool where a line was drawn, or clicked."""
        tool, edit = tools()[name]
        if tool.needs == "seed":
            self._session.growing.add(line)
        elif tool.needs == "joint":
            self._do(lambda drawn: edit(drawn, self._picked()), line)
        else:
            self._do(edit, line)

    def box(self, name: str, line: Line) -> None:
        """Use a tool on a box, of which there are two corners."""
        tool, _ = tools()[name]
        self._do(EDITS[tool.boxed], line)

    def turn(self, name: str, line: Line, away: bool) -> bool:
        """Return whether the wheel means something to a tool, where it is turned."""
        tool, _ = tools()[name]
        return tool.needs == "seed" and self._session.growing.resize(line, larger=away)

    def _do(self, edit: Callable[[Line], Edit], line: Line) -> None:
        try:
            self._session.correcting.do(edit(line))
        except InputError as error:
            self._session.report("correct", error)

"""Objects of a time-lapse: followed by their ids, and corrected where that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QPushButton

from napari_unet.gui.keys import FOLLOW, hint
from napari_unet.gui.panels.panel import allow, button
from napari_unet.gui.panels.tool_rows import ToolRows
from napari_unet.session.in_time import why_not_follow, why_not_show_paths
from napari_unet.session.state import State
from napari_unet.session.status import FollowState

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet.session.session import Session

_FOLLOW = "Follow objects"
_FOLLOW_TIP = (
    "Give each object one id in all frames, and find out which divide; verified "
    "objects keep their ids. Ctrl+Z takes it back"
)
_STOP_TIP = "Stop following; all ids stay as they are"
_SHOW_TIP = "Show as lines where objects go, and which came from which"


class OverTime(ToolRows):
    """Two rows: following objects and showing it, and what a person says of ids.

    `use` is called with the name of a tool.
    """

    def __init__(self, session: Session, use: Callable[[str], object]) -> None:
        self._session = session
        self.follow: QPushButton = button(_FOLLOW, "", self._on_follow, role="tool")
        self.paths = QCheckBox("Show tracks")
        self.paths.setProperty("tip", _SHOW_TIP)
        show = session.following.paths.show
        self.paths.clicked.connect(lambda on: show(wanted=bool(on)))
        above = [self.follow, self.paths]
        super().__init__(lambda tool: tool.in_time, use, per_row=4, above=above)

    def show_state(self, state: State) -> None:
        """Show how far it is, and why it is refused if it is."""
        following = state.following
        running = following.progress is not None
        self.follow.setText(_in_words(following))
        tip = _STOP_TIP if running else hint(_FOLLOW_TIP, FOLLOW)
        self.follow.setProperty("tip", tip)
        allow(self.follow, "" if running else why_not_follow(state))
        self.paths.setChecked(following.shown)
        allow(self.paths, "" if following.shown else why_not_show_paths(state))

    def _on_follow(self) -> None:
        if self._session.state.following.progress is None:
            self._session.following.start()
        else:
            self._session.following.cancel()


def _in_words(following: FollowState) -> str:
    now = following.progress
    if now is None:
        return _FOLLOW
    if not now.total:
        return "Stop following"
    return f"Stop (frame {int(now.done):,} of {int(now.total):,})"

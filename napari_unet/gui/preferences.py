"""What a person has set in napari's own preferences: how a window begins.

The manifest says what can be set, napari shows and keeps it (*File > Preferences >
U-Net*, since napari 0.9). In a window the dock has the same controls, and changes
nothing for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import napari.settings

from napari_unet.session.session import Session
from napari_unet.session.status import DEFAULT_MINUTES

_PLUGIN = "napari-unet-live"


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a window begins; where nothing is set, with a model and no more."""

    live: bool = False
    learn_along: bool = False
    minutes: float = DEFAULT_MINUTES

    @classmethod
    def of_napari(cls) -> Preferences:
        """Return what napari keeps, or what is usual where it keeps nothing."""
        read = getattr(napari.settings, "get_plugin_settings", None)
        if read is None:
            return cls()
        try:
            start: Any = read(_PLUGIN).start
        except KeyError:
            return cls()  # napari does not know the plugin, as in a script
        return cls(start.live, start.learn_along, start.minutes)

    def begin(self, session: Session) -> None:
        """Let a session begin like that."""
        session.live.switch(self.live)
        session.learning_along.want(self.learn_along)
        session.set_minutes(self.minutes)

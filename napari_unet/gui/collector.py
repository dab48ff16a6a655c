"""Garbage collection is short, and stays on the main thread while jobs run.

Python collects in whichever thread happens to allocate. In a job that is wrong twice:
a full collection goes through everything that napari and torch have ever made (0.3 s)
with the interpreter locked, so the window stands still; and it may delete objects of
Qt outside the thread that they live in, which crashes. napari itself makes a full
collection whenever a layer goes.
"""

from __future__ import annotations

import gc

from qtpy.QtCore import QObject, QTimer

_TICK_MS = 100
# Every so many ticks everything made since `take_over`, which is little, is collected.
_FULL_TICKS = 600


class Collector(QObject):  # type: ignore[misc, unused-ignore]
    """Collects on a timer of the main thread, between `take_over` and `give_back`.

    What exists at the first `take_over`, and when what was begun there has imported
    what it needs, is set aside (`gc.freeze`) until `close`, which makes full
    collections short. Where the program has switched collection off or has set objects
    aside itself, that is respected.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._owns_switch = self._owns_frozen = self._imported = False
        self._may_set_aside = True
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    def take_over(self) -> None:
        """Begin; may be called again meanwhile."""
        if not self._timer.isActive():
            self._ticks = 0
            self._timer.start()
        self._switch_off()

    def give_back(self) -> None:
        """Leave collection to Python again; what is set aside stays so."""
        self._timer.stop()
        if self._owns_frozen and not self._imported:
            gc.freeze()
            self._imported = True
        if self._owns_switch:
            gc.enable()
        self._owns_switch = False

    def bring_back(self, thing: object) -> None:
        """Set nothing aside until the next `take_over` if this is, which is to go."""
        if self._owns_frozen and not any(each is thing for each in gc.get_objects()):
            self._bring_back_all()

    def close(self) -> None:
        """Leave everything to Python again."""
        self.give_back()
        self._bring_back_all()

    def _bring_back_all(self) -> None:
        if self._owns_frozen:
            gc.unfreeze()
            self._owns_frozen, self._may_set_aside = False, True

    def _switch_off(self) -> None:
        if not gc.isenabled():
            return
        gc.disable()
        self._owns_switch = True
        if self._may_set_aside:
            # Python counts them one by one, so this is asked once.
            self._may_set_aside = False
            self._owns_frozen = gc.get_freeze_count() == 0
            if self._owns_frozen:
                gc.freeze()

    def _tick(self) -> None:
        # Another window may have given back what both had taken over.
        self._switch_off()
        if not self._owns_switch:
            return
        self._ticks += 1
        if self._ticks % _FULL_TICKS == 0:
            gc.collect()
        else:
            self._collect_young()

    def _collect_young(self) -> None:
        """Do what Python would do by itself, up to its middle generation."""
        young, middle, _ = gc.get_count()
        at_young, at_middle, _ = gc.get_threshold()
        if middle > at_middle:
            gc.collect(1)
        elif young > at_young:
            gc.collect(0)

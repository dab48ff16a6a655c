"""Connections of signals that end together, calls at the end, timers that fire once."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QTimer


class Connections:
    """Signals of Qt, psygnal and napari that are disconnected together.

    Those that belong to an owner, such as a layer, can be disconnected alone.
    """

    def __init__(self) -> None:
        self._made: list[tuple[object, Any, Callable[..., object]]] = []

    def __contains__(self, owner: object) -> bool:
        return any(owner is each for each, _, _ in self._made)

    def connect(
        self,
        signal: Any,
        callback: Callable[..., object],
        owner: object = None,
        **how: Any,
    ) -> None:
        """Connect until `forget` or `close`."""
        signal.connect(callback, **how)
        self._made.append((owner, signal, callback))

    def forget(self, owner: object) -> None:
        """Disconnect what belongs to an owner."""
        made, self._made = self._made, [x for x in self._made if x[0] is not owner]
        for each, signal, callback in made:
            if each is owner:
                signal.disconnect(callback)

    def close(self, *_: object) -> None:
        """Disconnect everything."""
        made, self._made = self._made, []
        for _owner, signal, callback in made:
            signal.disconnect(callback)


def call_at_exit(method: Callable[[], Any]) -> Callable[[], None]:
    """Call a method when Python ends, while there are still windows and timers.

    Return what takes that back. It keeps nobody alive.
    """
    kept = weakref.WeakMethod(method)

    def call() -> None:
        found = kept()
        if found is not None:
            found()

    atexit.register(call)
    return lambda: atexit.unregister(call)


def single_shot(
    callback: Callable[[], Any], milliseconds: int, parent: Any = None
) -> QTimer:
    """Return a timer that calls back once whenever it is started."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(callback)
    return timer

"""When another model is to predict what the one before it did."""

from __future__ import annotations

from collections.abc import Callable

REFRESH_SECONDS = 20.0
"""The least time between two predictions that training starts."""


class Refreshing:
    """Whether there is a newer model than the one that predicted, and since when.

    Attributes
    ----------
    wanted : bool
        Whether there is one, due or not.
    asked : bool
        Whether it is the person who wants to see another model.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.wanted = self.asked = False
        self._at = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to predict again with a newer model."""
        return self.wanted and self._clock() >= self._at

    def want(self, *, soon: bool = False) -> None:
        """Ask for another prediction, because there is another model.

        Not more often than every `REFRESH_SECONDS`, unless it shall be soon, because
        the person has asked for it.
        """
        self.wanted = True
        self.asked |= soon
        if soon:
            self.hurry()

    def hurry(self) -> None:
        """Let a refresh that is wanted happen now: training is over."""
        self._at = self._clock()

    def drop(self) -> None:
        """Want no refresh any more: it is on its way."""
        self.wanted = self.asked = False
        self._at = self._clock() + REFRESH_SECONDS

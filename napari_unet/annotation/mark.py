"""What a painted mark says, where values are regressed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """What painted pixels of one number say.

    Parameters
    ----------
    variable : int
        Which variable.
    value : float
        Its value, in its own units.
    """

    variable: int
    value: float

"""On what commands act: what a front end shows of it, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """What Predict and Accept act on, as far as it is a question of what is on screen.

    Parameters
    ----------
    labels : str
        Name of the layer with the labels of the chosen image, if there is one.
    stranger : str
        Name of a labels layer that is selected and that nobody keeps.
    why_not_predict, why_not_accept : str
        Why the command would hit what the person does not look at, or nothing.
    """

    labels: str = ""
    stranger: str = ""
    why_not_predict: str = ""
    why_not_accept: str = ""


NO_TARGET = Target()
"""A front end without layers: commands act on the current image."""

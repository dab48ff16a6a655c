"""Two processes that end with their training, and share Python with no other thread.

A thread that reached the other process, and still has to free what it sent, then gets
to it at the end of Python alone, as on a machine that is busy.
"""

from __future__ import annotations

import os
import sys

import torch
from torch import nn

from napari_unet.learning.processes import met_team
from napari_unet.learning.team import Team
from tests.learning.team_of_two import forked

_SECONDS = 100.0


def learn(team: Team) -> None:
    """Learn a step together, and agree that it is the last."""
    learner = team.learner(nn.Linear(3, 1))
    learner(torch.ones(2, 3)).sum().backward()
    for _ in range(20):
        team.agree(1.0)


def main() -> None:
    """Learn together, and end."""
    sys.setswitchinterval(_SECONDS)
    leads = forked()
    with met_team() as team:
        team.connect("cpu")
        learn(team)
    if leads:
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))


if __name__ == "__main__":
    main()

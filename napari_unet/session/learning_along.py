"""Learning while a person corrects, without being asked each time."""

from __future__ import annotations

from collections.abc import Callable

from napari_unet.session.hub import Hub

ENOUGH = 20
"""Corrections after which a training starts: as many as robots that were measured."""


class LearningAlong:
    """Starts a training after every so many corrections, as long as that is wanted.

    `finetune` starts one. What is corrected while one is going on is learned by it; see
    `napari_unet.session.training`.
    """

    def __init__(self, hub: Hub, finetune: Callable[[], object]) -> None:
        self._hub = hub
        self._finetune = finetune
        self._corrections = 0

    def want(self, wanted: bool) -> None:
        """Begin to do so, or leave it to the person."""
        self._hub.show(learns_along=wanted)

    def note_edit(self) -> None:
        """Note that the person corrected or accepted something."""
        self._corrections += 1

    def note_training(self) -> None:
        """Note that a training begins or ends, and has learned what there was."""
        self._corrections = 0

    def tick(self) -> None:
        """Start a training if it is time; call it often."""
        state = self._hub.state
        wanted = state.learns_along and self._corrections >= ENOUGH
        # What is in the way is said at the button; here nobody has asked.
        if wanted and not state.why_not_finetune:
            self._finetune()

"""Predict, and cancel it."""

from __future__ import annotations

from qtpy.QtWidgets import QProgressBar

from napari_unet.gui.keys import PREDICT, hint
from napari_unet.gui.panels.panel import Panel, allow, button
from napari_unet.gui.panels.settings import SettingsForm
from napari_unet.session.state import State

_STEPS = 1000


class PredictPanel(Panel):
    """Let the model predict the chosen image."""

    title = "Predict"
    place = "predict"

    def build(self) -> None:
        """Make the controls."""
        self.predict = button(
            "Predict",
            hint("Predict the image, first what is in view", PREDICT.shown),
            self.session.predict,
            primary=True,
        )
        self.cancel = button(
            "Cancel", "Stop predicting; what is there stays", self.session.cancel
        )
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self.add_row(self.predict, self.cancel)
        self.add(self.progress)
        self.settings = SettingsForm(self.session.settings)
        self.add(self.settings)

    def render_state(self, state: State) -> None:
        """Show what is predicted."""
        now = state.predicting
        allow(self.predict, state.why_not_predict)
        self.cancel.setEnabled(now is not None and not state.cancelling)
        self.progress.setVisible(now is not None)
        share = now.share if now else None
        # A range of nothing makes the bar run to and fro.
        self.progress.setRange(0, _STEPS if share is not None else 0)
        self.progress.setValue(round((share or 0) * _STEPS))
        self.settings.show_settings(state.settings)

"""Teach the model by what is verified, and go back where that did no good."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_unet.gui.curve import Curve
from napari_unet.gui.keys import TRAIN, hint
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import Choices, Label, Panel, allow, button
from napari_unet.session.state import State

_MINUTES_TIP = (
    "How long to train; it can be stopped at any time without losing the best"
)
_VERSION_TIP = (
    "The model before training and after every round: choose one to go back to it"
)


class FinetunePanel(Panel):
    """Start and stop training, watch it, choose a version."""

    title = "Fine-tune"
    place = "finetune"

    def _build(self) -> None:
        self.minutes = NumberBox(0.1, 600, decimals=1, unit=" min", tip=_MINUTES_TIP)
        self.minutes.valueChanged.connect(self.session.set_minutes)
        self.finetune = button(
            "Fine-tune",
            hint("Learn from everything that is verified", TRAIN),
            lambda: self.session.finetune(self.session.state.minutes),
            role="primary",
        )
        self.stop = button(
            "Stop",
            hint("Stop training; the best model stays", TRAIN),
            self.session.training.stop,
        )
        self._trained = ""
        self.notice = Label("", "faint", wrap=True)
        self.curve = Curve()
        self.curve.hide()
        self.versions = Choices(_VERSION_TIP)
        self.versions.chosen.connect(self.session.activate_version)
        self.save = button("Save model…", "Save it as a model folder", self._on_save)
        self.add_row(self.finetune, self.minutes, self.stop)
        self.add_row(self.versions, self.save)
        # Last, so that no button moves when they come.
        self.add(self.curve, self.notice)
        self.connections.connect(self.session.training.started, self._on_started)
        self.connections.connect(self.session.training.measured, self.curve.add)

    def _render(self, state: State) -> None:
        training = state.training is not None
        allow(self.finetune, state.why_not_finetune)
        self.stop.setEnabled(training and not state.stopping)
        self.minutes.setEnabled(not training)
        self.minutes.show_number(state.minutes)
        self.notice.show_text(state.notice)
        if not training and _name(state) != self._trained:
            # It is another model's.
            self.curve.hide()
        self.versions.offer([(each.text, each.number, "") for each in state.versions])
        self.versions.show_choice(state.version)
        self.versions.setEnabled(len(state.versions) > 1)
        self.save.setEnabled(state.model is not None)

    def _on_started(self) -> None:
        self._trained = _name(self.session.state)
        self.curve.clear()
        self.curve.show()

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save model as a new folder")
        if path:
            self.session.models.save(Path(path))


def _name(state: State) -> str:
    return state.model.name if state.model else ""

"""Teach the model by what is verified, and go back where that did no good."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QComboBox, QFileDialog

from napari_unet.gui.curve import Curve
from napari_unet.gui.keys import TRAIN, hint
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import Panel, allow, button, label
from napari_unet.session.state import State
from napari_unet.session.status import VersionState

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

    def build(self) -> None:
        """Make the controls."""
        self.minutes = NumberBox()
        self.minutes.setRange(0.1, 600)
        self.minutes.setDecimals(1)
        self.minutes.setSuffix(" min")
        self.minutes.setToolTip(_MINUTES_TIP)
        self.minutes.valueChanged.connect(self.session.set_minutes)
        self.finetune = button(
            "Fine-tune",
            hint("Learn from everything that is verified", TRAIN.shown),
            lambda: self.session.finetune(self.session.state.minutes),
            primary=True,
        )
        self.stop = button(
            "Stop",
            hint("Stop training; the best model stays", TRAIN.shown),
            self.session.training.stop,
        )
        self._shown: tuple[VersionState, ...] = ()
        self._trained = ""
        self.notice = label("", "faint", wrap=True)
        self.curve = Curve()
        self.curve.hide()
        self.versions = QComboBox()
        self.versions.setToolTip(_VERSION_TIP)
        self.versions.activated.connect(self._on_version)
        self.save = button("Save model…", "Save it as a model folder", self._on_save)
        self.add_row(self.finetune, self.minutes, self.stop)
        self.add_row(self.versions, self.save)
        # Last, so that no button moves when they come.
        self.add(self.curve)
        self.add(self.notice)
        self.connections.connect(self.session.training.started, self._on_started)
        self.connections.connect(self.session.training.measured, self.curve.add)

    def render_state(self, state: State) -> None:
        """Show the training and the versions."""
        training = state.training is not None
        allow(self.finetune, state.why_not_finetune)
        self.stop.setEnabled(training and not state.stopping)
        self.minutes.setEnabled(not training)
        self.minutes.show_number(state.minutes)
        self.notice.setText(state.notice)
        self.notice.setVisible(bool(state.notice))
        if not training and _name(state) != self._trained:
            # It is another model's.
            self.curve.hide()
        self._fill(state)
        self.versions.setEnabled(len(state.versions) > 1)
        self.save.setEnabled(state.model is not None)

    def _fill(self, state: State) -> None:
        if self._shown != state.versions:
            self._shown = state.versions
            self.versions.clear()
            for version in state.versions:
                self.versions.addItem(version.text, version.number)
        self.versions.setCurrentIndex(self.versions.findData(state.version))

    def _on_started(self) -> None:
        self._trained = _name(self.session.state)
        self.curve.clear()
        self.curve.show()

    def _on_version(self, index: int) -> None:
        self.session.activate_version(self.versions.itemData(index))

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save model as a new folder")
        if path:
            self.session.models.save(Path(path))


def _name(state: State) -> str:
    return state.model.name if state.model else ""

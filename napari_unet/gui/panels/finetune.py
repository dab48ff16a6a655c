"""Teach the model by what is verified, and go back where that did no good."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QCheckBox, QFileDialog, QMenu, QPushButton, QWidget

from napari_unet.exchange import FORMATS
from napari_unet.gui.curve import Curve
from napari_unet.gui.keys import TRAIN, hint
from napari_unet.gui.panels.compare import CompareRow
from napari_unet.gui.panels.number_box import NumberBox
from napari_unet.gui.panels.panel import Label, Panel, allow, button, entry, row
from napari_unet.gui.panels.versions import VersionList
from napari_unet.project.manifest import LEAST_MINUTES, MOST_MINUTES
from napari_unet.session.learning_along import ENOUGH
from napari_unet.session.models.status import VersionState
from napari_unet.session.state import State

_MINUTES_TIP = (
    "How long to train; it can be stopped at any time without losing the best"
)
_ALONG_TIP = (
    f"Fine-tune starts by itself after every {ENOUGH} corrections; a better model goes "
    "live as ever, and nothing that you have verified is changed"
)
_USE_TIP = "Predict with this version of the model from now on"
_COMPARE_TIP = (
    "Show what this version would predict in the place of what is shown now, and "
    "change nothing"
)
_UNDO_TIP = "Bring the version back that was deleted last; until the window is closed"
_EXPORT_TIP = (
    "Write what predicts for other programs: a package for Fiji, ilastik, QuPath and "
    "the BioImage Model Zoo, or ONNX"
)
_STOP_TIP = "Stop exporting the model; nothing is left of it"
_NO_VERSION = "Choose a version in the list first."


class FinetunePanel(Panel):
    """Start and stop training, watch it, choose a version."""

    title = "Fine-tune"
    place = "finetune"

    def _build(self) -> None:
        self.minutes = NumberBox(
            LEAST_MINUTES, MOST_MINUTES, decimals=1, unit=" min", tip=_MINUTES_TIP
        )
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
        self.add_foot(self.finetune, self.minutes, self.stop)
        self.along = QCheckBox("Learn while I correct")
        self.along.setToolTip(_ALONG_TIP)
        self.along.toggled.connect(self.session.learning_along.want)
        self.add(self.along)
        self._build_versions()
        # Last, so that no button moves when they come.
        self.add(self.curve, self.notice)
        self.connections.connect(self.session.training.started, self._on_started)
        self.connections.connect(self.session.training.measured, self.curve.add)

    def is_busy(self, state: State) -> bool:
        """Whether a model learns, or leaves."""
        return state.training is not None or state.model_export is not None

    def _build_versions(self) -> None:
        """List what training made, with what can be done with one of them."""
        self.versions = VersionList()
        versions = self.session.models.versions
        self.versions.wanted.connect(self.session.activate_version)
        self.versions.unwanted.connect(versions.delete)
        self.versions.named.connect(versions.rename)
        self.versions.selected.connect(self._on_selected)
        self.use = button("Use", _USE_TIP, self._on_use)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        rename, delete = self.versions.rename_selected, self._on_delete
        self.rename = entry(menu, "Rename… (F2)", "Give it a name", rename)
        self.delete = entry(menu, "Delete (Del)", "Take it off the list", delete)
        self.undo = entry(menu, "Undo", _UNDO_TIP, versions.bring_back)
        menu.addSeparator()
        self.save = entry(
            menu, "Save model…", "Save what predicts as a model folder", self._on_save
        )
        self.export = entry(menu, "Export model…", _EXPORT_TIP, self._on_export)
        exporting = self.session.models.exporting
        self.stop_export = entry(menu, "Stop exporting", _STOP_TIP, exporting.cancel)
        self.more = QPushButton("More")
        self.more.setToolTip("Name, delete, save or export a version of the model")
        self.more.setMenu(menu)
        self.compare = button("Compare", _COMPARE_TIP, self._on_compare)
        self.choices = QWidget()
        row(self.use, self.compare, self.more, stretch=(0, 1), on=self.choices)
        self.comparison = CompareRow(self.session)
        self.comparison.hide()
        self.add(self.versions, self.choices, self.comparison)

    def _render(self, state: State) -> None:
        training = state.training is not None
        allow(self.finetune, state.why_not_finetune)
        self.stop.setEnabled(training and not state.stopping)
        self.minutes.setEnabled(not training)
        self.minutes.show_number(state.minutes)
        self.notice.show_text(state.notice)
        self.along.setChecked(state.learns_along)
        if not training and _name(state) != self._trained:
            # It is another model's.
            self.curve.hide()
        self.versions.show_versions(state.versions, state.version)
        self.choices.setVisible(state.comparing is None)
        self.comparison.setVisible(state.comparing is not None)
        self.comparison.show_comparison(state.comparing)
        self._allow(self.versions.version, state)

    def _allow(self, selected: VersionState | None, state: State) -> None:
        """Allow what can be done with the version that is selected."""
        allow(self.use, _why_not_use(selected, state))
        number = selected.number if selected is not None else 0
        allow(self.compare, state.why_not_compare(number))
        allow(self.rename, selected.why_not_rename if selected else _NO_VERSION)
        allow(self.delete, selected.why_not_delete if selected else _NO_VERSION)
        allow(self.undo, "" if state.deleted else "Nothing was deleted.")
        self.undo.setText(f"Bring back {state.deleted}" if state.deleted else "Undo")
        self.save.setEnabled(state.model is not None)
        allow(self.export, state.why_not_export_model)
        allow(self.stop_export, "" if state.model_export else "No model is exported.")

    def _on_selected(self) -> None:
        self._allow(self.versions.version, self.session.state)

    def _on_use(self) -> None:
        if (version := self.versions.version) is not None:
            self.session.activate_version(version.number)

    def _on_compare(self) -> None:
        if (version := self.versions.version) is not None:
            self.session.comparing.start(version.number)

    def _on_delete(self) -> None:
        if (version := self.versions.version) is not None:
            self.session.models.versions.delete(version.number)

    def _on_started(self) -> None:
        self._trained = _name(self.session.state)
        self.curve.clear()
        self.curve.show()

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save model as a new folder")
        if path:
            self.session.models.save(Path(path))

    def _on_export(self) -> None:
        filters = {f"{each.title} (*{each.suffix})": each for each in FORMATS}
        name = _name(self.session.state)
        path, chosen = QFileDialog.getSaveFileName(
            self, "Export model", name, ";;".join(filters)
        )
        if path and (format_ := filters.get(chosen)) is not None:
            ending = "" if path.lower().endswith(format_.suffix) else format_.suffix
            self.session.models.exporting.start(Path(path + ending), format_.name)


def _why_not_use(selected: VersionState | None, state: State) -> str:
    if selected is None:
        return _NO_VERSION
    if selected.number == state.version:
        return f"{selected.name} predicts already."
    return ""


def _name(state: State) -> str:
    return state.model.name if state.model else ""

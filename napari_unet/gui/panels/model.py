"""Which model, what it is good for and what is known of it, and what computes."""

from __future__ import annotations

from html import escape
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from napari_unet.gui.panels.new_model import NewModelDialog
from napari_unet.gui.panels.panel import Choices, Entry, Panel, SteadyText, button
from napari_unet.images.channels import channel_count
from napari_unet.session.models.status import ModelState
from napari_unet.session.state import State

_WIDTH, _HEIGHT = 440, 520


class AboutModel(QDialog):
    """Shows the card of a model; its words can be copied."""

    def __init__(self, parent: QWidget, model: ModelState) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"About {model.name}")
        self.words = QTextBrowser()
        self.words.setHtml(card_html(model))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(buttons)
        self.resize(_WIDTH, _HEIGHT)


def card_html(model: ModelState) -> str:
    """Return the card of a model with headings; nothing in it is taken for HTML."""
    return "".join(
        f"<p><b>{escape(heading)}</b><br>{escape(text)}</p>"
        for heading, text in model.card
    )


_OPEN = "Open model folder…"
_OPEN_FILE = "Open model file…"
_FILE_TIP = "A package of BioImage.IO, or a zipped model folder"
_FILES = "Models (*.zip)"
_TRAINED = "trained"
_ABOUT_TIP = "What the model is for, what not, and how good it is"
_NEW_TIP = "Other classes, values or objects: with this network, or with a new one"


class ModelPanel(Panel):
    """Choose a built-in model, or open a model folder or a file with a model."""

    title = "Model"
    place = "model"

    def _build(self) -> None:
        self.chooser = Choices("The model that predicts", steady=True)
        self.chooser.chosen.connect(self._on_chosen)
        self.card = SteadyText("faint")
        self.device = SteadyText("faint")
        self.device.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.predicts = SteadyText()
        self.about = button("About…", _ABOUT_TIP, self.tell_about)
        self.new_model = button("New…", _NEW_TIP, self.ask_for_model)
        self.add_row(self.chooser, self.about, self.new_model)
        self.add_row(self.predicts, self.device, stretch=(0, 1))
        self.add(self.card)

    def _render(self, state: State) -> None:
        entries = choices(state)
        if self.chooser.offer(entries):
            self.chooser.insertSeparator(len(entries) - 2)
        self.chooser.show_choice(state.loading or state.source or _TRAINED)
        self.chooser.setEnabled(state.ready or bool(state.model))
        self.predicts.show_text(state.model.predicts if state.model else "")
        self.new_model.setEnabled(state.ready and not state.loading)
        self.card.show_text(state.model.about if state.model else "")
        self.about.setEnabled(bool(state.model and state.model.card))
        device = state.device
        self.device.show_text(device, f"Computes on: {device}" if device else "")

    def open_folder(self) -> None:
        """Ask for a model folder and load it."""
        folder = QFileDialog.getExistingDirectory(self, "Open model folder")
        if folder:
            self.session.models.choose(Path(folder))

    def open_file(self) -> None:
        """Ask for a file with a model, and make a model folder of it."""
        file, _ = QFileDialog.getOpenFileName(self, "Open model file", "", _FILES)
        if file:
            self.session.models.bring_in(Path(file))

    def tell_about(self) -> None:
        """Show the card of the model."""
        model = self.session.state.model
        if model is not None:
            dialog = AboutModel(self, model)
            dialog.exec()
            dialog.deleteLater()

    def ask_for_model(self) -> None:
        """Ask for a task and a network, and make the model."""
        loaded, image = self.session.state.model is not None, self.session.state.image
        channels = channel_count(image.shape, image.axes) if image else 1
        dialog = NewModelDialog(self, loaded=loaded, channels=channels)
        if dialog.exec():
            self.session.models.make(dialog.request)
        dialog.deleteLater()

    def _on_chosen(self, chosen: str | None) -> None:
        state = self.session.state
        if chosen in (_OPEN, _OPEN_FILE):
            self.show_state(state)
            self.open_folder() if chosen == _OPEN else self.open_file()
        elif chosen and chosen not in (_TRAINED, state.loading or state.source):
            self.session.models.choose(chosen)


def choices(state: State) -> tuple[Entry, ...]:
    """Return what can be chosen: built-in models, the person's own, folders, files.

    A model that training made, or that a project brought, is shown while it predicts;
    it is chosen in the list of versions.
    """
    found = [(name, name, "") for name in state.models]
    for own in state.own_models:
        text = f"{own.name} (missing)" if own.missing else own.name
        found.append((text, str(own.path), str(own.path)))
    if state.loading and state.loading not in {entry for _, entry, _ in found}:
        found.append((Path(state.loading).name, state.loading, ""))
    if state.model is not None and not state.source:
        name = state.model.name
        taken = name in {text for text, _, _ in found}
        found.append((f"{name} (fine-tuned)" if taken else name, _TRAINED, ""))
    elif state.source and state.source not in {entry for _, entry, _ in found}:
        found.append((Path(state.source).name, state.source, state.source))
    return (*found, (_OPEN, _OPEN, ""), (_OPEN_FILE, _OPEN_FILE, _FILE_TIP))

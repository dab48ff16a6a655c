"""Correct what the model got wrong, accept what it got right."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QCheckBox, QFileDialog

from napari_unet.gui.keys import Keys, hint
from napari_unet.gui.overlay import ACCEPTED_COLOR, CORRECTED_COLOR
from napari_unet.gui.panels.panel import Panel, allow, button, label, set_role
from napari_unet.project.folder import SUFFIX
from napari_unet.session.state import ImageState, State

_TOOLS = "In the labels layer: paint 2, erase 1, fill 4, pick 5, undo Ctrl+Z"
_TOOLS_TIP = (
    "Choose the labels layer and correct with napari's tools: brush (2), eraser (1), "
    "polygon (3), fill (4), picker (5), undo (Ctrl+Z), new label (M). What you touch "
    "is verified: no prediction and no training changes it any more."
)
_EMPTY_TIP = "Add empty labels, to paint objects without a prediction"


class CorrectPanel(Panel):
    """Accept objects, see what is verified, and know that it is saved."""

    title = "Correct"
    place = "correct"

    def build(self) -> None:
        """Make the controls."""
        self.tools = label(_TOOLS, "faint", wrap=True)
        self.tools.setToolTip(_TOOLS_TIP)
        self.empty = button("Paint without a prediction", _EMPTY_TIP, self._on_empty)
        self.accept_view = button(
            "Accept view",
            hint("Everything in view is right: it becomes verified", Keys.ACCEPT_VIEW),
            self.bench.accept_view,
            primary=True,
        )
        self.accept_object = button(
            "Accept object",
            "The object that is picked (5) is right: it becomes verified",
            self.bench.accept_object,
        )
        self.overlay = QCheckBox("Show verified")
        self.overlay.setToolTip("Accepted pixels blue, corrected pixels orange")
        self.overlay.toggled.connect(self.bench.layers.show_verified)
        self.legend = label(
            f'<span style="color:{ACCEPTED_COLOR}">■</span> accepted '
            f'<span style="color:{CORRECTED_COLOR}">■</span> corrected',
            "faint",
        )
        self.counts = label("", wrap=True)
        self.saved = label("", "faint", wrap=True)
        self.save_to = button(
            "Save to…", "Save this image's work in another folder", self._on_save_to
        )
        self.add(self.tools)
        self.add(self.empty)
        self.add_row(self.accept_view, self.accept_object)
        self.add_row(self.overlay, self.legend)
        self.add(self.counts)
        self.add_row(self.saved, self.save_to)

    def render_state(self, state: State) -> None:
        """Show how much is verified and where it is saved."""
        image = state.image
        labelled = image is not None and image.has_labels
        self.tools.setVisible(labelled)
        self.empty.setVisible(not labelled)
        allow(self.empty, state.why_not_paint)
        allow(self.accept_view, state.why_not_accept)
        allow(self.accept_object, state.why_not_accept)
        self.overlay.setEnabled(labelled)
        self.overlay.setChecked(self.bench.layers.verified_shown)
        self.counts.setText(_counts(image))
        self.saved.setText(state.save.text if image else "")
        self.saved.setToolTip(str(state.save.folder or ""))
        set_role(self.saved, "error" if state.save.failed else "faint")
        self.save_to.setEnabled(image is not None and image.open)

    def _on_empty(self) -> None:
        self.session.start_empty()

    def _on_save_to(self) -> None:
        current = self.session.state.save.folder
        start = str(current.parent) if current else ""
        folder = QFileDialog.getExistingDirectory(self, "Save work in", start)
        if folder:
            self.session.save_to(project_folder(Path(folder), current))


def project_folder(chosen: Path, current: Path | None) -> Path:
    """Return the project folder that a person means by choosing a folder.

    That folder if it is a project, and a new one inside otherwise.
    """
    if chosen.suffix == SUFFIX:
        return chosen
    return chosen / (current.name if current else f"project{SUFFIX}")


def _counts(image: ImageState | None) -> str:
    if image is None or not image.has_labels:
        return ""
    counts = f"{image.verified_objects:,} of {image.objects:,} objects verified"
    if not image.verified_share:
        return counts
    share = f"{image.verified_share:.1%}".replace("%", " %")
    return f"{counts} ({share} of pixels)"

"""The images to work on: which there are, how far they are, and the way through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMenu, QPushButton

from napari_unet.gui.keys import IMAGE_BEFORE, NEXT_IMAGE, hint
from napari_unet.gui.panels.image_list import ImageList
from napari_unet.gui.panels.panel import Label, Panel, SteadyText, allow, button
from napari_unet.session.state import State
from napari_unet.session.worklist.status import BatchState, WorklistState

_TIP = (
    "Images to work on, one on screen at a time. Click one to go there; Delete takes "
    "those that are selected out of the list. Files are never touched."
)
_NOTHING = "Drop images or a folder into the window, or add some here."
_PREDICT_ALL = (
    "Predict all images in the background: those that were not predicted yet, or, when "
    "all were, those that are not verified. What is verified stays, and what is open "
    "in layers is left to you."
)
_STOP = "Stop predicting; what is predicted stays"
_STOP_BRINGING = "Bring no more labels into the project; they stay where they were"
_PATTERN = (
    "Which files? * stands for any letters, ** for any folders, such as\n"
    "/data/plate*/**/*_dapi.tif"
)


class ImagesPanel(Panel):
    """Add images, go from one to the next, and predict all of them."""

    title = "Images"
    place = "images"
    grows = True

    def _build(self) -> None:
        worklist = self.session.worklist
        self.show_heading(False)  # it has more beside it
        self.summary = SteadyText("faint")
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.add_row(Label(self.title, "title"), self.summary, stretch=(1,))
        self.nothing = Label(_NOTHING, "faint", wrap=True)
        self.list = ImageList(self.session)
        self.list.setToolTip(_TIP)
        self.list.wanted.connect(worklist.going.go)
        self.list.unwanted.connect(worklist.listing.remove)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.add(self.nothing, self.list, stretch=1)
        menu = QMenu(self)
        for words, choose in (
            ("Files…", self._on_files),
            ("Folder…", self._on_folder),
            ("Files by a pattern…", self._on_pattern),
        ):
            menu.addAction(words, choose)
        self.more = QPushButton("Add…")
        self.more.setToolTip("Put files, or the images of a folder, into the list")
        self.more.setMenu(menu)
        self.before = button(
            "Previous",
            hint("Go to the image before; what you did is saved", IMAGE_BEFORE),
            lambda: worklist.going.step(-1),
        )
        self.next = button(
            "Next",
            hint("Go to the next image; what you did is saved", NEXT_IMAGE),
            lambda: worklist.going.step(1),
        )
        self.add_row(self.more, self.before, self.next, stretch=(0, 1, 2))
        self.all = button("Predict all", _PREDICT_ALL, self._on_all)
        self.all.setMinimumWidth(self.all.sizeHint().width())  # also as Stop
        self.progress = SteadyText("faint")
        self.add_row(self.all, self.progress, stretch=(1,))
        connect = self.connections.connect
        connect(worklist.rows.listed, self.list.show_rows)
        connect(worklist.rows.changed, self.list.rows.redraw)
        connect(worklist.batch.moved, self.list.rows.redraw)
        connect(self.session.thumbnails.made, self._on_thumbnail)

    def _render(self, state: State) -> None:
        worklist = state.worklist
        self.list.setVisible(bool(worklist.total))
        self.nothing.setVisible(not worklist.total)
        self.list.show_place(worklist.place)
        self.summary.show_text(_summary(worklist))
        several = "" if worklist.total > 1 else "There are no other images in the list."
        allow(self.before, several)
        allow(self.next, several)
        batch, bringing = worklist.batch, worklist.bringing
        self.all.setText("Stop" if batch or bringing else "Predict all")
        if batch is not None or bringing is not None:
            self.all.setEnabled(batch is None or not batch.stopping)
            self.all.setToolTip(_STOP if batch is not None else _STOP_BRINGING)
        else:
            allow(self.all, state.why_not_predict_all)
        self.progress.show_text(_progress(worklist))

    def _on_all(self) -> None:
        worklist = self.session.worklist
        if worklist.batch.running:
            worklist.batch.stop()
        elif worklist.bringing.progress is not None:
            worklist.bringing.stop()
        else:
            worklist.batch.start()

    def _on_thumbnail(self, path: Path) -> None:
        self.list.rows.redraw(path.resolve())

    def _on_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Add images")
        self._add(*paths)

    def _on_folder(self) -> None:
        self._add(QFileDialog.getExistingDirectory(self, "Add the images of a folder"))

    def _on_pattern(self) -> None:
        found: Any = QInputDialog.getText(self, "Add images by a pattern", _PATTERN)
        self._add(found[0] if found[1] else "")

    def _add(self, *wanted: str) -> None:
        """Add images; the first one is opened where none is on screen."""
        if named := [each for each in wanted if each]:
            nothing = self.session.state.worklist.place < 0
            self.session.worklist.listing.add(named, go=nothing)


def _summary(worklist: WorklistState) -> str:
    if worklist.adding:
        return "looking for images…"
    if not worklist.total:
        return ""
    return f"{worklist.done:,} of {worklist.total:,} verified"


def _left(worklist: WorklistState) -> str:
    if not worklist.total or worklist.unseen == worklist.total:
        return ""
    return f"{worklist.unseen:,} not predicted yet" if worklist.unseen else ""


def _progress(worklist: WorklistState) -> str:
    if worklist.batch is not None:
        return _of_batch(worklist.batch)
    bringing = worklist.bringing
    if bringing is not None:
        done, total = int(bringing.done), int(bringing.total)
        return f"{done:,} of {total:,} are in the project"
    return _left(worklist)


def _of_batch(batch: BatchState) -> str:
    if batch.stopping:
        return "Stopping…"
    failed = f", {batch.failed:,} failed" if batch.failed else ""
    told = f"{batch.done:,} of {batch.total:,}{failed}"
    if batch.seconds_left is None:
        return told
    return f"{told}, {in_words(batch.seconds_left)} left"


def in_words(seconds: float) -> str:
    """Return a time that nobody knows exactly."""
    if seconds < 50:
        return f"{max(1, round(seconds / 5)) * 5} s"
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"

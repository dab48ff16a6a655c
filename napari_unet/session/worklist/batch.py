"""Predicting all images of the list in the background, one after the other.

How an image goes through it (the left column runs in the background)::

    read, find its work, predict, merge  --->  taken in, without being current
                                               applied band by band, and journalled
                                               saved and let go as any other image

So what is verified stays, an image that cannot be saved is kept elsewhere, and a crash
loses no more than the image that was under way. The one that a person looks at is left
to the person. What cannot be predicted is told in its row.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from psygnal import Signal

from napari_unet.annotation.stage import Stage
from napari_unet.core.events import TilesDone
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.models.models import Models
from napari_unet.session.predicting import APPLY_SECONDS
from napari_unet.session.prediction import Writing
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import Problem
from napari_unet.session.worklist.entry import Entry
from napari_unet.session.worklist.predict_file import (
    FileEvent,
    PredictedFile,
    PredictFile,
)
from napari_unet.session.worklist.reading import Unread
from napari_unet.session.worklist.rows import Rows
from napari_unet.session.worklist.status import BatchState

_MOST_WAIT = 15.0
"""Seconds in which an image that cannot be saved at home must be saved elsewhere."""


@dataclass(slots=True, eq=False)
class _Writing:
    """A prediction that is being applied to an image that nobody looks at."""

    source: object
    image: OpenImage
    bands: Writing
    saving: bool = False
    lost_at: float | None = None


@dataclass(slots=True, eq=False)
class _Batch:
    """A prediction of all that is going on."""

    left: deque[object]
    total: int
    began: float
    done: int = 0
    failed: int = 0
    away: set[Path] = field(default_factory=set)
    share: float = 0.0
    source: object = None
    job: Running | None = None
    writing: _Writing | None = None
    stopping: bool = False


class PredictAll:
    """Predicts what was not predicted yet; or else all that is not verified.

    `here` returns the source of the image that the person looks at, `unread` what it
    takes to open an entry without a front end, `note` takes note of how far an image
    has come by a prediction, and `show` shows how it goes.

    Attributes
    ----------
    moved : Signal(object)
        How far an image has come has changed; its source.
    """

    moved = Signal(object)

    def __init__(
        self,
        hub: Hub,
        images: Images,
        models: Models,
        rows: Rows,
        here: Callable[[], object],
        unread: Callable[[Entry], Unread],
        note: Callable[[OpenImage], None],
        show: Callable[[BatchState | None], None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._models = models
        self._rows = rows
        self._here = here
        self._unread = unread
        self._note = note
        self._show = show
        self._run: _Batch | None = None

    @property
    def running(self) -> bool:
        """Whether images are being predicted, or written."""
        return self._run is not None

    @property
    def wanted(self) -> list[Entry]:
        """The images that would be predicted, those after the current one first."""
        here, rows = max(self._rows.place(self._here()), 0), list(self._rows)
        entries = [*rows[here:], *rows[:here]]
        # What is open in layers is left to the person, as the one on screen is.
        open_paths = {image.identity.path for image in self._images}
        able = [
            each
            for each in entries
            if each.path and not (each.why_not or each.path in open_paths)
        ]
        unseen = [each for each in able if each.work.stage is Stage.UNSEEN]
        return unseen or [each for each in able if each.work.stage is not Stage.DONE]

    def share_of(self, source: object) -> float | None:
        """Return how far the prediction of an image is; None if it is not going on."""
        run = self._run
        return run.share if run is not None and run.source == source else None

    def start(self) -> None:
        """Predict all; what goes wrong with one does not stop the others."""
        if why_not := self._hub.state.why_not_predict_all:
            self._hub.report("images", InputError(why_not))
            return
        self._hub.clear("images")
        wanted = self.wanted
        if not wanted:
            told = "Only images that are open are left: go to each, and press Predict."
            self._hub.report("images", InputError(told))
            return
        for each in wanted:
            self._rows.note_problem(each.source, "")
        left = deque(each.source for each in wanted)
        self._run = run = _Batch(left, len(left), self._hub.clock())
        self._hub.say("Predicting all images…", "project")
        self._tell(run)

    def stop(self) -> None:
        """Stop after what is being written; what is predicted stays."""
        run = self._run
        if run is None or run.stopping:
            return
        run.stopping = True
        run.left.clear()
        if run.job is not None:
            run.job.cancel()
        self._tell(run)
        if run.job is None and run.writing is None:
            self._end(run)

    def tick(self) -> None:
        """Begin the next image, or write for some milliseconds; call it often."""
        run = self._run
        if run is None:
            return
        if run.writing is not None:
            self._write(run, run.writing)
        elif run.job is None:
            self._next(run)
        elif run.source == self._here():
            run.job.cancel()  # a person looks at it now

    def _next(self, run: _Batch) -> None:
        state = self._hub.state
        if state.predicting or state.loading:
            return  # the person's own prediction goes first
        model = self._models.active
        if not run.left or model is None:
            self._end(run)
            return
        run.source, run.share = run.left.popleft(), 0.0
        entry = self._rows.find(run.source)
        if entry is None or entry.path is None or run.source == self._here():
            run.total -= 1
            run.source = None
            return
        unread = self._unread(entry)
        job = PredictFile(unread, model)
        running = self._hub.runner.start(
            job,
            Handlers(
                event=lambda event: self._on_event(run, event),
                result=lambda found: self._on_predicted(run, unread, found),
                error=lambda error: self._on_failed(run, error),
                closed=lambda: self._on_closed(run),
            ),
        )
        if running.running:
            run.job = running
        self.moved.emit(entry.source)

    def _on_event(self, run: _Batch, event: FileEvent) -> None:
        if isinstance(event, TilesDone) and event.total:
            run.share = event.done / event.total
            self.moved.emit(run.source)

    def _on_predicted(
        self, run: _Batch, unread: Unread, found: PredictedFile | None
    ) -> None:
        run.job = None
        if found is None or run.source == self._here():
            run.total -= 1  # it is open: the person has it
            self._after(run, counted=False)
            return
        request = unread.request(found.picture)
        image = self._images.opener.take_in(request, found.opened)
        if image is None:  # something was saved in its place meanwhile
            run.left.append(run.source)
            self._after(run, counted=False)
            return
        image.saving.closing = True  # nobody has it on screen
        bands = Writing(image, found.part, Box.whole(image.identity.labels_shape))
        run.writing = _Writing(run.source, image, bands)

    def _write(self, run: _Batch, writing: _Writing) -> None:
        if writing.saving:
            self._wait(run, writing)
            return
        deadline = time.monotonic() + APPLY_SECONDS
        image = writing.image
        while not (writing.bands.over or image.occupied):
            writing.bands.write()
            if time.monotonic() >= deadline:
                break
        if not writing.bands.over:
            return
        writing.saving = True
        image.saving.note_change()
        self._note(image)
        if image.saving.closing:  # and no person has come to it
            image.saving.release(lambda: self._on_saved(run, writing))
        else:
            self._images.show_labels(image)
            run.writing = None
            self._after(run)

    def _on_saved(self, run: _Batch, writing: _Writing) -> None:
        if writing.image.saving.why_lost:
            writing.lost_at = self._hub.clock()
            writing.image.saving.tick()  # it looks for another place at once
        else:
            self._end_writing(run, writing)

    def _wait(self, run: _Batch, writing: _Writing) -> None:
        """Wait for an image that could not be saved at home; it goes elsewhere."""
        lost_at, saving = writing.lost_at, writing.image.saving
        if lost_at is None:
            return
        if saving.over or not saving.closing:
            self._end_writing(run, writing)
        elif self._hub.clock() - lost_at > _MOST_WAIT:
            # The next ones would wait in memory for the same disk.
            self._rows.note_problem(writing.source, saving.why_lost)
            run.failed += 1
            run.stopping = True
            run.left.clear()
            self._end_writing(run, writing)

    def _end_writing(self, run: _Batch, writing: _Writing) -> None:
        place = writing.image.place
        if place.home is not None:
            run.away.add(place.project.folder)
        run.writing = None
        self._after(run)

    def _on_failed(self, run: _Batch, error: Exception) -> None:
        run.job = None
        self._rows.note_problem(run.source, Problem.of(error).text)
        run.failed += 1
        self._after(run)

    def _on_closed(self, run: _Batch) -> None:
        run.total -= 1
        self._after(run, counted=False)

    def _after(self, run: _Batch, *, counted: bool = True) -> None:
        source, run.source, run.job = run.source, None, None
        run.done += counted
        self.moved.emit(source)
        if run.stopping and run is self._run:
            self._end(run)
        else:
            self._tell(run)

    def _tell(self, run: _Batch) -> None:
        if run is not self._run:
            return
        spent = self._hub.clock() - run.began
        left = (run.total - run.done) * spent / run.done if run.done else None
        batch = BatchState(run.done, run.total, run.failed, left, run.stopping)
        self._show(batch)

    def _end(self, run: _Batch) -> None:
        if run is not self._run:
            return
        self._run = None
        self._show(None)
        good = run.done - run.failed
        words = f"{good:,} image{'' if good == 1 else 's'} predicted."
        if run.failed:
            words += f" {run.failed:,} could not be: their rows say why."
        if run.away:
            count, folder = len(run.away), min(run.away).parent
            words += (
                f" {count:,} cannot be saved beside the file{'' if count == 1 else 's'}"
                f": they are kept in {folder}, and are here again in this list."
            )
        self._hub.say(words, "project")

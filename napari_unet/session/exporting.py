"""Results that leave the program: of the image that is open, or of all images.

How it flows: labels of open images are copied as they are, some milliseconds a tick;
a job writes them in the background, and reads what is saved of the others. Nobody is
asked for names: files are named after their images, in one folder that can be shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from napari_unet.annotation.large import LargeAnnotation
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.exports import FORMATS, Result
from napari_unet.images.channels import channel_count, channel_titles
from napari_unet.inference.events import Redecodable
from napari_unet.session.copying import LabelsCopy, values_of
from napari_unet.session.export_job import Exported, ExportResults
from napari_unet.session.export_large import LargeWork
from napari_unet.session.export_work import (
    OpenWork,
    SavedWork,
    results_folder,
)
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import ExportState, Progress
from napari_unet.tasks import goes_with

_AT_FIRST = ("fiji", "csv")


class Exporting:
    """Exports results, with the formats and the folder that are chosen.

    `maps` returns what a network said of an image last, if that is at hand.

    Attributes
    ----------
    elsewhere : callable
        Returns the work that is saved and not open, which belongs to all images; that
        of the chosen project, unless somebody knows better.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        projects: Projects,
        maps: Callable[[OpenImage], Redecodable | None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._projects = projects
        self._maps = maps
        self.elsewhere: Callable[[], Sequence[SavedWork]] = self._in_project
        self._copying: deque[tuple[OpenImage, LabelsCopy]] = deque()
        self._copied: list[OpenWork | LargeWork] = []
        self._everything = False
        self._job: Running | None = None
        self._show(formats=_AT_FIRST)

    def choose(self, name: str, wanted: bool) -> None:
        """Choose a format for the next exports, or choose it no more."""
        chosen = {*self._state.formats, name} if wanted else {*self._state.formats}
        chosen -= set() if wanted else {name}
        self._show(formats=tuple(f.name for f in FORMATS if f.name in chosen))

    def choose_folder(self, folder: Path | None) -> None:
        """Let results go to a folder from now on; without one, where they belong."""
        self._hub.clear("results")
        self._show_folder(folder, chosen=folder is not None)
        self._tell_folder()

    def start(self, *, everything: bool = False) -> None:
        """Export the current image as it is now, or all images."""
        if why_not := self._hub.state.why_not_export(everything=everything):
            self._hub.report("results", InputError(why_not))
            return
        self._hub.clear("results")
        self._tell_folder()
        self._everything, self._copied = everything, []
        for image in self._wanted(everything):
            image.canvas.flush()
            if (large := _large_work(image)) is not None:
                self._copied.append(large)
            else:
                copy = LabelsCopy(image.annotation, exact=True)
                self._copying.append((image, copy))
        self._show(progress=Progress(), told="")
        self.tick()

    def cancel(self) -> None:
        """Stop; files that are written stay."""
        self._copying.clear()
        if self._job is not None:
            self._job.cancel()
        elif self._state.progress is not None:
            self._end("The export was stopped.")

    def tick(self) -> None:
        """Go on with what is to be copied, for some milliseconds; call it often."""
        self._tell_folder()
        if self._state.progress is None or self._job is not None:
            return
        while self._copying:
            image, copy = self._copying[0]
            if image.occupied or not copy.is_done():
                return
            self._copied.append(self._work_of(image, copy))
            self._copying.popleft()
        self._write()

    def result_of(self, image: OpenImage) -> Result:
        """Return what leaves the program of an image as it is now, at once.

        For a front end that has to answer in the same breath; `start` lets it breathe.
        """
        image.canvas.flush()
        copy = LabelsCopy(image.annotation, exact=True)
        while not copy.is_done():
            pass
        return self._work_of(image, copy).result()

    @property
    def _state(self) -> ExportState:
        return self._hub.state.exporting

    def _show(self, **changes: object) -> None:
        self._hub.show(exporting=replace(self._state, **changes))  # type: ignore[arg-type]

    def _wanted(self, everything: bool) -> list[OpenImage]:
        """Return the open images that are exported, with labels of one kind."""
        current, schema = self._images.current, self._images.schema
        if not everything:
            return [current] if current is not None else []
        return [
            each
            for each in self._images
            if each.has_labels and goes_with(each.schema, schema)
        ]

    def _work_of(self, image: OpenImage, copy: LabelsCopy) -> OpenWork:
        axes, shape = image.axes, image.identity.shape
        values = values_of(image.annotation)
        names = image.reading.names_of(shape, axes)
        return OpenWork(
            image.place.belongs_to.folder,
            image.key,
            image.identity,
            image.pixels,
            copy.labels if values is None else values,
            copy.provenance,
            channel_titles(channel_count(shape, axes), names),
            image.pixel_size,
            self._maps(image),
            image.annotation.origins,
        )

    def _in_project(self) -> Sequence[SavedWork]:
        chosen = self._projects.chosen
        return [SavedWork(chosen.folder)] if chosen is not None else []

    def _write(self) -> None:
        state = self._state
        chosen = self._projects.chosen
        job = ExportResults(
            tuple(self._copied),
            tuple(self.elsewhere()) if self._everything else (),
            self._images.schema,
            state.formats,
            state.folder if state.chosen else None,
            chosen.folder if chosen is not None else None,
        )
        self._copied = []
        self._run(job)

    def _run(self, job: Job[Progress, Exported]) -> None:
        running = self._hub.runner.start(
            job,
            Handlers(
                event=lambda progress: self._show(progress=progress),
                result=self._on_done,
                error=self._on_error,
                closed=lambda: self._end("The export was stopped."),
            ),
        )
        self._job = running if running.running else None

    def _on_done(self, done: Exported) -> None:
        left = self._hub.state.worklist.total - done.images - len(done.problems)
        words = done.in_words()
        if self._everything and words and left > 0:
            images = "image has" if left == 1 else "images have"
            words += f" {left:,} {images} no labels yet."
        self._end(words)
        if done.problems:
            self._hub.report("results", InputError(done.problems_in_words()))

    def _on_error(self, error: Exception) -> None:
        self._end("")
        self._hub.report("results", error)

    def _end(self, told: str) -> None:
        self._job, folder = None, self._state.folder
        there = folder is not None and folder.is_dir()
        self._show(progress=None, there=there, told=told)
        if told:
            self._hub.say(told, "image")

    def _tell_folder(self) -> None:
        """Show where results of the current image go, unless a person has chosen."""
        if self._state.chosen:
            return
        chosen, image = self._projects.chosen, self._images.current
        home = image.place.belongs_to.folder if image is not None else None
        home = chosen.folder if chosen is not None else home
        folder = home and results_folder(home, project=chosen is not None)
        if folder != self._state.folder:
            self._show_folder(folder)

    def _show_folder(self, folder: Path | None, *, chosen: bool = False) -> None:
        there = folder is not None and folder.is_dir()
        self._show(folder=folder, chosen=chosen, there=there, told="")


def _large_work(image: OpenImage) -> LargeWork | None:
    """Return labels larger than memory, which are lent and not copied."""
    if not isinstance(image.annotation, LargeAnnotation):
        return None
    home = image.place.belongs_to.folder
    of = home, image.key, image.identity, image.annotation
    return LargeWork.of(*of, image.pixel_size)

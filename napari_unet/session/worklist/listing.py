"""What is in the list: what a person put there, what a project holds, what is open.

A chosen project remembers the list. Otherwise it lasts as long as the window does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.annotation.stage import Stage
from napari_unet.core.jobs import Job, drain
from napari_unet.errors import InputError, StorageError
from napari_unet.project.identity import relative_path
from napari_unet.project.manifest import Manifest
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.projects import Projects
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.worklist.entry import (
    NO_WORK,
    Entry,
    OpenLayer,
    Work,
)
from napari_unet.session.worklist.finding import FindImages, FoundImages
from napari_unet.session.worklist.rows import Rows
from napari_unet.session.worklist.status import ProjectState

_RETRY_SECONDS = 10.0


class Listing:
    """Puts images into the list and takes them out.

    `tell` shows how things are, and `go` brings a person to an image.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        projects: Projects,
        rows: Rows,
        tell: Callable[[], None],
        go: Callable[[object], None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._projects = projects
        self._rows = rows
        self._tell = tell
        self._go = go
        self._layers: dict[object, OpenLayer] = {}
        self._finding: list[Running] = []
        self._unwritten: dict[Project, tuple[Path, ...]] = {}
        self._write_at = 0.0

    @property
    def adding(self) -> bool:
        """Whether folders are being looked through."""
        return any(each.running for each in self._finding)

    def is_open(self, source: object) -> bool:
        """Whether a layer shows an image."""
        return source in self._layers

    def add(self, wanted: Iterable[str | Path], *, go: bool = False) -> None:
        """Put files, the images of folders, and what patterns mean into the list.

        With `go`, the first of them is opened.
        """
        self._hub.clear("images")
        project, schema = self._hub.state.project, self._images.schema
        self._find(FindImages(tuple(map(str, wanted)), schema, project), go=go)

    def remove(self, sources: Iterable[object]) -> None:
        """Take images out of the list; their work stays where it is."""
        gone, project = set(sources), self._projects.chosen
        kept = [each for each in self._rows if each.source in gone and each.kept]
        if project is not None and kept:
            told = f"The labels of {kept[0].name} are in {project.name}, so it stays."
            self._hub.report("images", InputError(told))
            return
        self._hub.clear("images")
        self._rows.put([each for each in self._rows if each.source not in gone])
        self._remember()

    def show_layers(self, layers: Sequence[OpenLayer]) -> None:
        """Note which layers of pixels a front end has; those are in the list, too."""
        self._layers = {source_of(each): each for each in layers}
        stay = [e for e in self._rows if not e.loose or e.source in self._layers]
        self._rows.put([*stay, *self._loose(stay)])

    def show_project(self, project: ProjectState | None) -> None:
        """List what a project holds; or the same files, and what is beside them."""
        for each in self._finding:
            each.cancel()
        files = self._files
        # What was known of them was in another place.
        self._rows.put(
            [
                replace(each, loose=True, work=NO_WORK, kept=False)
                for each in self._loose(())
            ]
        )
        if project is not None:
            self._find(FindImages((), self._images.schema, project))
        elif files:
            self.add(files)

    def keep_in(self, project: Project) -> None:
        """Let a project that is new remember the list."""
        self._unwritten[project] = self._files

    def look_again(self) -> None:
        """Look anew how far things are, when labels mean something else."""
        if self._projects.chosen is not None:
            self.show_project(self._hub.state.project)
            return
        files = self._files
        self._rows.put([each for each in self._rows if each.loose])
        if files:
            self.add(files)

    def note(self, image: OpenImage, source: object, *, predicted: bool) -> None:
        """Note how far the work on an image is that is open."""
        entry = self._rows.find(source)
        if entry is None:
            return
        predicted |= entry.work.predicted
        work = Work.of(image.annotation, predicted=predicted)
        there = self._projects.chosen is not None and work.stage is not Stage.UNSEEN
        self._rows.replace(replace(entry, work=work, kept=entry.kept or there))

    def finish(self) -> list[str]:
        """Write what is unwritten, as nothing else runs any more; return why not."""
        problems = []
        for project, files in self._unwritten.items():
            try:
                project.claim()
                drain(WriteList(project, files).run())
            except StorageError as error:
                problems.append(str(_not_kept(error)))
            project.leave()
        return problems

    def tick(self) -> None:
        """Write the list down, if that is due and nobody else writes there."""
        if self._hub.clock() < self._write_at:
            return
        for project, files in tuple(self._unwritten.items()):
            if project not in self._projects.busy:
                self._write(project, files)

    def _write(self, project: Project, files: tuple[Path, ...]) -> None:
        def end(outcome: Exception | None) -> None:
            if isinstance(outcome, Exception):
                self._hub.report("images", _not_kept(outcome))
                self._unwritten.setdefault(project, files)
                self._write_at = self._hub.clock() + _RETRY_SECONDS
            project.leave()

        del self._unwritten[project]
        try:
            project.claim()
        except StorageError as error:
            end(error)
            return
        self._projects.write(project, WriteList(project, files), end)

    @property
    def _files(self) -> tuple[Path, ...]:
        """The files that a person put into the list, or worked on."""
        return tuple(e.path for e in self._rows if e.path is not None and not e.loose)

    def _find(self, job: FindImages, *, go: bool = False) -> None:
        running = self._hub.runner.start(
            job,
            Handlers(
                result=lambda found: self._take_in(job, found, go=go),
                error=lambda error: self._hub.report("images", error),
                closed=self._tell,
            ),
        )
        self._finding = [*(each for each in self._finding if each.running), running]
        self._tell()

    def _remember(self) -> None:
        if (project := self._projects.chosen) is not None:
            self._unwritten[project] = self._files

    def _take_in(self, job: FindImages, found: FoundImages, *, go: bool) -> None:
        known = {each.source for each in self._rows if not each.loose}
        new = [each for each in found.entries if each.source not in known]
        listed = [each for each in self._rows if not each.loose]
        stay = [*listed, *new]
        self._rows.put([*stay, *self._loose(stay)])
        if found.refused:
            self._hub.report("images", InputError(" ".join(found.refused)))
        if new and job.wanted:
            self._remember()
        if go and found.entries:
            self._go(found.entries[0].source)
        self._tell()

    def _loose(self, others: Iterable[Entry]) -> list[Entry]:
        """Return entries of layers that are not among others."""
        known = {each.source for each in others}
        new = ((s, each) for s, each in self._layers.items() if s not in known)
        return [
            self._rows.find(source) or Entry(source, x.name, x.path, loose=True)
            for source, x in new
        ]


def source_of(layer: OpenLayer) -> object:
    """Return what tells the image of a layer from others: its file, if it is one."""
    return layer.token if layer.path is None else layer.path.resolve()


def _not_kept(error: Exception) -> StorageError:
    return StorageError(f"The list of images is not kept: {error}")


@dataclass(frozen=True, slots=True, eq=False)
class WriteList(Job[None, None]):
    """Write down in a project which files a person wants to work on."""

    project: Project
    files: tuple[Path, ...]

    def run(self) -> Generator[None, None, None]:
        """Write it; the project is claimed."""
        yield
        folder = self.project.folder
        paths = (relative_path(each, folder) for each in self.files)
        # A file on another drive has no path from here to there.
        listed = tuple(dict.fromkeys(path for path in paths if path is not None))

        def with_list(manifest: Manifest) -> Manifest:
            return manifest.model_copy(update={"listed": listed})

        self.project.store.update(with_list)

"""Work on images of the list that comes along into a project which a person makes.

The images that are open go there by themselves. The work on all others is copied from
where it was, in the background; until that is done for an image, nobody can go there,
so that no row tells of labels which are not in the project. The old copies stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from napari_unet.errors import InputError, StorageError
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.images.images import Images
from napari_unet.session.images.opening import file_of
from napari_unet.session.projects import Projects, home_of
from napari_unet.session.runner import Running
from napari_unet.session.status import Problem, Progress
from napari_unet.session.worklist.bring_job import BringAlong, Brought, Parcel
from napari_unet.session.worklist.entry import NO_WORK, Entry
from napari_unet.session.worklist.rows import Rows


@dataclass(slots=True, eq=False)
class _Bringing:
    """Work that is on its way, and which rows still wait for it."""

    project: Project
    parcels: tuple[Parcel, ...]
    waiting: set[object]
    lost: int = 0
    job: Running | None = None
    stopped: bool = False


class Bringing:
    """Brings the work on all images of the list into a new project.

    `settled` says whether all that was under way for the old place is saved there, and
    `tell` shows how things are.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        projects: Projects,
        rows: Rows,
        settled: Callable[[], bool],
        tell: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._projects = projects
        self._rows = rows
        self._settled = settled
        self._tell = tell
        self._run: _Bringing | None = None

    @property
    def progress(self) -> Progress | None:
        """How far it is; None while nothing is on its way."""
        run = self._run
        if run is None:
            return None
        total = len(run.parcels)
        return Progress(total - len(run.waiting), total)

    def start(self, project: Project, before: Project | None) -> None:
        """Let work come along from another project, or from beside the images."""
        open_paths = {each.identity.path for each in self._images}
        entries = [e for e in self._rows if e.path not in open_paths and not e.why_not]
        parcels = tuple(
            Parcel(each.source, each.path, self._homes(each, before))
            for each in entries
            if each.path is not None
        )
        if not parcels:
            return
        self._run = _Bringing(project, parcels, {each.source for each in parcels})
        on_the_way = f"Its labels are on the way into {project.name}."
        for entry in entries:
            if entry.work != NO_WORK:
                self._rows.replace(replace(entry, why_not=on_the_way))
        self._tell()

    def stop(self) -> None:
        """Bring no more; what has not come stays where it was."""
        run = self._run
        if run is None or run.stopped:
            return
        run.stopped = True
        if run.job is not None:
            run.job.cancel()
        else:
            self._end(run, StorageError("Stopped."))

    def tick(self) -> None:
        """Begin, once all that was under way is saved and nobody writes there."""
        run = self._run
        if run is None or run.job is not None or not self._settled():
            return
        if run.project in self._projects.busy:
            return
        try:
            run.project.claim()
        except StorageError as error:
            self._end(run, error)
            return
        taken = self._images.keys(run.project)
        job = BringAlong(run.project, run.parcels, self._images.schema, taken)
        running = self._projects.write(
            run.project,
            job,
            lambda outcome: self._on_end(run, outcome),
            lambda brought: self._on_brought(run, brought),
        )
        if running.running:
            run.job = running

    def _homes(self, entry: Entry, before: Project | None) -> tuple[Path, ...]:
        home = before
        if home is None:
            home = self._projects.at(home_of(file_of(entry.path), entry.name))
        return self._projects.kept_for(home).folder, home.folder

    def _on_brought(self, run: _Bringing, brought: Brought) -> None:
        run.waiting.discard(brought.source)
        run.lost += bool(brought.problem)
        entry = self._rows.find(brought.source)
        if entry is not None and run.project is self._projects.chosen:
            self._rows.replace(
                replace(
                    entry,
                    work=brought.work,
                    kept=brought.work != NO_WORK,
                    why_not="",
                    problem=brought.problem or entry.problem,
                )
            )
        self._tell()

    def _on_end(self, run: _Bringing, outcome: int | Exception) -> None:
        run.project.leave()
        self._end(run, outcome)

    def _end(self, run: _Bringing, outcome: int | Exception) -> None:
        self._run = None
        left = run.waiting
        for source in left:
            entry = self._rows.find(source)
            if entry is not None and run.project is self._projects.chosen:
                stays = "" if entry.work == NO_WORK else "Its labels stay beside it."
                self._rows.replace(
                    replace(entry, work=NO_WORK, why_not="", problem=stays)
                )
                run.lost += bool(stays)
        if run.project is self._projects.chosen:
            self._say(run, outcome)
            self._projects.list_again()
        self._tell()

    def _say(self, run: _Bringing, outcome: int | Exception) -> None:
        if isinstance(outcome, int) and outcome:
            images = f"{outcome:,} image{'' if outcome == 1 else 's'}"
            words = f"The labels of {images} came along into {run.project.name}."
            self._hub.say(words, "project")
        if not run.lost:
            return
        images = f"{run.lost:,} image{'' if run.lost == 1 else 's'}"
        told = f"The labels of {images} stay where they were, and are here again when "
        told += f"{run.project.name} is closed."
        if isinstance(outcome, Exception) and not run.stopped:
            told = f"{Problem.of(outcome).text} {told}"
        self._hub.report("project", InputError(told))

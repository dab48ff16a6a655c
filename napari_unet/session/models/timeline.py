"""The models of one session, oldest first; each belongs to a project or to none yet.

One model may be here several times: once for every project that keeps it, each time
with the thresholds that it has there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import UUID

from psygnal import Signal

from napari_unet.errors import InputError
from napari_unet.models.record import ModelRecord, new_record
from napari_unet.models.training import TrainingNotes
from napari_unet.project.manifest import ModelEntry
from napari_unet.project.project import Project

if TYPE_CHECKING:
    from napari_unet.instances.decoding import Decoding
    from napari_unet.weights.model import Model

Preset: TypeAlias = Literal["fine-tune", "from-scratch"]

MOST_LOADED = 12
"""Of so many the weights are in memory, and of the active one: a day of training would
fill it. All others stay in the list, and are loaded when they are chosen."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the weights of a version lie: a project, and its entry there."""

    project: Project
    entry: ModelEntry


@dataclass(frozen=True, slots=True, eq=False)
class ModelVersion:
    """One model and where it comes from.

    Scores of different versions were measured on different pixels, so only the
    difference between `score` and `start_score` of a record may be compared.

    Parameters
    ----------
    number : int
        Counts from 1 and is never used again in this session.
    record : ModelRecord
        Two versions with the same one are the same model.
    model : Model or None
        Immutable, so that it can be brought back at any time; None if it lies on the
        disk and is loaded when it is chosen.
    preset : {"fine-tune", "from-scratch"}
        How it is trained: gently, or as a network that began anew.
    built_in, source : str
        Its name, if it is built in; the model folder that a person opened.
    name : str
        What a person calls it, or nothing.
    training : TrainingNotes or None
        How it was trained, where that is known.
    came_with : Decoding or None
        Its thresholds before a person moved them, if one has.
    home : Project or None
        The project that keeps it; None while it was only looked at.
    stored : Stored or None
        Where it lies, once it is kept somewhere.
    """

    number: int
    record: ModelRecord
    model: Model | None
    note: str
    preset: Preset = "fine-tune"
    built_in: str = ""
    source: str = ""
    came_with: Decoding | None = None
    home: Project | None = None
    stored: Stored | None = None
    name: str = ""
    training: TrainingNotes | None = None

    @property
    def title(self) -> str:
        """By which people know it."""
        return self.name or self.note or f"version {self.number}"

    @property
    def uuid(self) -> UUID:
        """By which the model is found."""
        return self.record.uuid

    @property
    def at_rest(self) -> bool:
        """Whether its project holds all of it, so that memory can let go of it."""
        if self.model is None or self.stored is None:
            return False
        if self.stored.project is not self.home:
            return False
        moved = self.stored.entry.decoding
        return moved is None or self.model.with_decoding(moved) is self.model


class Timeline:
    """The model versions of a session; one of them is active.

    Attributes
    ----------
    versions : tuple of ModelVersion
        All of them, oldest first; what a project brought comes before.
    superseded : frozenset of UUID
        Checkpoints of this session's training runs that better ones replaced.
    deleted : tuple of (int, ModelVersion)
        What a person deleted in this session, the last one last, each with its place in
        the list. It is still where it was stored, and can be brought back.
    changed : Signal()
        There are more or fewer versions, or another one is active.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.versions: tuple[ModelVersion, ...] = ()
        self.superseded: frozenset[UUID] = frozenset()
        self.deleted: tuple[tuple[int, ModelVersion], ...] = ()
        self._published = 0
        self._active = 0

    @property
    def active(self) -> ModelVersion | None:
        """The version that predicts; None before the first was published."""
        return next((v for v in self.versions if v.number == self._active), None)

    @property
    def moved_from(self) -> Decoding | None:
        """The thresholds that the active model came with, if it has others now."""
        return self.active.came_with if self.active else None

    def publish(
        self,
        model: Model,
        *,
        record: ModelRecord | None = None,
        note: str = "",
        preset: Preset = "fine-tune",
        built_in: str = "",
        source: str = "",
        came_with: Decoding | None = None,
        home: Project | None = None,
        activate: bool = True,
        replaces: int | None = None,
        training: TrainingNotes | None = None,
    ) -> ModelVersion:
        """Add a version and, unless told otherwise, make it active.

        The first version is active in any case. It may replace the version of a number,
        a checkpoint of the same training that it makes obsolete: otherwise a long
        training would fill the disk. An InputError says that there is none to replace.
        """
        dropped = None if replaces is None else self.get(replaces)
        self._published += 1
        version = ModelVersion(
            self._published,
            record or new_record(),
            model,
            note,
            preset,
            built_in,
            source,
            came_with,
            home,
            name=dropped.name if dropped is not None else "",
            training=training,
        )
        kept = self.versions
        if dropped is not None:
            self.superseded |= {dropped.uuid}
            kept = tuple(each for each in kept if each.uuid != dropped.uuid)
        self.versions = (*kept, version)
        if activate or self.active is None:
            self._active = version.number
        self._unload_old()
        self.changed.emit()
        return version

    def activate(self, number: int) -> ModelVersion:
        """Make a version active, an older one too; versions stay as they are.

        An InputError says that there is no such version, or that its weights are not
        loaded.
        """
        version = self.get(number)
        if version.model is None:
            raise InputError(f"The model version {number} is not loaded.")
        if number != self._active:
            self._active = number
            self.changed.emit()
        return version

    def adjust(self, model: Model) -> None:
        """Replace the model of the active version by one with the same network."""
        active = self.active
        if active is None or active.model is None:
            return
        came_with = active.came_with or active.model.spec.decoding
        moved = came_with != model.spec.decoding
        self._put(replace(active, model=model, came_with=came_with if moved else None))
        self.changed.emit()

    def merge(
        self,
        versions: Sequence[ModelVersion],
        active: UUID | None = None,
        *,
        without: int = 0,
    ) -> None:
        """Add the versions of a project that is opened, oldest first.

        They get new numbers; those that are here already, for the same project, are not
        added again. One of them may be active from now on. The version of the number
        `without` is dropped, which nobody chose, unless it is active.
        """
        there = (*self.versions, *(each for _, each in self.deleted))
        known = {(each.uuid, each.home) for each in there}
        news = [each for each in versions if (each.uuid, each.home) not in known]
        first = self._published + 1
        self._published += len(news)
        numbered = [replace(each, number=n) for n, each in enumerate(news, first)]
        chosen = (
            each.number for each in numbered if each.uuid == active and each.model
        )
        self._active = next(chosen, self._active)
        dropped = without if without != self._active else 0
        here = (each for each in self.versions if each.number != dropped)
        self.versions = (*numbered, *here)
        self._unload_old()
        self.changed.emit()

    def built_in(self, name: str, home: Project | None) -> ModelVersion | None:
        """Return a loaded built-in model as a project uses it, or else as it came."""
        found = [v for v in self.versions if v.built_in == name and v.model]
        here = [v for v in found if v.home is home]
        nowhere = [v for v in found if v.home is None]
        return next(iter((*here, *nowhere)), None)

    def find(self, uuid: UUID, home: Project | None) -> ModelVersion | None:
        """Return a model as a project keeps it, or as nobody keeps it."""
        found = (v for v in self.versions if v.uuid == uuid and v.home is home)
        return next(found, None)

    def settle(self, number: int, home: Project) -> ModelVersion:
        """Return a version that a project keeps: this one, or its like there.

        What no project keeps goes there. What another project keeps stays there, and
        is in both from now on.
        """
        version = self.get(number)
        if version.home is home:
            return version
        there = self.find(version.uuid, home)
        if there is None and version.home is None:
            there = replace(version, home=home)
            self._put(there)
            return there
        if there is None:
            self._published += 1
            there = replace(version, number=self._published, home=home)
            self.versions = (*self.versions, there)
        if number == self._active and there.model is not None:
            self._active = there.number
            self.changed.emit()
        return there

    def rename(self, number: int, name: str) -> None:
        """Give a version a name, wherever it is kept; none brings its note back."""
        uuid = self.get(number).uuid
        self.versions = tuple(
            replace(each, name=name) if each.uuid == uuid else each
            for each in self.versions
        )
        self.changed.emit()

    def delete(self, number: int) -> None:
        """Take a version off the list, and what nobody keeps of the same model.

        An InputError says that it is active.
        """
        version = self.get(number)
        homes = {version.home, None}
        gone = [v for v in self.versions if v.uuid == version.uuid and v.home in homes]
        if self.active in gone:
            raise InputError("The model that predicts cannot be deleted.")
        self.deleted = (*self.deleted, (self.versions.index(version), version))
        self.versions = tuple(each for each in self.versions if each not in gone)
        self.changed.emit()

    def bring_back(self) -> ModelVersion | None:
        """Bring back what was deleted last; return it, or None if nothing was."""
        if not self.deleted:
            return None
        *others, (place, version) = self.deleted
        self.deleted = tuple(others)
        self.versions = (*self.versions[:place], version, *self.versions[place:])
        self.changed.emit()
        return version

    def fill(self, number: int, model: Model, came_with: Decoding | None) -> None:
        """Give a version the weights that were loaded for it."""
        for version in self.versions:
            if version.number == number:
                self._put(replace(version, model=model, came_with=came_with))

    def note_stored(self, project: Project, entries: Iterable[ModelEntry]) -> None:
        """Note where the versions lie that a project keeps."""
        lie = {entry.uuid: Stored(project, entry) for entry in entries}
        for version in self.versions:
            if version.home is project and version.uuid in lie:
                self._put(replace(version, stored=lie[version.uuid]))
        self._unload_old()

    def get(self, number: int) -> ModelVersion:
        """Return the version of that number; an InputError says that there is none."""
        for version in self.versions:
            if version.number == number:
                return version
        numbers = ", ".join(str(version.number) for version in self.versions)
        raise InputError(
            f"There is no model version {number}; choose one of: {numbers or 'none'}."
        )

    def _put(self, version: ModelVersion) -> None:
        """Let a version take the place of the one with its number."""
        self.versions = tuple(
            version if each.number == version.number else each for each in self.versions
        )

    def _unload_old(self) -> None:
        """Let memory go of old versions that lie on the disk."""
        loaded = [each for each in self.versions if each.model is not None]
        for version in loaded[:-MOST_LOADED]:
            if version.number != self._active and version.at_rest:
                self._put(replace(version, model=None))

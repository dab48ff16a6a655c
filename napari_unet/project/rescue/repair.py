"""Makes a sound project of a damaged one, and destroys nothing.

What is new is written beside what is there: a save under a new number, then journals
without their damaged lines, then the manifest, which is the moment at which all of it
counts. A copy of every file that is replaced or removed is kept before, in quarantine:
a folder in the project. Killed at any time, the next call finds the same work again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import methodcaller
from pathlib import Path

from napari_unet.core.atomic import write_atomically, write_folder_atomically
from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.ids import latest_free_id
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import ImageFields, relative_path
from napari_unet.project.journal_line import encode_line
from napari_unet.project.journal_reader import Header
from napari_unet.project.layout import LABELS, MANIFEST, MODELS, PROVENANCE, map_path
from napari_unet.project.lock import ProjectLock, read_holder
from napari_unet.project.manifest import (
    KEPT_GENERATIONS,
    ImageEntry,
    Manifest,
    ManifestFile,
)
from napari_unet.project.rescue.quarantine import Quarantine, copy_project
from napari_unet.project.rescue.recover import (
    FoundModels,
    RecoveredWork,
    find_models,
    recover_work,
)
from napari_unet.project.rescue.survey import (
    NearImages,
    Survey,
    find_image,
    no_images,
    survey,
)
from napari_unet.project.rescue.verify import is_damaged

_UNKNOWN = (
    "Nobody knows which image its labels belong to; put the image beside the project "
    "and recover it again."
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of one image: the origin of its work, if any, and what is lost.

    `damaged` are the saves that cannot be read; other files may hold the same work.
    """

    name: str
    origin: str = ""
    lost: Sequence[str] = ()
    repaired: bool = False
    damaged: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What became of a project, and where copies of the damaged files are kept."""

    images: tuple[Recovery, ...] = ()
    others: tuple[str, ...] = ()
    kept: Path | None = None

    @property
    def changed(self) -> bool:
        """Whether anything had to be done."""
        return bool(self.others) or any(image.repaired for image in self.images)


class Repairer:
    """Repairs one project in place; `homes` are the old and new folder of a copy."""

    def __init__(
        self,
        found: Survey,
        near: NearImages,
        when: datetime | None = None,
        *,
        homes: tuple[Path, Path] | None = None,
    ) -> None:
        self._found = found
        self._near = near
        self._when = when or datetime.now(UTC)
        self._homes = homes
        self._files = ProjectFolder(found.folder)
        self._quarantine = Quarantine(found.folder, self._when)
        self._useless: list[Path] = []
        self._hopeless: list[RecoveredWork] = []
        self._entries: list[ImageEntry] = []
        self._in_the_way = found.obstacles

    def run(self) -> RepairResult:
        """Repair everything; an InputError tells that nothing can be brought back."""
        found, models = self._found, find_models(self._found)
        images = [self._repair_image(key) for key in found.keys]
        self._refuse_nothing(models, images)
        others = [*self._set_aside(), *models.words]
        if others or self._homes or any(image.repaired for image in images):
            self._commit(models)
        return RepairResult(tuple(images), tuple(others), self._quarantine.folder)

    def _repair_image(self, key: str) -> Recovery:
        whole = self._found.current.manifest
        named = whole.get(key) if whole else None
        if not self._found.has_lost_manifest and not is_damaged(self._found, key):
            if named:
                self._entries.append(named)
            return Recovery(named.name if named else key)
        left = recover_work(self._found, key, self._near)
        if left is None:
            return Recovery(key, lost=(_UNKNOWN,))
        self._put_away(key, left.bad)
        if left.annotation is None:
            # Not named any more, and set aside: nothing is left to be done.
            self._hopeless.append(left)
            there = bool(named or left.bad or not left.journal.sound)
            return Recovery(left.image.name, lost=left.lost, repaired=there)
        self._entries.append(self._write(left))
        name, origin = left.image.name, left.origin
        return Recovery(name, origin, left.lost, repaired=True, damaged=left.problems)

    def _write(self, left: RecoveredWork) -> ImageEntry:
        """Write one save of all that came back, and a journal without damage."""
        self._make_room()
        if left.annotation is None:
            raise InputError(f"Nothing of {left.image.name} came back.")
        snapshot = left.annotation.to_save()
        of_what = left.key, left.next_number, snapshot, left.image.axes
        generation = self._files.write_save(*of_what, left.sequence, self._when)
        older = () if left.mixed else left.good
        kept = (generation, *older)[:KEPT_GENERATIONS]
        next_id = latest_free_id(left.next_id, snapshot.next_id)
        entry = ImageEntry(
            **left.image.fields, key=left.key, next_id=next_id, generations=kept
        )
        if left.mixed:
            # Until the new save counts, whoever is killed needs all of this again.
            self._useless += [scan.segment.path for scan in left.journal.segments]
        else:
            self._repair_journal(left)
            if _is_sound(self._found.folder, entry):
                return entry
        # What contradicts the new save is in it: it stays at hand, but does not count.
        self._put_away(left.key, [*(each.number for each in left.good), *left.old])
        return entry.model_copy(update={"generations": (generation,)})

    def _put_away(self, key: str, numbers: Iterable[int]) -> None:
        """Let saves go into quarantine, once what comes in their place counts."""
        self._useless += [
            map_path(self._found.folder, kind, key, number)
            for number in numbers
            for kind in (LABELS, PROVENANCE)
        ]

    def _repair_journal(self, left: RecoveredWork) -> None:
        """Leave out what is damaged, and changes that do not count up."""
        last = 0
        for scan in left.journal.segments:
            kept = []
            for line in scan.lines:
                if line.logged.sequence > last:
                    last = line.logged.sequence
                    kept.append(line)
            if scan.sound and len(kept) == len(scan.lines):
                continue
            path = scan.segment.path
            self._quarantine.keep(path)
            if kept:
                header = scan.header or Header(
                    journal=1,
                    key=left.key,
                    first=kept[0].logged.sequence,
                    image=ImageFields(**left.image.fields),
                )
                lines = [encode_line(header.model_dump(mode="json"))]
                lines += [line.text for line in kept]
                write_atomically(path, methodcaller("writelines", lines))
            else:
                self._quarantine.remove(path)

    def _refuse_nothing(self, models: FoundModels, images: list[Recovery]) -> None:
        found = self._found
        readable = found.current.manifest or found.previous.manifest
        unharmed = any(not image.lost for image in images)
        if not (self._entries or models.models or unharmed or readable):
            problems = [problem for image in images for problem in image.lost]
            words = " ".join(dict.fromkeys(problems))
            raise InputError(
                f"Nothing of {found.folder} can be brought back, and it was left as it "
                f"is. {words}".strip()
            )

    def _make_room(self) -> None:
        """Take away, once, what is no file or folder of ours, before we write."""
        for each in self._in_the_way:
            self._quarantine.remove(self._found.folder / each.name)
        self._in_the_way = ()

    def _set_aside(self) -> Iterator[str]:
        """Keep copies of damaged files; return what was done, in words."""
        self._make_room()
        for each in self._found.obstacles:
            yield f"{each.name} {each.what}{each.done}."
        for problem in self._found.manifest_problems(*self._found.older):
            yield f"{problem} A new one was written."

    def _commit(self, models: FoundModels) -> None:
        """Let what was written count; then remove what is of no use any more."""
        for file in (self._found.current, self._found.previous):
            self._quarantine.keep(self._found.folder / file.name)
        for file in self._found.older:
            if file.problem:
                self._quarantine.remove(self._found.folder / file.name)
        manifest = Manifest(
            settings=self._found.manifest.settings,
            active_model=models.active,
            models=models.models,
            images=tuple(self._at_home(entry) for entry in self._entries),
        )
        self._files.make()
        self._files.commit(manifest)
        for left in self._hopeless:
            self._repair_journal(left)
        for path in self._useless:
            self._quarantine.remove(path)
        for folder in models.dropped:
            self._quarantine.remove(self._found.folder / MODELS / folder)

    def _at_home(self, entry: ImageEntry) -> ImageEntry:
        """Return an entry whose path leads to the image from the new place."""
        if self._homes is None:
            return entry
        path = entry.path_from(self._homes[0].resolve())
        there = path and relative_path(path, self._homes[1])
        return entry.model_copy(update={"path": there})


def _is_sound(folder: Path, entry: ImageEntry) -> bool:
    """Whether an entry would be sound if the manifest held it."""
    manifest = Manifest(images=(entry,))
    current = ManifestFile(MANIFEST, present=True, manifest=manifest)
    found = replace(survey(folder), current=current)
    return not is_damaged(found, entry.key)


def needs_repair(found: Survey) -> bool:
    """Whether anything of a project is damaged that can be repaired or set aside."""
    return bool(
        found.obstacles
        or found.manifest_problems(*found.older)
        or find_models(found).words
        or any(is_damaged(found, key) for key in found.keys)
    )


def recover_here(
    folder: Path, near: NearImages, when: datetime | None = None
) -> RepairResult:
    """Repair a project where it is; copies of damaged files are kept in it.

    Raises an InputError if it is no project, or nothing of it can be brought back, and
    a StorageError if it is open elsewhere, or nothing can be written there.
    """
    found = survey(folder)
    if holder := read_holder(folder):
        raise StorageError(
            f"{folder} is open elsewhere ({holder.describe()}); close it there, or "
            "recover it into another folder with --out."
        )
    if not needs_repair(found):
        images = [(key, find_image(found, key, no_images)) for key in found.keys]
        return RepairResult(tuple(Recovery(i.name if i else key) for key, i in images))
    lock = ProjectLock(folder)
    lock.acquire()
    try:
        return Repairer(survey(folder), near, when).run()
    finally:
        lock.release()


def recover_copy(folder: Path, out: Path, near: NearImages) -> RepairResult:
    """Make a sound copy of a project; the project itself is not touched.

    Raises an InputError if it is no project, nothing of it can be brought back, or
    `out` exists, and a StorageError if nothing can be written there.
    """
    survey(folder)
    if os.path.lexists(out):
        raise InputError(f"{str(out)!r} exists already; choose another --out.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{str(out)!r} lies in the project; choose another --out.")
    outcomes: list[RepairResult] = []

    def fill(copy: Path) -> None:
        copy_project(folder, copy)
        outcome = Repairer(survey(copy), near, homes=(folder, out)).run()
        if outcome.kept is not None:
            shutil.rmtree(outcome.kept)
        # The damaged files are where they were: in the project that was copied.
        outcomes.append(replace(outcome, kept=None))

    write_folder_atomically(out, fill)
    return outcomes[0]

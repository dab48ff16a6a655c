"""Writes what makes a damaged project sound; see `repair`.

Damaged files go into quarantine, a folder in the project, when whole ones take their
place.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from napari_unet.core.atomic import storage_error, sync_folder, write_atomically
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.geometry.ids import latest_free_id
from napari_unet.project.folder import ProjectFolder
from napari_unet.project.identity import ImageFields, relative_path
from napari_unet.project.journal_line import encode_line
from napari_unet.project.journal_reader import Header
from napari_unet.project.layout import (
    LABELS,
    MANIFEST,
    MODELS,
    PROVENANCE,
    QUARANTINE,
    map_path,
)
from napari_unet.project.manifest import (
    KEPT_GENERATIONS,
    Generation,
    ImageEntry,
    Manifest,
    ManifestFile,
)
from napari_unet.project.rescue.recover import (
    FoundModels,
    RecoveredWork,
    fields_of,
    find_models,
    recover_work,
)
from napari_unet.project.rescue.survey import (
    NearImages,
    Survey,
    blocked_words,
    survey,
)
from napari_unet.project.rescue.verify import is_damaged


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of one image.

    Parameters
    ----------
    name : str
        Of the image; its key where the name is lost.
    origin : str
        Where its work comes from, or nothing if nothing came back.
    lost : tuple of str
        What did not come back, in sentences.
    repaired : bool
        Whether anything had to be done.
    damaged : tuple of str
        Saves that cannot be read, in sentences; other files may tell the same.
    """

    name: str
    origin: str = ""
    lost: tuple[str, ...] = ()
    repaired: bool = False
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What became of a project.

    Parameters
    ----------
    others : tuple of str
        What was done besides, in sentences.
    kept : Path or None
        Where copies of the damaged files are, if there are any.
    """

    images: tuple[Recovery, ...] = ()
    others: tuple[str, ...] = ()
    kept: Path | None = None

    @property
    def changed(self) -> bool:
        """Whether anything had to be done."""
        return bool(self.others) or any(image.repaired for image in self.images)


class Repairer:
    """Makes one project sound, where it is.

    Parameters
    ----------
    near : callable
        Returns images that may belong to it.
    homes : tuple of Path, optional
        Where the project was and where it will be, if it is a copy.
    """

    def __init__(
        self,
        found: Survey,
        near: NearImages,
        when: datetime,
        *,
        homes: tuple[Path, Path] | None = None,
    ) -> None:
        self._found = found
        self._near = near
        self._when = when
        self._homes = homes
        self._files = ProjectFolder(found.folder)
        self._quarantine = Quarantine(found.folder, when)
        self._useless: list[Path] = []
        self._hopeless: list[RecoveredWork] = []
        self._entries: list[ImageEntry] = []
        self._has_room = False

    def run(self) -> RepairResult:
        """Repair everything; tell what became of it.

        Raises
        ------
        InputError
            If nothing can be brought back; then nothing was written.
        StorageError
            If something cannot be written.
        """
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
        self._put_away(key, left.saves.bad)
        if left.annotation is None:
            # Not named any more, and set aside: nothing is left to be done.
            self._hopeless.append(left)
            there = bool(named or left.saves.bad or not left.journal.sound)
            return Recovery(left.image.name, "", left.lost, repaired=there)
        self._entries.append(self._write(left))
        told = left.origin, left.lost
        return Recovery(
            left.image.name, *told, repaired=True, damaged=tuple(left.saves.problems)
        )

    def _write(self, left: RecoveredWork) -> ImageEntry:
        """Write one save of all that came back, and a journal without damage."""
        self._make_room()
        if left.annotation is None:
            raise InputError(f"Nothing of {left.image.name} came back.")
        snapshot = left.annotation.snapshot()
        axes = result_axes(left.image.axes)
        hashes = self._files.write_maps(
            left.key, left.saves.next_number, snapshot, axes
        )
        generation = Generation(
            number=left.saves.next_number,
            saved_at=self._when,
            sequence=left.sequence,
            labels_hash=hashes[0],
            provenance_hash=hashes[1],
        )
        older = () if left.mixed else left.saves.good
        entry = ImageEntry(
            **fields_of(left.image),
            key=left.key,
            next_id=latest_free_id(left.saves.next_id, snapshot.next_id),
            generations=(generation, *older)[:KEPT_GENERATIONS],
        )
        if left.mixed:
            # Until the new save counts, whoever is killed needs all of this again.
            self._useless += [scan.segment.path for scan in left.journal.segments]
        else:
            self._repair_journal(left)
            if _is_sound(self._found.folder, entry):
                return entry
        # What contradicts the new save is in it: it stays at hand, but does not count.
        self._put_away(
            left.key, [*(each.number for each in left.saves.good), *left.saves.old]
        )
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
                    kept.append((line.text, last))
            if scan.sound and len(kept) == len(scan.lines):
                continue
            path = scan.segment.path
            self._quarantine.keep(path)
            if kept:
                header = scan.header or Header(
                    journal=1,
                    key=left.key,
                    first=kept[0][1],
                    image=ImageFields(**fields_of(left.image)),
                )
                _write_lines(path, header, [text for text, _ in kept])
            else:
                self._quarantine.remove(path)

    def _refuse_nothing(self, models: FoundModels, images: list[Recovery]) -> None:
        unharmed = any(not image.lost for image in images)
        if not (self._entries or models.models or unharmed or self._is_readable):
            problems = [problem for image in images for problem in image.lost]
            words = " ".join(dict.fromkeys(problems))
            raise InputError(
                f"Nothing of {self._found.folder} can be brought back, and it was left "
                f"as it is. {words}".strip()
            )

    @property
    def _is_readable(self) -> bool:
        return bool(self._found.current.manifest or self._found.previous.manifest)

    def _make_room(self) -> None:
        """Take away, once, what is no file or folder of ours, before we write."""
        for name in () if self._has_room else self._found.links + self._found.blocked:
            self._quarantine.remove(self._found.folder / name)
        self._has_room = True

    def _set_aside(self) -> Iterator[str]:
        """Keep copies of damaged files; return what was done, in words."""
        self._make_room()
        for link in self._found.links:
            yield f"{link} is a link and was set aside."
        for name in self._found.blocked:
            yield f"{name} {blocked_words(name)}, and was set aside."
        for file in self._found.damaged_manifests:
            yield f"{file.problem} A new one was written."
        if not self._found.current.present and self._found.has_lost_manifest:
            yield f"{MANIFEST} is missing. A new one was written."

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


_UNKNOWN = (
    "Nobody knows which image its labels belong to; put the image beside the project "
    "and recover it again."
)


def _is_sound(folder: Path, entry: ImageEntry) -> bool:
    """Whether an entry would be sound if the manifest held it."""
    manifest = Manifest(images=(entry,))
    current = ManifestFile(MANIFEST, present=True, manifest=manifest)
    found = replace(survey(folder), current=current)
    return not is_damaged(found, entry.key)


def _write_lines(path: Path, header: Header, lines: list[bytes]) -> None:
    first = encode_line(header.model_dump(mode="json"))
    write_atomically(path, lambda file: file.writelines([first, *lines]))


class Quarantine:
    """A folder in the project, made with the first file that is put there."""

    def __init__(self, project: Path, when: datetime) -> None:
        self._project = project
        name = f"{QUARANTINE}{when.astimezone():%Y%m%d-%H%M%S}"
        taken = {path.name for path in project.glob(f"{QUARANTINE}*")}
        names = (name, *(f"{name}-{n}" for n in range(2, len(taken) + 3)))
        self._folder = project / next(n for n in names if n not in taken)

    @property
    def folder(self) -> Path | None:
        """Where it is, if anything is in it."""
        return self._folder if self._folder.is_dir() else None

    def keep(self, path: Path) -> None:
        """Put a second copy of a file, a folder or a link there.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        target = self._folder / path.relative_to(self._project)
        if not os.path.lexists(path) or _is_copy(path, target):
            return
        while os.path.lexists(target):
            target = target.with_name(f"{target.name}~")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
            sync_folder(target.parent)
        except OSError as error:
            raise storage_error(target, error) from error

    def remove(self, path: Path) -> None:
        """Remove a file, a folder or a link from the project, after it was kept."""
        self.keep(path)
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(path, error) from error


def _is_copy(path: Path, target: Path) -> bool:
    if not path.is_file() or path.is_symlink() or not target.is_file():
        return False
    return filecmp.cmp(path, target, shallow=False)


def _copy(path: Path, target: Path) -> None:
    if path.is_symlink():
        target.symlink_to(path.readlink())
    elif path.is_dir():
        shutil.copytree(path, target, symlinks=True)
    else:
        # Nobody writes into these files any more: they are replaced as a whole.
        with suppress(OSError):
            os.link(path, target)
            return
        shutil.copy2(path, target)

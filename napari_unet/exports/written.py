"""What this program wrote, told apart from what others wrote or changed since."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from pydantic import Field

from napari_unet.core.atomic import told_in_words
from napari_unet.core.validation import Frozen, read_description

NOTE = ".napari-unet-files.json"
"""Where a folder that is one result keeps what was written into it."""

_MOST_BYTES = 2**28
_PIECE = 2**22


class _Note(Frozen):
    """Fingerprints by paths in the folder."""

    files: dict[str, str] = Field(default_factory=dict)


def note_files(folder: Path) -> None:
    """Note in a folder what is in it now."""
    found = {each.relative_to(folder).as_posix(): each for each in _files(folder)}
    note = _Note(files={name: fingerprint(path) for name, path in found.items()})
    (folder / NOTE).write_text(note.model_dump_json(), encoding="utf-8")


def files_as_noted(folder: Path) -> set[str]:
    """Return the files of a folder that are still as they were noted, by their paths.

    There are none in a folder that another program made.
    """
    note = read_description(folder / NOTE, _Note, most_bytes=_MOST_BYTES)
    if note is None:
        return set()
    same = {
        name
        for name, known in note.files.items()
        if (folder / name).is_file() and fingerprint(folder / name) == known
    }
    return {NOTE, *same}


def fingerprint(path: Path) -> str:
    """Return what tells the content of a file, or of all files of a folder."""
    digest = blake2b(digest_size=16)
    with told_in_words(path):
        for each in _files(path):
            digest.update(f"{each.relative_to(path).as_posix()}\n".encode())
            with each.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    yield from sorted(each for each in path.rglob("*") if each.is_file())

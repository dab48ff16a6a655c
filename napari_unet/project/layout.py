"""Where everything lies: the names of project folders, and of the files in one.

::

    cells.unet/
        project.json                     the manifest: names the saves that count
        project.previous.json            its copy, if the first is damaged
        project.v2.json                  a manifest of an older version, as it was
        labels/cells-1f2e3d.7.tif        int32 (regressed values: float32), save
                                         number 7 of one image
        provenance/cells-1f2e3d.7.tif    uint8, its other half
        journal/cells-1f2e3d.000001.jsonl    every change since, line by line
        snapshots/cells-1f2e3d.2.*       copies that are kept, see `snapshots`
        models/3-round-1/                a version of the model
        training/                        where a training can go on after a crash
        finished.jsonl                   which views were accepted, and what they took
        chunks/cells-1f2e3d/             saves of labels larger than memory
        lock.json                        who works here now
        home.json                        where work belongs that is kept elsewhere
        damaged-20300101-120000/         quarantine: files that were replaced
"""

from __future__ import annotations

import os
import re
from functools import partial
from hashlib import blake2b
from pathlib import Path

import platformdirs

SUFFIX = ".unet"

MANIFEST, PREVIOUS = "project.json", "project.previous.json"
LABELS, PROVENANCE, JOURNAL = "labels", "provenance", "journal"
MODELS, TRAINING, SNAPSHOTS = "models", "training", "snapshots"
CHUNKS = "chunks"
LOCK, HOME, FINISHED = "lock.json", "home.json", "finished.jsonl"
FOLDERS = {LABELS, PROVENANCE, JOURNAL, MODELS, TRAINING}
"""Of which `recover` takes care; snapshots are checked when they are brought back."""
QUARANTINE = "damaged-"
"""How the names of folders begin that hold damaged files."""

_OLDER = re.compile(r"project\.v[0-9]{1,3}\.json")
_LONGEST_NAME = 255
_LONGEST_BEGIN = 60
_BYTES_OF_BEGIN = 230


def _parse(ending: str, name: str) -> tuple[str, int] | None:
    """Return the key and the number in the name of a file; None for other files."""
    found = re.fullmatch(rf"([a-z0-9][a-z0-9-]{{0,99}})\.{ending}", name)
    return (found[1], int(found[2])) if found else None


parse_map_name = partial(_parse, r"([1-9][0-9]{0,15})\.tif")
parse_segment_name = partial(_parse, r"([0-9]{6,12})\.jsonl")
parse_snapshot_name = partial(_parse, r"([0-9]{1,9})\.json")


def map_path(project: Path, kind: str, key: str, number: int) -> Path:
    """Return where the labels or the provenance of a save lie."""
    return project / kind / f"{key}.{number}.tif"


def segment_path(journals: Path, key: str, number: int) -> Path:
    """Return where a segment lies in the folder of journals."""
    return journals / f"{key}.{number:06d}.jsonl"


def snapshot_paths(project: Path, key: str, number: int) -> tuple[Path, Path, Path]:
    """Return where labels, provenance and description of a copy lie."""
    ends = ("labels.tif", "provenance.tif", "json")
    folder = project / SNAPSHOTS
    labels, provenance, fields = (folder / f"{key}.{number}.{end}" for end in ends)
    return labels, provenance, fields


def model_folder(number: int, words: str) -> str:
    """Return the name of the folder of a version of the model."""
    return f"{number}-{words[:_LONGEST_BEGIN].strip('-') or 'model'}"


def older_manifest(version: int) -> str:
    """Return the name of the copy of a manifest of an older format."""
    return f"project.v{version}.json"


def is_older_manifest(name: str) -> bool:
    """Whether a file is such a copy."""
    return bool(_OLDER.fullmatch(name))


def default_folder(image_path: Path | None, name: str) -> Path:
    """Return where an image's project lies by default: beside it, or with user data."""
    if image_path is not None:
        plain = image_path.with_name(image_path.stem + SUFFIX)
        # Where file systems count letters there may be work under the whole name.
        if os.path.exists(plain):  # noqa: PTH110 - a Path raises if it is too long
            return plain
        return image_path.with_name(_short(image_path.stem) + SUFFIX)
    safe = "".join(c if c.isalnum() or c in " -_" else "-" for c in name).strip(" -")
    return unfiled_folder() / f"{safe[:_LONGEST_BEGIN] or 'image'}{SUFFIX}"


def unfiled_folder() -> Path:
    """Return the folder for projects of images that are no files."""
    return platformdirs.user_data_path("napari-unet", appauthor=False) / "projects"


def kept_folder(home: Path) -> Path:
    """Return where work is kept that cannot be saved in a project folder."""
    real = str(home.resolve()).encode("utf-8", "surrogateescape")
    digest = blake2b(real, digest_size=6).hexdigest()
    begin = _first_bytes(home.stem[:_LONGEST_BEGIN], _BYTES_OF_BEGIN)
    return _kept_root() / f"{begin}-{digest}{SUFFIX}"


def is_kept(project: Path) -> bool:
    """Whether a project folder is one of those in which work is kept."""
    return project.is_relative_to(_kept_root())


def _kept_root() -> Path:
    return unfiled_folder() / "kept"


def _short(stem: str) -> str:
    """Shorten an image's name so that its project's fits, and add a hash to it."""
    content = os.fsencode(stem)
    if len(content) + len(SUFFIX) <= _LONGEST_NAME:
        return stem
    digest = blake2b(content, digest_size=6).hexdigest()
    most = _LONGEST_NAME - len(SUFFIX) - len(digest) - 1
    return f"{_first_bytes(stem, most).rstrip()}-{digest}"


def _first_bytes(name: str, most: int) -> str:
    """Return the beginning of a name, without half a letter at its end."""
    return os.fsencode(name)[:most].decode("utf-8", "ignore")

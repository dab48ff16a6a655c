"""The list of model folders that a person saved or opened, kept for the next start.

A small JSON file in the user's data folder. It only says where models are: the models
stay in the folders that the person chose. Those that came as one file, for which nobody
chose a folder, have one beside the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import BaseModel, ConfigDict, Field

from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.core.validation import read_description
from napari_unet.errors import StorageError

_MOST = 200
_LARGEST = 2**20


class _Content(BaseModel):
    """Content of the file; the last one opened comes last."""

    # What a newer version of the program adds is of no use here, and no harm.
    model_config = ConfigDict(frozen=True, extra="ignore")

    format_version: int = 1
    models: tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...] = ()


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A model folder of a person; missing where it holds no model, or not now."""

    path: Path
    missing: bool = False

    @property
    def name(self) -> str:
        """Name of the folder, for people."""
        return self.path.name


class ModelLibrary:
    """Reads and writes the list; in the user's data folder where no file is given."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def read(self) -> tuple[OwnModel, ...]:
        """Return all models of the list; none where it cannot be read."""
        paths = [Path(text) for text in self._content().models]
        return tuple(OwnModel(path, not _is_model(path)) for path in paths)

    def add(self, folder: Path) -> tuple[OwnModel, ...]:
        """Add a model folder and return the list, or raise a StorageError."""
        others = self._without(folder)
        return self._write((*others, _text(folder))[-_MOST:])

    def remove(self, folder: Path) -> tuple[OwnModel, ...]:
        """Take a model folder off the list and return it, or raise a StorageError."""
        return self._write(self._without(folder))

    def room_for(self, name: str) -> Path:
        """Return a folder that is not there yet; a StorageError if there is no home."""
        folder = self._path().parent / "models"
        others = (f"{name} {number}" for number in count(2))
        paths = (folder / each for each in chain([name], others))
        return next(path for path in paths if not path.exists())

    def _without(self, folder: Path) -> tuple[str, ...]:
        text = _text(folder)
        return tuple(each for each in self._content().models if each != text)

    def _content(self) -> _Content:
        try:
            path = self._path()
        except StorageError:  # there is no list where there is no home
            return _Content()
        return read_description(path, _Content, most_bytes=_LARGEST) or _Content()

    def _write(self, models: tuple[str, ...]) -> tuple[OwnModel, ...]:
        content = _Content(models=models)
        if content != self._content():
            path = self._path()
            with told_in_words(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            text = content.model_dump_json(indent=1).encode()
            write_atomically(path, lambda file: file.write(text + b"\n"))
        return self.read()

    def _path(self) -> Path:
        if self._file is not None:
            return self._file
        try:
            folder = platformdirs.user_data_path("napari-unet", appauthor=False)
        except RuntimeError as error:  # there is no home
            raise StorageError(f"There is no folder for your data: {error}") from error
        return folder / "models.json"


def _text(folder: Path) -> str:
    return str(folder.expanduser().absolute())


def _is_model(path: Path) -> bool:
    try:
        return (path / "model.json").is_file()
    except OSError:
        return False

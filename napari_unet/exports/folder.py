"""A folder of results that are exported again and again.

What this program wrote is replaced. A file that somebody else wrote, or changed since,
as who corrects it in Fiji does, is never: that is known by what was written, of which
the folder keeps a note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import Field

from napari_unet import measurements
from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.core.validation import Frozen, read_description
from napari_unet.errors import InputError
from napari_unet.exports.format import Format, Steps
from napari_unet.exports.in_chunks import LargeResult, iter_write_large
from napari_unet.exports.result import Result
from napari_unet.exports.write import iter_write
from napari_unet.exports.written import fingerprint
from napari_unet.measurements.table import Measurements

NOTE = ".napari-unet-results.json"
"""Where it is noted what was written."""

_MOST_BYTES = 2**26


class _Note(Frozen):
    """Names of images by their keys, and what was written, by names of files."""

    names: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)


@dataclass(slots=True)
class ResultsFolder:
    """Results of some images; nothing is made before the first of them is written."""

    path: Path
    _note: _Note = field(init=False)

    def __post_init__(self) -> None:
        found = read_description(self.path / NOTE, _Note, most_bytes=_MOST_BYTES)
        self._note = found or _Note()

    def name_for(self, key: str, name: str) -> str:
        """Return the name of an image's files: another one than other images have.

        `key` tells images apart that are called the same.
        """
        names = self._note.names
        if key in names:
            return names[key]
        taken = {each.casefold() for each in names.values()}
        numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
        return next(n for n in (name, *numbered) if n.casefold() not in taken)

    def file_for(self, key: str, name: str, format_: Format) -> str:
        """Return the name of an image's file in a format."""
        return f"{self.name_for(key, name)}{format_.ending}"

    def why_not_replace(self, file: str) -> str:
        """Return why a file must not be replaced, or nothing if it may be."""
        path = self.path / file
        if not path.exists() or self._note.files.get(file) == fingerprint(path):
            return ""
        return (
            f"{file} is not as this program wrote it, and was left alone: move it, or "
            "rename it, to export it anew."
        )

    def iter_put(self, key: str, result: Result, format_: Format) -> Steps:
        """Write a result in a format, yielding often; `key` is that of its image.

        Raises an InputError if that would replace what others wrote, and the errors of
        `iter_write`.
        """
        write = partial(iter_write, result, format_, overwrite=True)
        yield from self._iter_put(key, result.name, format_, write)

    def iter_put_large(self, key: str, result: LargeResult, format_: Format) -> Steps:
        """Do the same with labels larger than memory."""
        write = partial(iter_write_large, result, format_)
        yield from self._iter_put(key, result.name, format_, write)

    def _iter_put(
        self, key: str, image: str, format_: Format, write: Callable[[Path], Steps]
    ) -> Steps:
        name = self.name_for(key, image)
        file = self.file_for(key, image, format_)
        yield from write(self._make_room(file))
        self._remember(file, {key: name})

    def put_table(self, file: str, tables: Mapping[str, Measurements]) -> None:
        """Write the objects of several images; errors are those of `iter_put`."""
        measurements.write_csv_of_images(self._make_room(file), tables)
        self._remember(file, {})

    def _make_room(self, file: str) -> Path:
        if why_not := self.why_not_replace(file):
            raise InputError(why_not)
        with told_in_words(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        return self.path / file

    def _remember(self, file: str, names: dict[str, str]) -> None:
        self._note = _Note(
            names=self._note.names | names,
            files=self._note.files | {file: fingerprint(self.path / file)},
        )
        content = (self._note.model_dump_json(indent=1) + "\n").encode()
        write_atomically(self.path / NOTE, lambda written: written.write(content))

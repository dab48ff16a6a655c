"""A save of labels larger than memory: only the chunks that changed are written.

::

    chunks/KEY/12-7.3.labels.tif        labels of a chunk, as save number 3 left it
    chunks/KEY/12-7.3.provenance.tif    its other half
    chunks/KEY/12-7.3.objects.npy       which objects it holds
    chunks/KEY/3.json                   which files save number 3 is made of

No file is ever changed: a save writes new ones, then its index, and counts when the
manifest names it. So older saves stay whole, as those of small images do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from napari_unet.annotation.chunk_planes import ChunkFacts
from napari_unet.annotation.chunked import Chunk, ChunkedArray, Index
from napari_unet.annotation.large import ChunkedSnapshot
from napari_unet.annotation.objects import Content, ObjectTable, Rows, rows_of
from napari_unet.annotation.provenance import AnnotationSnapshot, is_verified
from napari_unet.core.atomic import told_in_words, write_atomically
from napari_unet.errors import StorageError
from napari_unet.geometry.box import Box
from napari_unet.project.identity import Hash, Record
from napari_unet.project.maps import Pair, read_maps, write_maps

_LARGEST_INDEX = 2**28
_LARGEST_ROWS = 2**28


class _Entry(Record):
    """The files of a chunk: the number in their names, and what is in them."""

    number: int = Field(ge=1, le=2**53)
    labels_hash: Hash
    provenance_hash: Hash
    rows_hash: Hash


class _Index(Record):
    chunks: dict[str, _Entry]


class ChunkFolder:
    """The chunks of one save; implements `SavedChunks`. Any thread may read.

    Parameters
    ----------
    path : Path
        The folder with the chunks of an image.
    shape : tuple of int
        Of all labels.
    entries : mapping
        The files of each chunk.
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], entries: Mapping[Index, _Entry]
    ) -> None:
        self.path, self.shape, self.entries = path, shape, dict(entries)
        # Knows where chunks lie, and holds none.
        self._grid = ChunkedArray(shape, np.uint8)

    @property
    def indices(self) -> frozenset[Index]:
        """The chunks that are saved."""
        return frozenset(self.entries)

    @classmethod
    def open(
        cls, path: Path, shape: tuple[int, ...], number: int, expected: str
    ) -> ChunkFolder:
        """Return the chunks of a save; a StorageError tells that it is damaged."""
        index = path / f"{number}.json"
        try:
            with index.open("rb") as file:
                text = file.read(_LARGEST_INDEX)
            if _hash(text) != expected:
                raise StorageError(f"{index.name} is not what was saved.")
            found = _Index.model_validate_json(text)
            entries = {_index_of(name): each for name, each in found.chunks.items()}
        except OSError as error:
            raise StorageError(f"{index} cannot be read: {error.strerror}.") from error
        except (ValidationError, ValueError) as error:
            raise StorageError(f"{index} is damaged.") from error
        return cls(path, shape, entries)

    def labels(self, index: Index) -> Chunk | None:
        """Return the labels of a chunk; a StorageError tells that it is damaged."""
        found = self.read(index)
        return found[0] if found is not None else None

    def provenance(self, index: Index) -> Chunk | None:
        """Return the provenance of a chunk."""
        found = self.read(index)
        return found[1] if found is not None else None

    def read(self, index: Index) -> tuple[Chunk, Chunk] | None:
        """Return labels and provenance of a chunk, None if it was never saved."""
        entry = self.entries.get(index)
        if entry is None:
            return None
        shape = self._grid.place(index).shape
        hashes = entry.labels_hash, entry.provenance_hash
        return read_maps(_pair(self.path, index, entry.number), (shape, shape), hashes)

    def problem(self) -> str:
        """Read every file, and return which one is damaged; nothing if none is."""
        try:
            for index, entry in self.entries.items():
                self._rows(index, entry)
                self.read(index)
        except StorageError as error:
            return str(error)
        return ""

    def objects(self) -> tuple[ObjectTable, ChunkFacts]:
        """Return the objects of all chunks, and what these hold.

        But for chunks that cannot be read.
        """
        table = ObjectTable(self._grid.size)
        verified, unfinished = set[Index](), set[Index]()
        for index, entry in self.entries.items():
            with suppress(StorageError):  # told when somebody looks there
                rows = self._rows_or_count(index, entry)
                table.add(rows)
                if rows.verified:
                    verified.add(index)
                if any(right < pixels for _, pixels, right, _ in rows.objects):
                    unfinished.add(index)
        return table, ChunkFacts(frozenset(verified), frozenset(unfinished))

    def _rows_or_count(self, index: Index, entry: _Entry) -> Rows:
        """Return the objects of a chunk, counted anew if their file is damaged."""
        try:
            return self._rows(index, entry)
        except StorageError:
            if (maps := self.read(index)) is None:
                raise
            return _rows_in(*maps, self._grid.place(index))

    def _rows(self, index: Index, entry: _Entry) -> Rows:
        path = _rows_path(self.path, index, entry.number)
        return _read_rows(path, entry.rows_hash, self._grid.place(index))

    def write(self, number: int, snapshot: ChunkedSnapshot, axes: str) -> str:
        """Write a save that begins with these chunks; return the hash of its index."""
        with told_in_words(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        entries = dict(self.entries)
        for index in snapshot.damaged:
            self._keep_damaged(index)
        for index, (labels, provenance) in snapshot.chunks.items():
            pair = _pair(self.path, index, number)
            work = AnnotationSnapshot(labels, provenance, 1, 0)
            hashes = write_maps(pair, work, axes)
            rows = _rows_in(labels, provenance, self._grid.place(index))
            own = _write_rows(_rows_path(self.path, index, number), rows)
            entries[index] = _Entry(
                number=number,
                labels_hash=hashes[0],
                provenance_hash=hashes[1],
                rows_hash=own,
            )
        self.entries = entries
        chunks = {_name_of(i): e.model_dump() for i, e in sorted(entries.items())}
        text = json.dumps({"chunks": chunks}).encode()
        write_atomically(self.path / f"{number}.json", lambda file: file.write(text))
        return _hash(text)

    def _keep_damaged(self, index: Index) -> None:
        """Keep a copy of what another save takes the place of, if that is possible.

        It may hold work that somebody can still read; nothing removes it.
        """
        if (entry := self.entries.get(index)) is not None:
            for path in _pair(self.path, index, entry.number):
                with suppress(OSError):
                    copyfile(path, path.with_name(f".damaged.{path.name}"))


def all_chunks(snapshot: ChunkedSnapshot, saved: ChunkFolder) -> ChunkedSnapshot:
    """Return a snapshot with all chunks, those that are saved elsewhere, too.

    But for damaged ones, which stay where they are.
    """
    chunks: dict[Index, tuple[Chunk, Chunk]] = {}
    for index in saved.entries.keys() - snapshot.chunks.keys():
        with suppress(StorageError):
            if (both := saved.read(index)) is not None:
                chunks[index] = both
    return ChunkedSnapshot(
        snapshot.shape,
        {**chunks, **snapshot.chunks},
        snapshot.next_id,
        snapshot.revision,
        snapshot.counts,
        snapshot.saved,
        origins=snapshot.origins,
    )


def remove_others(kept: Iterable[tuple[int, ChunkFolder]], path: Path) -> None:
    """Remove the files of chunks that no save is made of any more, if possible."""
    names = set[str]()
    for number, folder in kept:
        names.add(f"{number}.json")
        for index, entry in folder.entries.items():
            pair = _pair(path, index, entry.number)
            names |= {each.name for each in pair}
            names.add(_rows_path(path, index, entry.number).name)
    with suppress(OSError):
        for each in path.iterdir():
            if each.name not in names and not each.name.startswith("."):
                each.unlink()


def _pair(folder: Path, index: Index, number: int) -> Pair:
    name = f"{_name_of(index)}.{number}"
    return folder / f"{name}.labels.tif", folder / f"{name}.provenance.tif"


def _rows_path(folder: Path, index: Index, number: int) -> Path:
    return folder / f"{_name_of(index)}.{number}.objects.npy"


def _name_of(index: Index) -> str:
    return "-".join(map(str, index))


def _index_of(name: str) -> Index:
    return tuple(int(each) for each in name.split("-"))


def _rows_in(labels: Chunk, provenance: Chunk, place: Box) -> Rows:
    return rows_of(Content(labels, is_verified(provenance)), place)


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _write_rows(path: Path, rows: Rows) -> str:
    """Write one row for each object, and one before them for the background."""
    table = [
        [i, pixels, verified, *box.start, *box.stop]
        for i, pixels, verified, box in rows.objects
    ]
    ends = len(table[0]) - 3 if table else 0
    first = [0, 0, rows.verified, *(0 for _ in range(ends))]
    content = BytesIO()
    np.save(content, np.array([first, *table], np.int64), allow_pickle=False)
    text = content.getvalue()
    write_atomically(path, lambda file: file.write(text))
    return _hash(text)


def _read_rows(path: Path, expected: str, place: Box) -> Rows:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_ROWS)
        if _hash(text) != expected:
            raise StorageError(f"{path.name} is not what was saved.")
        table: npt.NDArray[Any] = np.load(BytesIO(text), allow_pickle=False)
        verified, ndim = int(table[0, 2]), len(place.start)
        objects = tuple(
            (i, pixels, right, Box(tuple(ends[:ndim]), tuple(ends[ndim:])))
            for i, pixels, right, *ends in table[1:].tolist()
        )
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, IndexError, EOFError) as error:
        raise StorageError(f"{path.name} is damaged.") from error
    return Rows(verified, objects)

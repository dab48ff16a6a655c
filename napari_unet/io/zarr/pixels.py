"""Reading regions of zarr arrays: the chunks that hold them, no others.

The library asks a store for bytes. Ours looks at them before they are unpacked, and
knows the name of the chunk when something is wrong.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.abc.store import RangeByteRequest, SuffixByteRequest
from zarr.storage import FsspecStore, LocalStore, WrapperStore

from napari_unet.errors import InputError, UnreadableRegion, reason_of
from napari_unet.geometry.box import Box
from napari_unet.io.remote import is_local
from napari_unet.io.zarr import checks
from napari_unet.io.zarr.head import ArrayHead
from napari_unet.io.zarr.metadata import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zarr.abc.store import ByteRequest, Store
    from zarr.core.buffer import Buffer, BufferPrototype

    from napari_unet.io.zarr.image import ZarrLevel


def open_pixels(path: Path, levels: Sequence[ZarrLevel]) -> ZarrPixels:
    """Open the levels of an image.

    Raises a ValueError, or whatever the library raises, for what it cannot read.
    """
    return ZarrPixels([_open(path, each.folder, each.head) for each in levels])


def _open(path: Path, folder: Path, head: ArrayHead) -> Level:
    store = CheckedStore(_store(folder), path, folder, head)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array: Any = zarr.open_array(
            store=store, mode="r", zarr_format=head.zarr_format
        )
    if tuple(array.shape) != head.shape or array.dtype.kind not in "biuf":
        raise ValueError("the library sees another array")
    return Level(array, store)


def _store(folder: Path) -> Store:
    if is_local(folder):
        return LocalStore(folder, read_only=True)
    place: Any = folder
    options = dict(place.storage_options)
    return FsspecStore.from_url(str(folder), storage_options=options, read_only=True)


class CheckedStore(WrapperStore["Store"]):
    """A store that looks at packed chunks before they are unpacked.

    Attributes
    ----------
    read_nbytes : int
        How much was read of chunks so far.
    """

    def __init__(self, store: Store, path: Path, folder: Path, head: ArrayHead) -> None:
        super().__init__(store)
        self.path = path
        self.folder = folder
        self.head = head
        self.read_nbytes = 0

    def _with_store(self, store: Store) -> CheckedStore:
        return type(self)(store, self.path, self.folder, self.head)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, or of a part of it."""
        if key in METADATA:
            return await super().get(key, prototype, byte_range)
        checks.check_file(self.path, self.folder / key)
        found = await super().get(key, prototype, byte_range)
        if found is not None:
            packed = found.to_bytes()
            self.read_nbytes += len(packed)
            problem = self._problem(packed, byte_range)
            if problem is not None:
                raise UnreadableRegion(str(self.path), self.name(key), problem)
        return found

    def name(self, key: str) -> str:
        """Return how the chunk, or shard, of a key is called."""
        place = (self.folder / key).relative_to(self.path).as_posix()
        return f"the {'chunk' if self.head.index is None else 'shard'} {place!r}"

    def _problem(self, packed: bytes, byte_range: ByteRequest | None) -> str | None:
        index = self.head.index
        if byte_range is None:
            return checks.problem_of_shard(packed, self.head)
        at_start = RangeByteRequest(0, self.head.index_nbytes)
        is_index = index is not None and not index.at_end and byte_range == at_start
        if is_index or isinstance(byte_range, SuffixByteRequest):
            return None  # the library compares it with its checksum
        return checks.problem_of_chunk(packed, self.head)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """An open array."""

    array: Any
    store: CheckedStore

    def read(self, region: Box) -> npt.NDArray[Any]:
        """Read a region; the error of one that cannot be read names the chunk."""
        try:
            return np.asarray(self.array[region.slices])
        except InputError:
            raise
        # Libraries that unpack raise anything at all.
        except Exception as error:
            raise self._named(region, error) from error

    def missing(self, region: Box) -> tuple[str, ...]:
        """Return the names of chunks, or shards, that have no file."""
        return tuple(
            self.store.name(key)
            for key, _ in self._cells(region)
            if not (self.store.folder / key).is_file()
        )

    def _named(self, region: Box, error: Exception) -> Exception:
        """Return an error that names the first chunk that cannot be read."""
        for key, box in self._cells(region):
            try:
                self.array[box.slices]
            except Exception as found:  # noqa: BLE001 - as above
                reason = reason_of(found)
                path = str(self.store.path)
                return UnreadableRegion(path, self.store.name(key), reason)
        return error

    def _cells(self, region: Box) -> Iterator[tuple[str, Box]]:
        """Yield the keys of the files that hold a region, with what each has of it."""
        cells = self.store.head.cells
        ends = zip(region.start, region.stop, cells, strict=True)
        for place in product(*(range(a // n, (b - 1) // n + 1) for a, b, n in ends)):
            start = tuple(a * n for a, n in zip(place, cells, strict=True))
            stop = tuple(a + n for a, n in zip(start, cells, strict=True))
            key = self.array.metadata.encode_chunk_key(place)
            yield key, Box(start, stop).intersect(region)


@dataclass(frozen=True, slots=True, eq=False)
class ZarrPixels:
    """The open arrays of an image."""

    levels: list[Level]

    def read(self, region: Box, level: int) -> npt.NDArray[Any]:
        """Return a region of a level."""
        return self.levels[level].read(region)

    def missing(self, region: Box, level: int) -> tuple[str, ...]:
        """Return the names of chunks that have no file."""
        return self.levels[level].missing(region)

    def close(self) -> None:
        """Close the stores."""
        for level in self.levels:
            level.store.close()

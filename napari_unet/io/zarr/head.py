"""What an array of zarr says of itself, read before the zarr library sees it.

Only arrays of plain numbers in regular chunks, packed by codecs that do nothing but
unpack. Codecs that run what they find (pickle), and those that nobody needs for images,
are refused by not being in a list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_unet.errors import InputError
from napari_unet.io.zarr.metadata import Lenient, checked, read_record

Packing = Literal["none", "blosc", "gzip", "zlib", "zstd", "lz4"]

_PLAIN_CODECS = frozenset({"bytes", "transpose", "crc32c"})
_SHARDING = "sharding_indexed"
_INDEX_CODECS = (["bytes"], ["bytes", "crc32c"])
_MOST_OF_A_SHARD = 2**20

_Extents = Annotated[
    tuple[Annotated[int, Field(ge=0, le=2**48)], ...],
    Field(min_length=1, max_length=8),
]


class _Array2(Lenient):
    """`.zarray`, version 2."""

    zarr_format: Literal[2]
    shape: _Extents
    chunks: _Extents
    dtype: Annotated[str, Field(pattern=r"^[<>|][biuf][1248]$")]
    compressor: dict[str, Any] | None = None
    filters: Annotated[list[Any], Field(max_length=0)] | None = None
    order: Literal["C", "F"] = "C"
    dimension_separator: Literal[".", "/"] = "."

    @property
    def number(self) -> np.dtype[Any]:
        return np.dtype(self.dtype)

    @property
    def cells(self) -> Any:
        return self.chunks

    @property
    def packing(self) -> Any:
        return "none" if self.compressor is None else self.compressor.get("id")


class _Named(Lenient):
    name: Annotated[str, Field(max_length=100)]
    configuration: dict[str, Any] = Field(default_factory=dict)


class _Array3(Lenient):
    """`zarr.json` of an array, version 3."""

    zarr_format: Literal[3]
    node_type: Literal["array"]
    shape: _Extents
    data_type: Annotated[
        str, Field(pattern=r"^(bool|u?int(8|16|32|64)|float(16|32|64))$")
    ]
    chunk_grid: _Named
    chunk_key_encoding: _Named
    codecs: Annotated[tuple[_Named, ...], Field(min_length=1, max_length=5)]
    storage_transformers: Annotated[list[Any], Field(max_length=0)] = Field(
        default_factory=list
    )

    @property
    def cells(self) -> Any:
        """Shape of what has a file of its own: a chunk, or a shard of several."""
        return self.chunk_grid.configuration.get("chunk_shape")

    @property
    def chunks(self) -> Any:
        return self.cells

    @property
    def number(self) -> np.dtype[Any]:
        return np.dtype(self.data_type)

    @property
    def packing(self) -> str:
        return _packing(self.codecs)


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """Where the index of a shard is, and whether a checksum follows it."""

    at_end: bool
    summed: bool


class _Shards(Lenient):
    """How chunks lie in shards; the index tells where each begins in the file."""

    chunk_shape: _Extents
    codecs: Annotated[tuple[_Named, ...], Field(min_length=1, max_length=5)]
    index_codecs: Annotated[tuple[_Named, ...], Field(min_length=1, max_length=2)]
    index_location: Literal["start", "end"] = "end"

    @model_validator(mode="after")
    def _plain_index(self) -> _Shards:
        if [codec.name for codec in self.index_codecs] not in _INDEX_CODECS:
            raise ValueError("its index is packed in another way than is read")
        return self


class _Sharded(Lenient):
    """An array whose chunks lie in shards, seen as `ArrayHead` wants it."""

    array: _Array3
    shards: _Shards

    @classmethod
    def of(cls, array: _Array3) -> dict[str, Any]:
        """Return the words of an array for this class."""
        return {"array": array, "shards": array.codecs[0].configuration}

    @property
    def zarr_format(self) -> int:
        return self.array.zarr_format

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def cells(self) -> Any:
        return self.array.cells

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.shards.chunk_shape

    @property
    def number(self) -> np.dtype[Any]:
        return self.array.number

    @property
    def packing(self) -> str:
        return _packing(self.shards.codecs)

    @property
    def index(self) -> ShardIndex:
        return ShardIndex(
            at_end=self.shards.index_location == "end",
            summed=len(self.shards.index_codecs) == 2,
        )


def _packing(codecs: tuple[_Named, ...]) -> str:
    names = (codec.name for codec in codecs)
    return "+".join(name for name in names if name not in _PLAIN_CODECS) or "none"


class ArrayHead(BaseModel):
    """What is known of an array before a chunk is read.

    Cells have a file each. A cell is a chunk, or where there is an index, a shard of
    chunks.
    """

    model_config = ConfigDict(
        frozen=True, from_attributes=True, arbitrary_types_allowed=True
    )

    zarr_format: Literal[2, 3]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    cells: tuple[int, ...]
    number: np.dtype[Any]
    packing: Packing
    index: ShardIndex | None = None

    @model_validator(mode="after")
    def _fits(self) -> ArrayHead:
        if not len(self.chunks) == len(self.cells) == len(self.shape):
            raise ValueError("its chunks have other axes than the array")
        if min(self.chunks) < 1 or min(self.cells) < 1:
            raise ValueError("its chunks have other axes than the array, or no pixels")
        if any(a % b for a, b in zip(self.cells, self.chunks, strict=True)):
            raise ValueError("its shards are no whole numbers of chunks")
        if self.chunks_of_a_cell > _MOST_OF_A_SHARD:
            raise ValueError("a shard of it has too many chunks")
        return self

    @property
    def chunks_of_a_cell(self) -> int:
        """How many chunks a shard has."""
        pairs = zip(self.cells, self.chunks, strict=True)
        return math.prod(a // b for a, b in pairs)

    @property
    def index_nbytes(self) -> int:
        """Bytes of the index of a shard: where each chunk begins, and its length."""
        summed = self.index is not None and self.index.summed
        return 16 * self.chunks_of_a_cell + (4 if summed else 0)

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return math.prod(self.shape) * self.number.itemsize

    @property
    def chunk_nbytes(self) -> int:
        """Bytes of the pixels of a chunk."""
        return math.prod(self.chunks) * self.number.itemsize


def read_head(folder: Path) -> ArrayHead:
    """Read what an array says of itself; only plain numbers in plain chunks pass."""
    found: _Array2 | _Array3 | _Sharded
    if (folder / "zarr.json").is_file():
        found = array = checked(_Array3, read_record(folder / "zarr.json"), folder)
        if array.packing == _SHARDING:
            found = checked(_Sharded, _Sharded.of(array), folder)
        if array.chunk_grid.name != "regular" or found.packing not in get_args(Packing):
            raise InputError(
                f"The zarr {str(folder)!r} is packed in a way that this program does "
                f"not read ({found.packing[:100]}); write it in plain chunks."
            )
    elif (folder / ".zarray").is_file():
        found = checked(_Array2, read_record(folder / ".zarray"), folder)
    else:
        raise InputError(f"There is no zarr array in {str(folder)!r}; write it anew.")
    return checked(ArrayHead, found, folder)


def dimension_names(folder: Path) -> tuple[str, ...]:
    """Return what an array calls its axes: in version 3, or by xarray in 2."""
    if (folder / "zarr.json").is_file():
        names = read_record(folder / "zarr.json").get("dimension_names")
    elif (folder / ".zattrs").is_file():
        names = read_record(folder / ".zattrs").get("_ARRAY_DIMENSIONS")
    else:
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()

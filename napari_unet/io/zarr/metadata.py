"""What a zarr says of itself, read with suspicion before the zarr library sees it.

Only arrays of plain numbers in regular chunks, packed by codecs that do nothing but
unpack. Codecs that run what they find (pickle), and those that nobody needs for images,
are refused by not being in a list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, TypeVar, get_args

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from napari_unet.core.validation import first_problem, parse_json
from napari_unet.errors import InputError
from napari_unet.geometry.axes import axes_of_names
from napari_unet.io.reader import as_names

T = TypeVar("T")

Packing = Literal["none", "blosc", "gzip", "zlib", "zstd", "lz4"]

_LARGEST = 16_000_000
_PLAIN_CODECS = frozenset({"bytes", "transpose", "crc32c"})
_SHARDING = "sharding_indexed"
_INDEX_CODECS = (["bytes"], ["bytes", "crc32c"])
_MOST_OF_A_SHARD = 2**20
METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs")

_Extents = Annotated[
    tuple[Annotated[int, Field(ge=0, le=2**48)], ...],
    Field(min_length=1, max_length=8),
]


class _Lenient(BaseModel):
    """What else a record holds is of no interest here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Array2(_Lenient):
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


class _Named(_Lenient):
    name: Annotated[str, Field(max_length=100)]
    configuration: dict[str, Any] = Field(default_factory=dict)


class _Array3(_Lenient):
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
    storage_transformers: Annotated[list[Any], Field(max_length=0)] = []

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


class _Shards(_Lenient):
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


class _Sharded(_Lenient):
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


class _Scale(_Lenient):
    scale: list[float] = Field(default_factory=list, max_length=8)


class _Level(_Lenient):
    path: Annotated[str, Field(min_length=1, max_length=200)]
    coordinateTransformations: list[_Scale] = Field(default_factory=list, max_length=8)


class _Axis(_Lenient):
    name: Annotated[str, Field(max_length=20)]
    unit: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_a_letter(cls, found: Any) -> Any:
        return {"name": found} if isinstance(found, str) else found


class Multiscales(_Lenient):
    """OME's metadata of one image in several resolutions, the finest first."""

    axes: list[_Axis] = Field(default_factory=list, max_length=8)
    datasets: list[_Level] = Field(min_length=1, max_length=100)

    @property
    def letters(self) -> str | None:
        """Axes out of "TCZYX", or None where others are there, or none."""
        return axes_of_names([axis.name for axis in self.axes], len(self.axes))

    @property
    def sizes(self) -> list[tuple[str, float, str]]:
        """Axes out of "ZYX" with the size of a pixel and its unit, as far as known."""
        scales = [one.scale for one in self.datasets[0].coordinateTransformations]
        scale = next((one for one in scales if len(one) == len(self.axes)), [])
        return [
            (axis.name.upper(), size, axis.unit or "")
            for axis, size in zip(self.axes, scale, strict=False)
            if axis.name.upper() in "ZYX"
        ]


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


def is_zarr(path: Path) -> bool:
    """Return whether a folder is, or calls itself, a zarr."""
    if not path.is_dir():
        return False
    named = path.suffix.lower() == ".zarr"
    return named or any((path / name).is_file() for name in METADATA)


def is_group(folder: Path) -> bool:
    """Return whether a folder is a zarr's group, with or without an image."""
    if (folder / ".zgroup").is_file() or (folder / ".zattrs").is_file():
        return not (folder / ".zarray").is_file()
    if not (folder / "zarr.json").is_file():
        return False
    return _read(folder / "zarr.json").get("node_type") == "group"


def group_attributes(folder: Path) -> dict[str, Any] | None:
    """Return what a group says of itself, or None for an array."""
    if (folder / "zarr.json").is_file():
        content = _read(folder / "zarr.json")
        if content.get("node_type") == "array":
            return None
        attributes = content.get("attributes")
        found = attributes.get("ome") if isinstance(attributes, dict) else None
        return found if isinstance(found, dict) else {}
    if (folder / ".zarray").is_file():
        return None
    path = folder / ".zattrs"
    return _read(path) if path.is_file() else {}


def find_multiscales(folder: Path) -> Multiscales | None:
    """Return OME's metadata of a group, or None for an array."""
    attributes = group_attributes(folder)
    if attributes is None:
        return None
    found = attributes.get("multiscales")
    if not isinstance(found, list) or not found:
        raise neither(folder)
    return _checked(Multiscales, found[0], folder)


def neither(folder: Path) -> InputError:
    """Return an error that says that a folder is no array and no image."""
    return InputError(
        f"Expected an array, or an image of OME-Zarr, in {str(folder)!r}, found "
        "neither; name the array inside."
    )


def channel_names(folder: Path, count: int) -> tuple[str, ...]:
    """Return the labels that OME-Zarr has for its viewer, or nothing."""
    try:
        attributes: Any = group_attributes(folder)
        labels = [one.get("label", "") for one in attributes["omero"]["channels"]]
    except (AttributeError, InputError, LookupError, OSError, TypeError):
        return ()
    return as_names(labels, count)


def level_folder(folder: Path, path: str) -> Path:
    """Return the folder of a level that the metadata name; none outside of the zarr."""
    parts = PurePosixPath(path).parts
    if "\\" in path or ":" in path or ".." in parts or path.startswith("/"):
        raise InputError(
            f"The metadata of {str(folder)!r} lead out of it ({path[:60]!r}), and were "
            "not followed; write the image anew."
        )
    return folder.joinpath(*parts)


def read_head(folder: Path) -> ArrayHead:
    """Read what an array says of itself; only plain numbers in plain chunks pass."""
    found: _Array2 | _Array3 | _Sharded
    if (folder / "zarr.json").is_file():
        found = array = _checked(_Array3, _read(folder / "zarr.json"), folder)
        if array.packing == _SHARDING:
            found = _checked(_Sharded, _Sharded.of(array), folder)
        if array.chunk_grid.name != "regular" or found.packing not in get_args(Packing):
            raise InputError(
                f"The zarr {str(folder)!r} is packed in a way that this program does "
                f"not read ({found.packing[:100]}); write it in plain chunks."
            )
    elif (folder / ".zarray").is_file():
        found = _checked(_Array2, _read(folder / ".zarray"), folder)
    else:
        raise InputError(f"There is no zarr array in {str(folder)!r}; write it anew.")
    return _checked(ArrayHead, found, folder)


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{str(path)!r} is too large for metadata; check the zarr.")
    try:
        content = parse_json(path.read_bytes(), most_bytes=_LARGEST)
    except ValueError as error:
        raise InputError(
            f"The metadata {str(path)!r} are damaged ({error}); write the image anew."
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"The metadata {str(path)!r} are no zarr's; check the folder.")
    return content


def _checked(kind: type[T], content: Any, folder: Path) -> T:
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        place, words = first_problem(error, "its whole")
        raise InputError(
            f"The zarr {str(folder)!r} is none that this program reads: "
            f"{place[:100]}: {words[:200]}; write the image anew, or save it as TIFF."
        ) from error

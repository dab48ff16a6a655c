"""Zarr folders that lie, as a table: how a good one is spoilt, and what to say."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numcodecs import Blosc, GZip, Zstd

from tests.hostile.bad_archives import Payload

Spoil = Callable[[Path], object]

_BLOSC = {"cname": "lz4", "clevel": 5, "shuffle": "noshuffle", "blocksize": 0}
_OPTIONS: dict[str, dict[str, Any]] = {
    "zstd": {"level": 0, "checksum": False},
    "blosc": _BLOSC | {"typesize": 1},
}

PLANE = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)


def save(path: Path, codec: Any = None) -> Path:
    """Write an array of zarr 2, in four chunks, not packed where no codec is given."""
    options = {"zarr_format": 2, "chunks": (32, 32), "compressors": codec}
    zarr.create_array(store=str(path), data=PLANE, **options)
    return path


def _changed(**changes: object) -> Spoil:
    def spoil(path: Path) -> None:
        file = path / ".zarray"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return spoil


def _text(name: str, text: str) -> Spoil:
    return lambda path: (path / name).write_text(text)


def _group(level: str, **changes: object) -> Spoil:
    """Turn it into an OME-Zarr whose finest level has that name."""

    def spoil(path: Path) -> None:
        (path / ".zarray").unlink()
        scales = {"axes": ["y", "x"], "datasets": [{"path": level}]} | changes
        (path / ".zattrs").write_text(json.dumps({"multiscales": [scales]}))

    return spoil


def _repacked(codec: Any, content: bytes) -> Spoil:
    """Say how chunks are packed, and put that content into one."""

    def spoil(path: Path) -> None:
        _changed(compressor=codec.get_config())(path)
        for chunk in path.glob("?.?"):
            chunk.write_bytes(codec.encode(bytes(2048)))
        (path / "0.0").write_bytes(content)

    return spoil


def _version_3(**changes: object) -> Spoil:
    def spoil(path: Path) -> None:
        content: dict[str, Any] = {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [64, 64],
            "data_type": "uint16",
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": [32, 32]},
            },
            "chunk_key_encoding": {"name": "default"},
            "fill_value": 0,
            "codecs": [{"name": "bytes"}],
        }
        (path / "zarr.json").write_text(json.dumps(content | changes))

    return spoil


def _sharded(
    codec: str, chunk: bytes = b"", length: int | None = None, **changes: Any
) -> Spoil:
    """Say that chunks of 16 x 16 lie in shards; all chunks of the first are this one.

    Its index tells that they are of another length where one is given.
    """

    def spoil(path: Path) -> None:
        options = {"configuration": _OPTIONS[codec]} if codec in _OPTIONS else {}
        packed = {"codecs": [{"name": "bytes"}, {"name": codec, **options}]}
        configuration = {
            "chunk_shape": [16, 16],
            "index_codecs": [{"name": "bytes"}],
            **packed,
            **changes,
        }
        whole = {"name": "sharding_indexed", "configuration": configuration}
        _version_3(codecs=[whole])(path)
        shard = path / "c" / "0" / "0"
        shard.parent.mkdir(parents=True)
        told = len(chunk) if length is None else length
        shard.write_bytes(chunk + struct.pack("<QQ", 0, told) * 4)

    return spoil


def _elsewhere(name: str) -> Spoil:
    def spoil(path: Path) -> None:
        target = path.parent / f"elsewhere_{name}"
        (path / name).rename(target)
        (path / name).symlink_to(target)

    return spoil


def _pipe(path: Path) -> None:
    (path / "0.0").unlink()
    os.mkfifo(path / "0.0")


def _folder_elsewhere(path: Path) -> None:
    target = path.parent / "elsewhere"
    target.mkdir()
    (path / "deep").symlink_to(target)


def pickled(canary: str) -> Spoil:
    """Return what makes the chunks pickles of objects, which make a file."""

    def spoil(path: Path) -> None:
        codec = {"id": "pickle", "protocol": 5}
        _changed(dtype="|O", filters=[codec], fill_value=None)(path)
        (path / "0.0").write_bytes(pickle.dumps(Payload(canary)))

    return spoil


_BLOSC_LIE = struct.pack("<BBBBIII", 2, 1, 0x33, 1, 2**31 - 1, 2**20, 40) + bytes(24)
# Without a check, the decoder reads past the end of the chunk, and crashes at times.
_BLOSC_LONG = struct.pack("<BBBBIII", 2, 1, 0x21, 2, 2048, 2048, 2**30) + bytes(24)
_BLOSC_SHORT = struct.pack("<BBBBIII", 2, 1, 0x21, 2, 512, 512, 2**30) + bytes(24)
_ZSTD_LIE = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 40 * 10**9) + bytes(9)
_BOMB = zlib.compress(bytes(10**9), 1)
_FIXED = {"id": "fixedscaleoffset", "offset": 0, "scale": 1, "dtype": "<f8"}

BAD_ZARRS: dict[str, tuple[Spoil, str]] = {
    "40_gb": (_changed(shape=[200_000, 100_000], chunks=[1, 100_000]), "40 GB"),
    "10_30_pixels": (_changed(shape=[10**15, 10**15]), "shape"),
    "chunk_of_10_12": (_changed(chunks=[10**6, 10**6]), "a chunk of it claims 2 TB"),
    "no_chunks": (_changed(chunks=[0, 32]), "other axes than the array"),
    "fewer_chunks": (_changed(chunks=[32]), "other axes than the array"),
    "negative": (_changed(shape=[-1, 64]), "shape"),
    "objects": (_changed(dtype="|O"), "dtype"),
    "texts": (_changed(dtype="<U10"), "dtype"),
    "records": (_changed(dtype=[["a", "<i4"], ["b", "|O"]]), "dtype"),
    "pickle_filter": (_changed(filters=[{"id": "pickle"}]), "filters"),
    "pickle_compressor": (_changed(compressor={"id": "pickle"}), "packing"),
    "json_compressor": (_changed(compressor={"id": "json2"}), "packing"),
    "texts_compressor": (_changed(compressor={"id": "vlen-utf8"}), "packing"),
    "unknown_compressor": (_changed(compressor={"id": "os.system"}), "packing"),
    "other_filter": (_changed(filters=[_FIXED]), "filters"),
    "chunk_names": (_changed(dimension_separator="/../"), "dimension_separator"),
    "no_json": (_text(".zarray", "import os"), "are damaged"),
    "key_twice": (_text(".zarray", '{"shape": [1], "shape": [2]}'), "there twice"),
    "nested": (_text(".zarray", "[" * 100_000), "nested too deep"),
    "a_list": (_text(".zarray", "[]"), "are no zarr's"),
    "text_for_version_3": (_text("zarr.json", "{}"), "found neither"),
    "objects_3": (_version_3(data_type="object"), "data_type"),
    "extension_3": (_version_3(data_type={"name": "x"}), "data_type"),
    "vlen_3": (_version_3(codecs=[{"name": "vlen-bytes"}]), "does not read"),
    "pickle_3": (_version_3(codecs=[{"name": "numcodecs.pickle"}]), "does not read"),
    "shards_3": (_version_3(codecs=[{"name": "sharding_indexed"}]), "chunk_shape"),
    "shards_in_shards_3": (_sharded("sharding_indexed"), "does not read"),
    "pickle_in_shards_3": (_sharded("numcodecs.pickle"), "does not read"),
    "index_of_a_shard_3": (
        _sharded("zstd", index_codecs=[{"name": "numcodecs.pickle"}]),
        "index is packed",
    ),
    "odd_shards_3": (_sharded("zstd", chunk_shape=[15, 16]), "no whole numbers"),
    "zstd_in_shards_3": (_sharded("zstd", _ZSTD_LIE), "claims 40 GB"),
    "blosc_in_shards_3": (_sharded("blosc", _BLOSC_SHORT), "is cut off"),
    "beyond_the_shard_3": (_sharded("zstd", _ZSTD_LIE, 2**40), "is cut off"),
    "beyond_all_numbers_3": (_sharded("zstd", _ZSTD_LIE, 2**64 - 1), "is cut off"),
    "many_in_a_shard_3": (
        _version_3(
            chunk_grid={
                "name": "regular",
                "configuration": {"chunk_shape": [2**20, 2**20]},
            },
            codecs=[
                {
                    "name": "sharding_indexed",
                    "configuration": {
                        "chunk_shape": [1, 1],
                        "codecs": [{"name": "bytes"}],
                        "index_codecs": [{"name": "bytes"}],
                    },
                }
            ],
        ),
        "too many chunks",
    ),
    "grid_3": (_version_3(chunk_grid={"name": "odd"}), "does not read"),
    "transformer_3": (_version_3(storage_transformers=[{"a": 1}]), "transformers"),
    "no_grid_3": (_version_3(chunk_grid={"name": "regular"}), "chunks"),
    "parent": (_group("../secret"), "lead out of it"),
    "absolute": (_group("/etc"), "lead out of it"),
    "drive": (_group("C:\\secret"), "lead out of it"),
    "address": (_group("https://example.org/a"), "lead out of it"),
    "nowhere": (_group("0"), "There is no zarr array in"),
    "no_levels": (_group("0", datasets=[]), "datasets"),
    "chunk_elsewhere": (_elsewhere("0.0"), "leads out of it"),
    "metadata_elsewhere": (_elsewhere(".zarray"), "leads out of it"),
    "folder_elsewhere": (_folder_elsewhere, "leads out of it"),
    "pipe": (_pipe, "is no file"),
    "blosc_of_2_gb": (_repacked(Blosc(), _BLOSC_LIE), "claims 2.15 GB"),
    "blosc_longer_than_its_file": (_repacked(Blosc(), _BLOSC_LONG), "is cut off"),
    "blosc_without_header": (_repacked(Blosc(), b"\2\1\x33\2"), "is cut off"),
    "zstd_of_40_gb": (_repacked(Zstd(), _ZSTD_LIE), "claims 40 GB"),
    "gzip_bomb": (_repacked(GZip(), _BOMB), "claims"),
    "gzip_nonsense": (_repacked(GZip(), b"nonsense"), "incomplete or damaged"),
    "chunk_too_short": (lambda p: (p / "0.0").write_bytes(b"x"), "incomplete or dama"),
}

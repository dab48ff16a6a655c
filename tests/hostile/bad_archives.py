"""Zip files and torch files that lie: what they hold, and what must be said."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from tests.hostile.bad_models import joined, split

Files = dict[str, bytes]


def zipped(files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file, with whatever names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # ZipInfo replaces some characters
            info.compress_type = method
            archive.writestr(info, content)
    return file.getvalue()


def _with(name: str) -> Callable[[Files], bytes]:
    return lambda files: zipped(files | {name: b"canary"})


def _linked(files: Files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("model.json")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


def _twice(files: Files) -> bytes:
    content = zipped(files | {"model.jsom": b"{}"})
    return content.replace(b"model.jsom", b"model.json")


def _flagged(files: Files) -> bytes:
    content = bytearray(zipped(files))
    start = 0
    while (start := content.find(b"PK\x01\x02", start)) >= 0:
        content[start + 8] |= 1
        start += 4
    return bytes(content)


def _claiming(size: int) -> Callable[[Files], bytes]:
    def make(files: Files) -> bytes:
        content = bytearray(zipped(files))
        place = content.find(b"PK\x01\x02")
        content[place + 24 : place + 28] = struct.pack("<I", size)
        return bytes(content)

    return make


def _many_members(files: Files) -> bytes:
    return zipped(files | {f"{n}.txt": b"" for n in range(80)})


def _lying_count(files: Files) -> bytes:
    content = bytearray(zipped(files))
    place = content.rfind(b"PK\x05\x06")
    content[place + 10 : place + 12] = struct.pack("<H", 60_000)
    return bytes(content)


def _zip64(files: Files) -> bytes:
    content = zipped(files)
    place = content.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
    return content[:place] + locator + content[place:]


def _bad_checksum(files: Files) -> bytes:
    content = zipped(files, method=zipfile.ZIP_STORED)
    return content.replace(b'"format_version": 1', b'"format_version": 2', 1)


BAD_ZIPS: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "parent": (_with("../canary"), "leads out of the archive"),
    "deep_parent": (_with("a/../../canary"), "leads out of the archive"),
    "absolute": (_with("/tmp/canary"), "leads out of the archive"),
    "drive": (_with("C:/canary"), "leads out of the archive"),
    "backslash": (_with("..\\canary"), "leads out of the archive"),
    "newline": (_with("a\nb"), "a name that no file has"),
    "escape": (_with("a\x1b[2Jb"), "a name that no file has"),
    "long_name": (_with("a" * 600), "a name that no file has"),
    "link": (_linked, "is a link or device"),
    "twice": (_twice, "is there twice"),
    "twice_but_for_case": (_with("MODEL.JSON"), "is there twice"),
    "encrypted": (_flagged, "is encrypted"),
    "packed_oddly": (lambda f: zipped(f, method=zipfile.ZIP_LZMA), "unusual way"),
    "claims_2_gb": (_claiming(2**31 - 1), "claims a size that it cannot have"),
    "claims_4_gb": (_claiming(2**32 - 2), "claims a size that it cannot have"),
    "claims_less": (_claiming(10), "incomplete or damaged"),
    "claims_more": (_claiming(10_000), "has another size than it claims"),
    "many_members": (_many_members, "more than 64 members"),
    "lying_count": (_lying_count, "more than 64 members"),
    "zip64": (_zip64, "more than 65,535 members"),
    "bad_checksum": (_bad_checksum, "incomplete or damaged"),
    "cut": (lambda files: zipped(files)[:-30], "is not a zip file"),
    "no_zip": (lambda _files: b"hello", "is not a zip file"),
    "empty": (lambda _files: b"", "is not a zip file"),
    "nothing_in_it": (lambda _files: zipped({}), "Expected one model.json"),
    "two_models": (
        lambda files: zipped(files | {"b/model.json": files["model.json"]}),
        "found 2",
    ),
    "too_deep": (
        lambda files: zipped({f"a/b/{name}": data for name, data in files.items()}),
        "found 0",
    ),
    "no_weights": (
        lambda files: zipped({"model.json": files["model.json"]}),
        "has no weights.safetensors",
    ),
    "foreign_weights": (
        lambda files: zipped(files | {"weights.safetensors": b"\x80\x04junk" * 9}),
        "is broken",
    ),
    "description_with_a_bomb": (
        lambda files: zipped(files | {"model.json": b" " * 3_000_000}),
        "longer than 1,000,000 bytes",
    ),
}


class Payload:
    """What a pickle calls when it is loaded: it makes a file."""

    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self.canary, "w")


class Hoard:
    """What a pickle makes when it is loaded: a hundred gigabytes."""

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return bytearray, (10**11,)


def saved(content: object, **options: Any) -> bytes:
    """Return what torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def _repacked(state: dict[str, Any], change: Callable[[str, bytes], bytes]) -> bytes:
    files = {}
    with zipfile.ZipFile(io.BytesIO(saved(state))) as archive:
        for name in archive.namelist():
            files[name] = change(name, archive.read(name))
    return zipped(files, method=zipfile.ZIP_STORED)


def _longer(state: dict[str, Any]) -> bytes:
    """Let a tensor claim many more numbers than its storage has."""
    count = state["head.bias"].numel()
    big = struct.pack("<BBB", ord("K"), count, ord("t"))  # BININT1 count, TUPLE

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return content
        return content.replace(big, b"J" + struct.pack("<i", 2**30) + b"t")

    return _repacked(state, change)


def _shrunk(state: dict[str, Any]) -> bytes:
    """Take the numbers of all storages away."""
    return _repacked(state, lambda name, data: b"" if "/data/" in name else data)


def _packed(state: dict[str, Any]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(saved(state))) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()})


State = dict[str, Any]

BAD_TORCH: dict[str, tuple[Callable[[State, str], bytes], str]] = {
    "payload": (lambda s, c: saved(s | {"x": Payload(c)}), "holds something else"),
    "payload_first": (lambda _s, c: saved(Payload(c)), "holds something else"),
    "old_payload": (
        lambda _s, c: saved(Payload(c), _use_new_zipfile_serialization=False),
        "holds something else",
    ),
    "hoard": (lambda s, _c: saved(s | {"x": Hoard()}), "bytearray"),
    "whole_network": (lambda _s, _c: saved(torch.nn.Linear(1, 1)), "it asks for"),
    "a_list": (lambda _s, _c: saved([1, 2]), "no dictionary of tensors"),
    "a_number": (lambda _s, _c: saved({"a": 1}), "'a' is no tensor"),
    "nothing": (lambda _s, _c: saved({}), "no dictionary of tensors"),
    "numbers_as_names": (lambda _s, _c: saved({1: torch.ones(1)}), "'1' is no tensor"),
    "nested_deep": (lambda s, _c: saved({"a": {"b": s}}), "'a' is no tensor"),
    "sparse": (
        lambda _s, _c: saved({"a": torch.ones(2).to_sparse()}),
        "holds something else",
    ),
    "one_missing": (
        lambda s, _c: saved({k: v for k, v in s.items() if k != "head.bias"}),
        "head.bias should be (5,) and is absent",
    ),
    "one_more": (
        lambda s, _c: saved(s | {"z": torch.ones(1)}),
        "z should be absent and is (1,)",
    ),
    "other_shape": (
        lambda s, _c: saved(s | {"head.bias": torch.ones(4)}),
        "head.bias should be (5,) and is (4,)",
    ),
    "whole_numbers": (
        lambda s, _c: saved(s | {"head.bias": torch.ones(5, dtype=torch.int64)}),
        "head.bias is torch.int64",
    ),
    "complex": (
        lambda s, _c: saved(s | {"head.bias": torch.ones(5, dtype=torch.complex64)}),
        "holds something else",
    ),
    "nan": (
        lambda s, _c: saved(s | {"head.bias": torch.full((5,), torch.nan)}),
        "is not finite",
    ),
    "half_a_prefix": (
        lambda s, _c: saved(
            OrderedDict((f"module.{k}" if k != "head.bias" else k, s[k]) for k in s)
        ),
        "do not fit the network",
    ),
    "longer_than_its_storage": (lambda s, _c: _longer(s), "holds something else"),
    "without_numbers": (lambda s, _c: _shrunk(s), "claim more numbers than it has"),
    "packed": (lambda s, _c: _packed(s), "its members are packed"),
    "cut": (lambda s, _c: saved(s)[:-200], "holds something else"),
    "text": (lambda _s, _c: b"import os", "holds something else"),
    "empty": (lambda _s, _c: b"", "holds something else"),
}


def renamed(content: bytes, prefix: str) -> bytes:
    """Return a safetensors file with something before every name."""
    header, data = split(content)
    return joined({prefix + key: value for key, value in header.items()}, data)

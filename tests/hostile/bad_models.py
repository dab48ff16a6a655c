"""Model folders that lie, as a table: how a good one is spoilt, and what to say."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

Spoil = Callable[[Path], object]

PICKLE = b"\x80\x04cposix\nsystem\n(S'touch {}'\ntR."


def spec(folder: Path, **changes: object) -> None:
    """Change fields of the description."""
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _architecture(**options: object) -> Spoil:
    return lambda folder: spec(folder, architecture={"kind": "unet", **options})


def _decoding(**options: object) -> Spoil:
    return lambda folder: spec(folder, decoding=options)


def _text(text: str) -> Spoil:
    return lambda folder: (folder / "model.json").write_text(text)


def _twice(folder: Path) -> None:
    path = folder / "model.json"
    path.write_text(path.read_text().replace("{", '{"in_channels": 3, ', 1))


def _appended(text: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "model.json"
        path.write_text(path.read_text().rstrip().rstrip("}") + f", {text}}}")

    return spoil


def _nested(folder: Path) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    spec(folder, name=deep)


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header and tensors of a safetensors file."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header: object, data: bytes) -> bytes:
    """Return the safetensors file of a header and tensors."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def weights(change: Callable[[dict[str, Any], bytearray], object]) -> Spoil:
    """Return what changes header and tensors of a model's weights."""

    def spoil(folder: Path) -> None:
        path = folder / "weights.safetensors"
        header, data = split(path.read_bytes())
        changed = bytearray(data)
        change(header, changed)
        path.write_bytes(joined(header, bytes(changed)))

    return spoil


def _raw(content: bytes) -> Spoil:
    return lambda folder: (folder / "weights.safetensors").write_bytes(content)


def _huge(header: dict[str, Any], data: bytearray) -> None:
    header["head.weight"]["shape"] = [200_000, 200_000]


def _huge_and_consistent(header: dict[str, Any], data: bytearray) -> None:
    header["head.bias"] = {
        "dtype": "F32",
        "shape": [10**10],
        "data_offsets": [len(data), len(data) + 4 * 10**10],
    }


def _overlapping(header: dict[str, Any], data: bytearray) -> None:
    start, stop = header["head.bias"]["data_offsets"]
    header["head.bias"]["data_offsets"] = [0, stop - start]


def _negative(header: dict[str, Any], data: bytearray) -> None:
    start, stop = header["head.bias"]["data_offsets"]
    header["head.bias"]["data_offsets"] = [start - stop, 0]


def _renamed(header: dict[str, Any], data: bytearray) -> None:
    header["torso.bias"] = header.pop("head.bias")


def _typed(kind: str) -> Callable[[dict[str, Any], bytearray], object]:
    def change(header: dict[str, Any], data: bytearray) -> None:
        header["head.bias"]["dtype"] = kind

    return change


def _poisoned(number: float) -> Callable[[dict[str, Any], bytearray], object]:
    def change(header: dict[str, Any], data: bytearray) -> None:
        start, _ = header["head.bias"]["data_offsets"]
        data[start : start + 4] = struct.pack("<f", number)

    return change


def _surprising(header: dict[str, Any], data: bytearray) -> None:
    header["head.bias"]["reduce"] = "os.system"


def _outside(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        target = folder.parent / f"elsewhere_{name}"
        (folder / name).rename(target)
        (folder / name).symlink_to(target)

    return spoil


def _device(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").symlink_to("/dev/zero")


def _folder_for_weights(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").mkdir()


def _flipped(_: dict[str, Any], data: bytearray) -> None:
    data[0] ^= 1


BAD_MODELS: dict[str, tuple[Spoil, str]] = {
    # networks that would fill the memory
    "base_channels_10_6": (_architecture(base_channels=10**6), "less than or equal"),
    "depth_40": (_architecture(depth=40), "less than or equal"),
    "huge_network": (_architecture(depth=7, base_channels=256), "million weights"),
    "huge_volumes": (_architecture(depth=6, base_channels=64, dims=3), "million"),
    "huge_original": (
        lambda f: spec(
            f, architecture={"kind": "original", "blocks": 7, "base_channels": 256}
        ),
        "million weights",
    ),
    "wide_backbone": (
        lambda f: spec(
            f, architecture={"kind": "backbone", "decoder_channels": [10**9] * 5}
        ),
        "less than or equal",
    ),
    "channels_10_9": (lambda f: spec(f, in_channels=10**9), "in_channels"),
    "endless_blur": (_decoding(smoothing=1e300), "decoding.smoothing"),
    "endless_size": (_decoding(min_size=10**29), "decoding.min_size"),
    "endless_reach": (_decoding(kind="reach", farthest=10**9), "decoding.farthest"),
    "strange_decoding": (_decoding(kind="os.system"), "there is no decoding"),
    "list_for_a_decoding": (_decoding(kind=["reach"]), "there is no decoding"),
    "mixed_decoding": (_decoding(kind="reach", prominence=0.1), "decoding.prominence"),
    # code and paths in a description
    "import_path": (_architecture(kind="os.system"), "does not describe a model"),
    "function": (_architecture(activation="__import__('os')"), "activation"),
    "pickled_option": (lambda f: spec(f, loader="pickle"), "loader"),
    "path_for_weights": (lambda f: spec(f, weights="../../x"), "weights"),
    "class_of_python": (
        lambda f: spec(f, normalization={"__class__": "os"}),
        "normalization",
    ),
    # JSON that two programs read in two ways
    "no_json": (_text("import os"), "not valid JSON"),
    "empty_json": (_text(""), "not valid JSON"),
    "key_twice": (_twice, "is there twice"),
    "not_a_number": (_appended('"pixel_size": NaN'), "NaN is no number"),
    "endless_number": (_appended('"pixel_size": Infinity'), "Infinity is no number"),
    "float_overflow": (_appended('"diameters": [1, 1e999]'), "too large a number"),
    "integer_of_a_thousand_digits": (
        _appended('"in_channels": ' + "9" * 1000),
        "a number has 1000 digits",
    ),
    "nested": (_nested, "nested too deep"),
    "nested_without_end": (_text("[" * 500_000), "nested too deep"),
    "half_a_character": (_appended('"description": "\\ud800"'), "description"),
    "long_text": (lambda f: spec(f, description="a" * 20_000), "description"),
    "two_megabytes": (_text(" " * 2_000_000), "too large"),
    "a_list": (_text("[]"), "does not describe a model"),
    "diameters_turned_round": (
        lambda f: spec(f, diameters=[30, 10]),
        "smallest diameter",
    ),
    "zoom_to_nothing": (lambda f: spec(f, zoomed_to=[0, 10]), "zoomed_to"),
    "checksum_no_hash": (lambda f: spec(f, checksum="../x"), "checksum"),
    # weights that lie
    "40_gb_by_shape": (weights(_huge), "do not fit the network"),
    "40_gb_at_the_end": (weights(_huge_and_consistent), "do not fit the network"),
    "header_of_2_63": (_raw(struct.pack("<Q", 2**63) + b"{}"), "does not begin like"),
    "header_of_1_gb": (_raw(struct.pack("<Q", 10**9) + b"{}"), "does not begin like"),
    "header_no_json": (_raw(joined(b"import os", b"")), "is not valid"),
    "header_twice": (_raw(joined(b'{"a": {}, "a": {}}', b"")), "there twice"),
    "header_a_list": (_raw(joined([], b"")), "no list of tensors"),
    "header_nested": (_raw(joined(b"[" * 100_000, b"")), "nested too deep"),
    "no_tensors": (_raw(joined({}, b"")), "do not fit the network"),
    "overlap": (weights(_overlapping), "does not lie where"),
    "negative_offset": (weights(_negative), "other bytes than its shape needs"),
    "other_name": (weights(_renamed), "do not fit the network"),
    "eight_bits": (weights(_typed("F8_E4M3")), "type that this program does not read"),
    "whole_numbers": (weights(_typed("I32")), "type that this program does not read"),
    "no_type": (weights(_typed("object")), "type that this program does not read"),
    "extra_key": (weights(_surprising), "reduce"),
    "nan_weight": (weights(_poisoned(float("nan"))), "is not finite"),
    "infinite_weight": (weights(_poisoned(float("inf"))), "is not finite"),
    "another_weight": (weights(_flipped), "the checksum differs"),
    "cut": (weights(lambda _, data: data.__delitem__(slice(-8, None))), "are there"),
    "appended": (weights(lambda _, data: data.extend(b"MZ")), "are there"),
    "pickle_as_weights": (_raw(PICKLE), "does not begin like"),
    "zip_as_weights": (_raw(b"PK\x03\x04" + bytes(100)), "does not begin like"),
    "empty_weights": (_raw(b""), "does not begin like"),
    # links and devices
    "weights_elsewhere": (_outside("weights.safetensors"), "leads out of its model"),
    "description_elsewhere": (_outside("model.json"), "leads out of its model"),
    "device_for_weights": (_device, "has no weights.safetensors"),
    "folder_for_weights": (_folder_for_weights, "has no weights.safetensors"),
}

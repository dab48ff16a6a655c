"""A file as Nikon's program writes it: chunks, and a map of them at the end."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_MAGIC = 0x0ABECEDA
_START = b"ND2 FILE SIGNATURE CHUNK NAME01!"
_MAP, _END = b"ND2 FILEMAP SIGNATURE NAME 0001!", b"ND2 CHUNK MAP SIGNATURE 0000001!"
_KINDS = {bool: (1, "<?"), int: (3, "<I"), float: (6, "<d")}
_LEVEL, _NAME = 11, 4072


def save_nd2(path: Path, frames: np.ndarray) -> Path:
    """Write frames (T, C, Y, X) of uint16, with pixels of half a micrometre."""
    count, channels, height, width = frames.shape
    attributes = {
        "uiWidth": width,
        "uiHeight": height,
        "uiWidthBytes": 2 * width * channels,
        "uiComp": channels,
        "uiBpcInMemory": 16,
        "uiBpcSignificant": 16,
        "uiSequenceCount": count,
        "eCompression": 2,
    }
    dye = {"pFluorescentProbe": {"m_uiColor": 1}}
    planes = {f"a{n}": {"uiSampleIndex": n} | dye for n in range(channels)}
    times = {"uiCount": count, "dStart": 0.0, "dPeriod": 1.0, "dDuration": 1.0}
    experiment = {"eType": 1, "uLoopPars": times}
    picture = {
        "bCalibrated": True,
        "dCalibration": 0.5,
        "sPicturePlanes": {"uiCount": channels, "sPlaneNew": planes},
    }
    chunks = {
        b"ImageAttributesLV!": _encoded({"SLxImageAttributes": attributes}),
        b"ImageMetadataLV!": _encoded({"SLxExperiment": experiment}),
        b"CustomData|AcqTimesCache!": np.arange(count, dtype="<f8").tobytes(),
        b"ImageMetadataSeqLV|0!": _encoded({"SLxPictureMetadata": picture}),
    }
    for number, frame in enumerate(frames):
        # The channels of a pixel lie together, behind the time of the frame.
        pixels = np.moveaxis(frame, 0, -1).astype("<u2").tobytes()
        chunks[f"ImageDataSeq|{number}!".encode()] = struct.pack("<d", number) + pixels
    content = _chunk(_START, b"Ver3.0".ljust(64, b"\0"))
    places = b""
    for name, data in chunks.items():
        places += name + struct.pack("<QQ", len(content), len(data))
        # What readers know of: a frame begins 4096 bytes behind its chunk.
        content += _chunk(name.ljust(_NAME, b"\0"), data)
    end = _END + struct.pack("<Q", len(content))
    path.write_bytes(content + _chunk(_MAP, places + end) + end)
    return path


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<IIQ", _MAGIC, len(name), len(data)) + name + data


def _encoded(values: dict[str, Any]) -> bytes:
    return b"".join(_entry(name, value) for name, value in values.items())


def _entry(name: str, value: Any) -> bytes:
    if isinstance(value, dict):
        head, content = _head(_LEVEL, name), _encoded(value)
        count, length = len(value), len(head) + 12 + len(content)
        return head + struct.pack("<IQ", count, length) + content + bytes(8 * count)
    kind, layout = _KINDS[type(value)]
    return _head(kind, name) + struct.pack(layout, value)


def _head(kind: int, name: str) -> bytes:
    return struct.pack("BB", kind, len(name) + 1) + (name + "\0").encode("utf-16-le")

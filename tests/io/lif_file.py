"""A file as Leica's program writes it: XML that tells of blocks of pixels behind it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

_NUMBERS = {"X": 1, "Y": 2, "Z": 3, "T": 4}
_METRES = 2e-6


def save_lif(path: Path, images: list[np.ndarray], axes: str) -> Path:
    """Write images of uint8 with these axes, channels at any place."""
    elements = "".join(_element(n, one, axes) for n, one in enumerate(images))
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="a" Visibility="1" '
        'CopyOption="1"><Data><Experiment Path=""/></Data><Memory Size="0" '
        f'MemoryBlockID="MemBlock_x"/><Children>{elements}</Children></Element>'
        "</LMSDataContainerHeader>"
    )
    text = xml.encode("utf-16-le")
    parts = [_head(text)]
    for number, image in enumerate(images):
        name = f"MemBlock_{number}".encode("utf-16-le")
        body = struct.pack("<BQ", 0x2A, image.nbytes)
        body += struct.pack("<BI", 0x2A, len(name) // 2) + name
        parts.append(struct.pack("<II", 0x70, len(body)) + body + image.tobytes())
    path.write_bytes(b"".join(parts))
    return path


def _head(text: bytes) -> bytes:
    body = struct.pack("<BI", 0x2A, len(text) // 2) + text
    return struct.pack("<II", 0x70, len(body)) + body


def _element(number: int, image: np.ndarray, axes: str) -> str:
    strides = dict(zip(axes, image.strides, strict=True))
    extents = dict(zip(axes, image.shape, strict=True))
    channels = "".join(
        '<ChannelDescription DataType="0" ChannelTag="0" Resolution="8" '
        'NameOfMeasuredQuantity="" Min="0" Max="255" Unit="" LUTName="Green" '
        f'IsLUTInverted="0" BytesInc="{n * strides.get("C", 0)}" BitInc="0"/>'
        for n in range(extents.get("C", 1))
    )
    dimensions = "".join(
        f'<DimensionDescription DimID="{_NUMBERS[a]}" NumberOfElements="{extents[a]}" '
        f'Origin="0" Length="{_METRES * (extents[a] - 1)}" Unit="m" '
        f'BitInc="0" BytesInc="{strides[a]}"/>'
        for a in "XYZT"
        if a in axes
    )
    return (
        f'<Element Name="image {number}" Visibility="1" CopyOption="1"><Data>'
        f"<Image><ImageDescription><Channels>{channels}</Channels>"
        f"<Dimensions>{dimensions}</Dimensions></ImageDescription></Image></Data>"
        f'<Memory Size="{image.nbytes}" MemoryBlockID="MemBlock_{number}"/>'
        "<Children/></Element>"
    )

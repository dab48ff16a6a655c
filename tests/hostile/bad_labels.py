"""Label maps and regions that lie, as tables: what the file is, and what to say."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import roifile
import tifffile

from tests.hostile.bad_archives import zipped

SHAPE = (64, 64)
_GRID = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)


def _tiff(array: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    return file.getvalue()


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


BAD_LABELS: dict[str, tuple[bytes, str]] = {
    "fractions": (_tiff(_GRID.astype(np.float32) / 2), "found fractions"),
    "nan": (_tiff(np.full(SHAPE, np.nan, np.float32)), "fractions or NaN"),
    "infinite": (_tiff(np.full(SHAPE, np.inf, np.float32)), "fractions or NaN"),
    "colours": (
        _tiff(np.stack([_GRID, _GRID // 2, _GRID], -1).astype("u1"), photometric="rgb"),
        "found colours or channels",
    ),
    "complex": (_tiff(_GRID.astype(np.complex64)), "Expected real grey values"),
    "other_shape": (_tiff(_GRID[:32].astype(np.uint16)), "(32, 64)"),
    "other_axes": (
        _tiff(np.zeros((2, *SHAPE), np.uint8), metadata={"axes": "ZYX"}),
        "(2, 64, 64)",
    ),
    "objects_of_python": (_npy(np.array([{}], object)), "is not an image"),
    "array_of_numpy": (_npy(_GRID), "is not an image"),
}


def _region(**changes: Any) -> bytes:
    corners = np.array([[2, 1], [30, 1], [30, 20], [2, 20]])
    roi = roifile.ImagejRoi.frompoints(corners)
    for name, value in changes.items():
        setattr(roi, name, value)
    return roi.tobytes()


def _patched(content: bytes, place: int, layout: str, *values: Any) -> bytes:
    patched = bytearray(content)
    struct.pack_into(layout, patched, place, *values)
    return bytes(patched)


def _floats(*numbers: float) -> bytes:
    corners = np.array(numbers, np.float32).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        roi = roifile.ImagejRoi.frompoints(np.zeros_like(corners))
    roi.subpixel_coordinates = corners
    return roi.tobytes()


_NAN, _INF, _HUGE = float("nan"), float("inf"), 3e38
_GOOD = _region()
_TYPE, _COUNT, _MORE, _SHAPE = 6, 16, 18, 36

BAD_REGIONS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "incomplete or damaged"),
    "text": (b"hello", "incomplete or damaged"),
    "magic_only": (b"Iout" + bytes(60), "incomplete or damaged"),
    "cut": (_GOOD[:70], "incomplete or damaged"),
    "65535_corners": (_patched(_GOOD, _COUNT, ">H", 65535), "incomplete or damaged"),
    "10_9_corners": (
        _patched(_GOOD, _COUNT, ">Hi", 0, 10**9),
        "incomplete or damaged",
    ),
    "negative_corners": (_patched(_GOOD, _COUNT, ">Hi", 0, -5), "incomplete or damage"),
    "no_corners": (_patched(_GOOD, _COUNT, ">Hi", 0, 0), "incomplete or damaged"),
    "composite_of_10_9": (
        _patched(_patched(_GOOD, _SHAPE, ">i", 10**9), _TYPE, ">B", 1),
        "incomplete or damaged",
    ),
    "composite_polygon": (_patched(_GOOD, _SHAPE, ">i", 9), "incomplete or damaged"),
    "unknown_kind": (_patched(_GOOD, _TYPE, ">B", 200), "of an unknown kind"),
    "nan_corner": (_floats(1, 1, 9, _NAN, 9, 9), "incomplete or damaged"),
    "infinite_corner": (_floats(1, 1, 9, _INF, 9, 9), "incomplete or damaged"),
    "far_away": (_floats(_HUGE, 1, _HUGE, 9, 3e37, 9), "has no pixel in the image"),
    "points": (_region(roitype=roifile.ROI_TYPE.POINT), "is points"),
    "line": (_region(roitype=roifile.ROI_TYPE.FREELINE), "is a freehand line"),
    "image": (_region(subtype=roifile.ROI_SUBTYPE.IMAGE), "of the kind image"),
}

BAD_REGION_ZIPS: dict[str, tuple[bytes, str]] = {
    "parent": (zipped({"../a.roi": _GOOD}), "leads out of the archive"),
    "absolute": (zipped({"/tmp/a.roi": _GOOD}), "leads out of the archive"),
    "bomb": (zipped({"a.roi": bytes(2 * 10**7)}), "at most 16.8 MB are possible"),
    "bombs": (
        zipped({f"{n}.roi": bytes(10**7) for n in range(54)}),
        "holds 540 MB when it is unpacked",
    ),
    "twice": (zipped({"a.roi": _GOOD, "A.ROI": _GOOD}), "is there twice"),
    "images": (zipped({"a.tif": b"II*\0"}), "found 'a.tif'"),
    "one_bad_of_two": (zipped({"a.roi": _GOOD, "b.roi": b"x"}), "'b.roi'"),
    "covered": (zipped({"a.roi": _GOOD, "b.roi": _GOOD}), "covered by later ones"),
    "no_zip": (b"hello", "is not a zip file"),
    "pickle": (b"\x80\x04cos\nsystem\n(S'true'\ntR.", "is not a zip file"),
}

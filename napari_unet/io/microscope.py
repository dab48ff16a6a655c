"""Files as microscopes write them, read by regions through bioio's readers.

Each kind has a reader of its own, which gives an array of dask: a region unpacks the
planes that hold it. Of a file with several images, the first one is read.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_unet.errors import InputError, how_to_install
from napari_unet.geometry.box import Box
from napari_unet.images.channels import channel_count
from napari_unet.images.dimensions import (
    lazily_opened,
    stated_axes,
    stated_channels,
    stated_pixel_size,
)
from napari_unet.images.lazy import LazyImage
from napari_unet.io.reader import as_names
from napari_unet.io.stored import Head, Pixels, Stored, file_fingerprint, without_single


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Parameters
    ----------
    name : str
        As people call it.
    magic : bytes
        How its files begin.
    module : str
        Which reader of bioio's reads it.
    remedy : str
        How that is installed.
    by_planes : bool
        Whether the reader has to be told that a plane is to be read by itself.
    """

    name: str
    magic: bytes
    module: str
    remedy: str
    by_planes: bool


_CZI = (
    "type: pip install bioio-czi (its licence, GPL, is another one than that of this "
    "program, so it comes with no extra), or save the image as OME-TIFF in ZEN"
)
KINDS = (
    Kind(
        "ND2",
        b"\xda\xce\xbe\x0a",
        "bioio_nd2",
        how_to_install("formats"),
        by_planes=False,
    ),
    Kind("LIF", b"\x70\0\0\0", "bioio_lif", how_to_install("formats"), by_planes=True),
    Kind("CZI", b"ZISRAWFILE", "bioio_czi", _CZI, by_planes=True),
)


def kind_of(path: Path) -> Kind | None:
    """Return which microscope's kind of file it is; the content decides."""
    with path.open("rb") as file:
        first = file.read(16)
    return next((kind for kind in KINDS if first.startswith(kind.magic)), None)


@dataclass(frozen=True, kw_only=True)
class MicroscopeImage(Stored):
    """The first image of a file."""

    kind: Kind

    def open(self) -> Pixels:
        """Open the file."""
        return _MicroscopePixels(_lazy(self.path, _reader(self.path, self.kind)))

    def fingerprint(self) -> str:
        """Return what becomes another text when the file becomes another one."""
        return file_fingerprint(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class _MicroscopePixels:
    image: LazyImage

    def read(self, region: Box, level: int) -> npt.NDArray[Any]:
        return self.image.read(region, level)

    def missing(self, region: Box, level: int) -> tuple[str, ...]:
        del region, level
        return ()

    def close(self) -> None:
        pass  # bioio opens the file for each plane


def find_microscope(path: Path, kind: Kind) -> MicroscopeImage:
    """Return the first image of a file.

    Raises an InputError if its reader is not installed; or whatever that raises.
    """
    reader = _reader(path, kind)
    image = _lazy(path, reader)
    sizes: dict[str, float] = {}
    with suppress(AttributeError, TypeError, ValueError):
        sizes = stated_pixel_size(reader)
    axes, names = stated_axes(reader), stated_channels(reader)
    count = len(reader.scenes)
    note = (
        f"the file holds {count} images and only the first was read; save the others "
        "as files of their own to use them"
    )
    lying = Head(
        levels=image.levels,
        piece=image.piece,
        dtype=image.dtype,
        axes=axes,
        pixel_size=sizes,
        channels=as_names(names, channel_count(image.shape, axes or "")),
        note=note if count > 1 else None,
    )
    found = MicroscopeImage(path=path, lying=lying, kind=kind)
    return found.viewed(without_single(lying, "TCZ"))


def _lazy(path: Path, reader: Any) -> LazyImage:
    return LazyImage(arrays=(lazily_opened(reader),), name=str(path))


def _reader(path: Path, kind: Kind) -> Any:
    try:
        module = importlib.import_module(kind.module)
    except ImportError as error:
        raise InputError(
            f"To read {str(path)!r}, a {kind.name} file, one more package is needed; "
            f"{kind.remedy}."
        ) from error
    options = {"chunk_dims": ["Y", "X"]} if kind.by_planes else {}
    return module.Reader(path, **options)

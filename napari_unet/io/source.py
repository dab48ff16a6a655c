"""Opening an image without reading it: `open_source`.

The content decides, not the suffix: zarr, TIFF, what microscopes write, and what Pillow
reads, each as a `Stored` image of its format.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from napari_unet.errors import InputError, UnreadableRegion, reason_of
from napari_unet.geometry.axes import Shape, parse_axes
from napari_unet.geometry.box import Box
from napari_unet.io.microscope import find_microscope, kind_of
from napari_unet.io.raster import find_raster
from napari_unet.io.remote import is_local, place_of
from napari_unet.io.stored import Native, Pixels, Stored
from napari_unet.io.tiff import find_tiff, is_tiff
from napari_unet.io.zarr import find_zarr, is_zarr


class Source:
    """An image in a file, or folder, that is read by regions; an `ImageSource`.

    Its files are opened when the first region is read. What travels to another process
    is a description, and the files are opened there again. One thread reads at a time;
    each thread, and each process, has a copy of its own (`copy.copy`).

    Parameters
    ----------
    image : Stored
        From a format.
    axes : str, optional
        What the person says, which has to fit.
    """

    __slots__ = ("_axes", "_head", "_image", "_pixels")

    def __init__(self, image: Stored, axes: str | None = None) -> None:
        self._image = image
        self._head = image.head
        fitting = None if axes is None else parse_axes(axes, len(self._head.shape))
        self._axes = fitting
        self._pixels: Pixels | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Stored, str | None]]:
        """Travel as a description."""
        return type(self), (self._image, self._axes)

    def __repr__(self) -> str:
        axes = self.axes or "unknown axes"
        return f"<Source {str(self.path)!r} {self.shape} {axes} {self.dtype}>"

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self._image.path

    @property
    def shape(self) -> Shape:
        """Of the finest level."""
        return self._head.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        return self._head.dtype

    @property
    def axes(self) -> str | None:
        """What the person says, or the file states; None where nobody does."""
        return self._axes or self._head.axes

    @property
    def pixel_size(self) -> Mapping[str, float]:
        """Micrometres per pixel along "Z", "Y" and "X", as far as the file states."""
        return self._head.pixel_size

    @property
    def levels(self) -> tuple[Shape, ...]:
        """Shape of each level of the pyramid, the finest first."""
        return self._head.levels

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, where the file states them."""
        return self._head.channels

    @property
    def note(self) -> str | None:
        """What was made of the image, or left out, in words."""
        return self._head.noted(self._head.slow).note

    @property
    def piece(self) -> Shape:
        """The shape in which pixels lie together in the file, such as a tile."""
        return self._head.piece

    def read(self, region: Box, level: int = 0) -> npt.NDArray[Any]:
        """Return what lies in a region of a level.

        Raises
        ------
        UnreadableRegion
            If a piece of the file that holds a part of it is missing or damaged; other
            regions may be readable.
        InputError
            If the file cannot be opened any more, or memory does not suffice.
        """
        whole = Box.whole(self.levels[level])
        if not whole.contains(region):
            raise ValueError(f"{region} is no part of {self.levels[level]}")
        if region.empty:
            return np.zeros(region.shape, self.dtype)
        regions = [region]
        for view in reversed(self._image.views):
            regions.append(view.inner(regions[-1]))
        pixels = self._open()
        try:
            array = pixels.read(regions.pop(), level)
        except InputError:
            raise
        # A damaged file can make the readers raise anything at all.
        except Exception as error:
            raise _unreadable(self.path, region, error) from error
        for view in self._image.views:
            array = view.pixels(array, regions.pop())
        return array

    def read_whole(self) -> npt.NDArray[Any]:
        """Return all pixels; an InputError says that they do not fit into memory."""
        self._image.check_whole()
        return self.read(Box.whole(self.shape))

    def missing(self, region: Box, level: int = 0) -> tuple[str, ...]:
        """Return the names of the pieces of a region that are not in the file.

        Formats allow it where all pixels of a piece have one value, and they are read
        as that. A copy that was broken off looks the same.
        """
        if region.empty:
            return ()
        for view in reversed(self._image.views):
            region = view.inner(region)
        return self._open().missing(region, level)

    def fingerprint(self) -> str:
        """Return what becomes another text when the files become others.

        Sizes, times and metadata are looked at, and no pixels.

        Raises an InputError if the files are not there any more.
        """
        try:
            return self._image.fingerprint()
        except OSError as error:
            raise InputError(_in_words(self.path, error)) from error

    def close(self) -> None:
        """Close the files; the next reading opens them again."""
        pixels, self._pixels = self._pixels, None
        if pixels is not None:
            pixels.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> Pixels:
        if self._pixels is None:
            try:
                self._pixels = self._image.open()
            except InputError:
                raise
            except Exception as error:
                raise InputError(_in_words(self.path, error)) from error
        return self._pixels


def open_source(path: str | PathLike[str], *, axes: str | None = None) -> Source:
    """Open an image to read regions of it; no pixels are read.

    Parameters
    ----------
    path : str or PathLike
        A TIFF, OME-TIFF or ImageJ file; a zarr or OME-Zarr, as a folder or an address
        such as "https://..." (extra `remote`); a file as microscopes write it (extra
        `formats`); or a picture that Pillow reads.
    axes : str, optional
        One letter of "TCZYX" per axis; what the file states where it is missing.

    Raises
    ------
    InputError
        If the file is missing, not an image, damaged, or holds no pixels or pixels that
        are not real numbers; or the axes do not fit.
    """
    return Source(find_image(place_of(path)), axes)


def find_image(path: Path, *, stored: bool = False) -> Stored:
    """Return the image in a file or folder; the rest as in `read_image`."""
    if is_local(path):
        _check_file(path)
    try:
        found = _find(path, stored=stored)
    except InputError:
        raise
    # A damaged file can make the readers raise anything at all.
    except Exception as error:
        raise InputError(_in_words(path, error)) from error
    return _refuse_unreal(found).viewed(Native())


def _find(path: Path, *, stored: bool) -> Stored:
    if not is_local(path) or path.is_dir():
        return find_zarr(path)
    if is_tiff(path):
        return find_tiff(path, stored=stored)
    if (kind := kind_of(path)) is not None:
        return find_microscope(path, kind)
    return find_raster(path, stored=stored)


def _refuse_unreal(found: Stored) -> Stored:
    head, name = found.head, repr(str(found.path))
    if head.dtype.kind not in "biuf":
        raise InputError(
            f"Expected real grey values, found {head.dtype} pixels in {name}; save "
            "the magnitude, or one component, as an image."
        )
    if 0 in head.shape:
        raise InputError(
            f"The image {name} holds no pixels (shape {head.shape}); export it again."
        )
    return found


def _check_file(path: Path) -> None:
    name = repr(str(path))
    try:
        if is_zarr(path):
            return
        problem = _problem(path)
    except OSError as error:
        raise InputError(f"Cannot read {name}: {_reason(error)}.") from error
    if problem is not None:
        raise InputError(problem.format(name))


def _problem(path: Path) -> str | None:
    """Return why a path is no file that can be read, with a place for its name."""
    if path.is_dir():
        return "Expected an image file, found the folder {}; name the images in it."
    if path.is_symlink() and not path.exists():
        return "The link {} leads to no file; make it anew, or name the file."
    if not path.exists():
        return "There is no file {}; check the name and the folder."
    if not path.is_file():
        found = "Expected an image file, found a device or pipe: {}"
        return f"{found}; save the image as a file."
    if path.stat().st_size == 0:
        return "The file {} is empty (0 bytes); copy or export it again."
    return None


def _unreadable(path: Path, region: Box, error: Exception) -> InputError:
    """Return what is said where a library could not read a region."""
    known = _known_words(path, error)
    if known is not None:
        return InputError(known)
    reason = reason_of(error)
    return UnreadableRegion(str(path), f"the region {region.in_words}", reason)


def _in_words(path: Path, error: Exception) -> str:
    """Return what is said where a library could not open an image."""
    return _known_words(path, error) or (
        f"The image {str(path)!r} is incomplete or damaged and was not read; "
        "copy or export it again."
    )


def _known_words(path: Path, error: Exception) -> str | None:
    name = repr(str(path))
    if isinstance(error, PermissionError):
        return f"Cannot read {name}: {_reason(error)}; change its permissions."
    if isinstance(error, FileNotFoundError):
        return f"There is no file {name} any more; check the folder."
    if isinstance(error, MemoryError):
        return (
            f"The image {name} does not fit into memory; crop it, or use a machine "
            "with more."
        )
    if isinstance(error, Image.DecompressionBombError):
        return (
            f"{name} is too large for its format; save it as TIFF, which has no limit."
        )
    if isinstance(error, UnidentifiedImageError):
        return (
            f"{name} is not an image that this program reads (TIFF, OME-TIFF, PNG, "
            "JPEG, BMP); open it in Fiji and save it as TIFF."
        )
    if isinstance(error, ImportError) or "imagecodecs" in str(error):
        return (
            f"The TIFF {name} is compressed in a way that needs one more package; "
            "run: pip install imagecodecs"
        )
    return None


def _reason(error: OSError) -> str:
    return error.strerror or str(error)

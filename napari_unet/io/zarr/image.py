"""Images in zarr folders, read by regions: arrays, and OME-Zarr with its levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from napari_unet.errors import InputError
from napari_unet.geometry.axes import CANONICAL, ImageHeader, axes_of_names
from napari_unet.images.channels import channel_count
from napari_unet.io.reader import in_micrometres
from napari_unet.io.remote import is_local
from napari_unet.io.stored import Head, Pixels, Stored, without_single
from napari_unet.io.zarr import checks
from napari_unet.io.zarr.head import ArrayHead, dimension_names, read_head
from napari_unet.io.zarr.inside import image_inside, leading_out
from napari_unet.io.zarr.metadata import (
    METADATA,
    Multiscales,
    channel_names,
    find_multiscales,
    level_folder,
)


@dataclass(frozen=True, slots=True)
class ZarrLevel:
    """An array, where it is, and what it says of itself."""

    folder: Path
    head: ArrayHead


@dataclass(frozen=True, kw_only=True)
class ZarrImage(Stored):
    """A zarr array, or an OME-Zarr image.

    Attributes
    ----------
    image : Path
        The folder of the image: the path, or inside of it.
    arrays : tuple of ZarrLevel
        The finest first.
    """

    image: Path
    arrays: tuple[ZarrLevel, ...]

    def open(self) -> Pixels:
        """Open the arrays."""
        # Takes half a second, and most images are no zarr.
        from napari_unet.io.zarr.pixels import open_pixels

        return open_pixels(self.path, self.arrays)

    def fingerprint(self) -> str:
        """Return what becomes another text when metadata or chunks become others.

        Names, sizes and times of the files of the finest level are looked at.
        """
        found = sha256()
        folder = self.arrays[0].folder
        for name in METADATA:
            for file in dict.fromkeys((self.image / name, folder / name)):
                if file.is_file():
                    found.update(file.read_bytes())
        for words in checks.iter_identities(folder):
            found.update(f"{words}\n".encode())
        return found.hexdigest()

    def check_whole(self) -> None:
        """Refuse more than there is, or than fits into memory."""
        finest = self.arrays[0]
        super().check_whole()
        checks.check_claims(self.path, finest.folder, finest.head)


def find_zarr(path: Path) -> ZarrImage:
    """Return a zarr array, or an OME-Zarr image; the first one of a container.

    Raises an InputError if its metadata are not those of plain numbers in plain chunks,
    or lead out of the folder.
    """
    image, note = image_inside(path)
    multiscales = find_multiscales(image)
    arrays = tuple(_levels(path, image, multiscales))
    stated = _stated(image, multiscales, arrays[0].head)
    finest = arrays[0].head
    lying = Head(
        levels=tuple(each.head.shape for each in arrays),
        piece=finest.chunks,
        dtype=finest.number,
        axes=stated.axes,
        pixel_size=stated.pixel_size,
        channels=stated.channels,
        note=note,
    )
    # OME-Zarr often has axes with one plane, which readers of TIFF leave out.
    single = without_single(lying, "TCZ")
    found = ZarrImage(path=path, lying=lying, image=image, arrays=arrays)
    return found.viewed(single)


def read_zarr_header(path: Path) -> ImageHeader:
    """Return what a zarr states of its finest level; no pixels are read."""
    image, _ = image_inside(path)
    multiscales = find_multiscales(image)
    finest = next(_levels(path, image, multiscales))
    return _stated(image, multiscales, finest.head)


def _levels(
    path: Path, image: Path, multiscales: Multiscales | None
) -> Iterator[ZarrLevel]:
    """Yield the levels that fit to the finest one."""
    if multiscales is None:
        yield _level(path, image)
        return
    first, *others = (level_folder(image, one.path) for one in multiscales.datasets)
    finest = _level(path, first)
    yield finest
    for folder in others:
        try:
            found = _level(path, folder)
        except InputError:
            return  # smaller copies may be missing, and are no reason to refuse
        if len(found.head.shape) != len(finest.head.shape):
            return
        if found.head.number.newbyteorder("=") != finest.head.number.newbyteorder("="):
            return
        yield found


def _level(path: Path, folder: Path) -> ZarrLevel:
    if is_local(path) and not folder.resolve().is_relative_to(path.resolve()):
        raise leading_out(path, folder)
    for name in METADATA:
        checks.check_file(path, folder / name)
    head = read_head(folder)
    checks.check_head(path, head)
    return ZarrLevel(folder, head)


def _stated(
    image: Path, multiscales: Multiscales | None, head: ArrayHead
) -> ImageHeader:
    if multiscales is None:
        axes = axes_of_names(dimension_names(image), len(head.shape))
        return ImageHeader(axes, head.shape if axes else ())
    axes, sizes = multiscales.letters, in_micrometres(multiscales.sizes)
    if not multiscales.axes and len(head.shape) == 5:
        axes = CANONICAL  # before version 0.3 they had no names, and were always these
    if axes is None or len(axes) != len(head.shape):
        return ImageHeader(pixel_size=sizes)
    names = channel_names(image, channel_count(head.shape, axes))
    return ImageHeader(axes, head.shape, names, sizes)

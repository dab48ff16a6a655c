"""Label maps in zarr folders, as layers to look at, of which napari reads what is seen.

Nobody keeps what is in them, as with all labels from elsewhere (see `layers.py`). Where
they fit the image that is chosen they lie on it; otherwise they have the size of pixels
that their file states.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image, Labels

from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes
from napari_unet.gui.image_layers import ImageLayers, axes_of, source_of
from napari_unet.gui.napari_private import made_from_file
from napari_unet.gui.placement import ChannelAxis, cover
from napari_unet.gui.reading import NAPARI
from napari_unet.io.large_file import LargeFile, open_large
from napari_unet.io.pairing import stem_of
from napari_unet.io.source import open_source
from napari_unet.session.runner import Handlers, Runner
from napari_unet.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel


@dataclass(frozen=True, slots=True, eq=False)
class FoundLabels:
    """A label map that is read by regions, with micrometres a pixel along its axes."""

    path: Path
    levels: LargeFile
    pixel_size: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class OpenLabels(Job[FoundLabels, None]):
    """Open label maps, of which nothing is read but what tells how they are stored."""

    paths: tuple[Path, ...]

    def run(self) -> Generator[FoundLabels, None, None]:
        """Open one after the other."""
        for path in self.paths:
            source = open_source(path)
            if source.dtype.kind not in "ui":
                raise InputError(
                    f"Expected labels, which are whole numbers, in {str(path)!r}, "
                    f"found {source.dtype}; write them as whole numbers."
                )
            yield FoundLabels(path, open_large(source), source.pixel_size)


class LabelFiles:
    """Shows label maps in layers."""

    def __init__(
        self, viewer: ViewerModel, images: ImageLayers, session: Session, runner: Runner
    ) -> None:
        self._viewer = viewer
        self._images = images
        self._session = session
        self._runner = runner
        self._lone: dict[Labels, LargeFile] = {}  # lie on no image yet
        images.chosen_changed.connect(self._lie_on_chosen)

    def close(self) -> None:
        """Lay nothing on images any more."""
        self._images.chosen_changed.disconnect(self._lie_on_chosen)
        self._lone.clear()

    def show(self, zarr: Path, maps: tuple[Path, ...]) -> None:
        """Show the label maps of a zarr."""
        self._runner.start(
            OpenLabels(maps),
            Handlers(
                event=partial(self._add, zarr),
                error=partial(self._session.report, "image"),
            ),
        )

    def _add(self, zarr: Path, found: FoundLabels) -> None:
        axes = found.levels.axes
        stem, name = stem_of(zarr), found.path.name
        alone = found.path == zarr or name in stem.split()
        sizes = [found.pixel_size.get(axis) for axis in axes]
        with made_from_file(str(found.path), NAPARI):
            layer = Labels(
                list(found.levels.levels),
                name=stem if alone else f"{stem} {name}",
                # Also of one level: nobody can paint in what is read from a file.
                multiscale=True,
                metadata={"axes": axes},
                scale=[size or 1.0 for size in sizes],
                units=["micrometer" if size else "pixel" for size in sizes],
            )
        # Before it is added: napari warns of units that are not those of others.
        if not self._lay(layer, found.levels):
            there = {x: f for x, f in self._lone.items() if x in self._viewer.layers}
            self._lone = {**there, layer: found.levels}
        self._viewer.add_layer(layer)

    def _lie_on_chosen(self) -> None:
        """Lay labels on the image that is chosen, also where that came after them."""
        layers, below = self._viewer.layers, self._images.chosen
        for layer, found in [each for each in self._lone.items() if each[0] in layers]:
            if below is not None and self._lay(layer, found):
                del self._lone[layer]
                if layers.index(layer) < layers.index(below):
                    layers.move(layers.index(layer), layers.index(below) + 1)

    def _lay(self, layer: Labels, found: LargeFile) -> bool:
        """Lay labels on the image that is chosen, if they fit; return whether."""
        below = self._images.chosen
        if below is None or not self._fits(found, below):
            return False
        cover(layer, below)
        return True

    def _fits(self, found: LargeFile, image: Image) -> bool:
        """Whether labels can be of an image, and napari can lay them on it.

        It cannot where there are channels between planes: it lines up last axes.
        """
        shape = source_of(image).shape
        axes = axes_of(image, self._session.images)
        sizes = dict(zip(axes, shape, strict=True))
        kept = tuple(sizes[axis] for axis in result_axes(axes))
        plain = ChannelAxis.over(axes, shape, rgb=image.rgb).position is None
        return plain and kept == found.levels[0].shape

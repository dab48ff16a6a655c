"""The plan of a prediction: chunks that are predicted one by one and stitched.

Along an axis, a chunk in the middle of a plane::

    read.start   decoded.start   core.start          core.stop  decoded.stop   read.stop
    |---- halo ----|--- margin ----|====== core ======|--- margin ----|---- halo ----|

The network needs the halo to say of the rest what it would say of the whole plane, and
objects of the core reach into the margin. What fits into memory is a single chunk,
whose three boxes are the plane, or the volume where the network is 3-D.

What a chunk holds depends on the plan, the image and the model alone. So chunks may be
predicted in any order, elsewhere, and again. An object belongs to the chunk of its
seed, for which the middle of its bounding box is taken: a peak of the maps may move by
some pixels when the network rounds otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage as ndi

from napari_unet.core.jobs import told_as
from napari_unet.geometry.axes import from_canonical, result_axes
from napari_unet.geometry.box import Box
from napari_unet.geometry.maps import LabelMap
from napari_unet.geometry.tiling import plan_tiles
from napari_unet.images.source import CanonicalImage, LabelStore
from napari_unet.inference.events import ViewPredicted
from napari_unet.inference.forward import PlaneEvent, PlanePredictor
from napari_unet.inference.model_input import resize, sample_labels, zoomed_shape
from napari_unet.instances.decoding import Maps
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks import task_of
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.objectives.objective import Values

LARGEST_CHUNK = 2**30
"""Pixels of a plane, or a volume, that are predicted as one."""

MARGIN = 256
"""Pixels around the core of a chunk in which its objects are seen whole."""

_WORTH_A_PREVIEW = 0.5

LARGEST_CACHED = 2**24
"""Pixels of the zoomed image whose maps are kept; two bytes for each of its maps."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a plane, or of a volume, which has all sections.

    What is kept, where objects are looked for, and what the network sees, as boxes
    (Y, X) or (Z, Y, X).
    """

    frame: int
    section: int | None
    core: Box
    decoded: Box
    read: Box

    def crop(self, values: Values) -> Values:
        """Return what lies in the core of what was decoded."""
        index: Any = (..., *self.core.relative_to(self.decoded).slices)
        return np.asarray(values[index])

    def in_result(self, box: Box) -> Box:
        """Return a box of the plane, or volume, in the (T, Z, Y, X) of the result."""
        start, stop = box.start, box.stop
        if self.section is not None:
            start, stop = (self.section, *start), (self.section + 1, *stop)
        return Box((self.frame, *start), (self.frame + 1, *stop))


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """What the chunks of an image (T, Z, Y, X) have in common, and the chunks.

    The limits are the grey values of the whole image that become 0 and 1, by channel.
    The result is raw, maps as the network gives them, or else what they are decoded to;
    objects get their ids when all is done. Planes are zoomed for the network. The cores
    of the chunks cover the image, each pixel once.
    """

    shape: tuple[int, int, int, int]
    spec: ModelSpec
    limits: tuple[tuple[float, float], ...]
    raw: bool
    objects: bool
    zoom: float
    chunks: tuple[Chunk, ...]

    @property
    def largest_plane(self) -> tuple[int, ...]:
        """Shape of what the network sees of the largest chunk."""
        shape = max((chunk.read.shape for chunk in self.chunks), key=math.prod)
        return zoomed_shape(shape, self.zoom)

    @property
    def cached(self) -> bool:
        """Whether maps are kept, rounded, so that thresholds can be moved."""
        pixels = math.prod(self.shape) * self.zoom**2
        planar = self.chunks[0].section is not None
        whole = len(self.chunks) == self.shape[0] * self.shape[1]
        return self.objects and planar and whole and pixels <= LARGEST_CACHED


def plan_chunks(
    image: CanonicalImage,
    spec: ModelSpec,
    predictor: PlanePredictor,
    *,
    limits: Sequence[tuple[float, float]],
    raw: bool,
    zoom: float,
) -> ChunkPlan:
    """Plan the chunks of an image, plane by plane; the rest as in `ChunkPlan`.

    Large planes are cut where the network is exact and the plane is not zoomed: the
    grid of a zoomed plane is that of all of it.
    """
    dims = predictor.dims
    shape = (image.shape[0], *image.shape[2:])
    objects = task_of(spec).labels.objects and not raw
    whole = zoom != 1 or not predictor.exact
    margin = MARGIN if objects else 0
    parts = _cut(shape[-dims:], predictor, margin, whole=whole)
    chunks = tuple(
        Chunk(frame, section, *part)
        for frame in range(shape[0])
        for section in ([None] if dims == 3 else range(shape[1]))
        for part in parts
    )
    return ChunkPlan(shape, spec, tuple(limits), raw, objects, zoom, chunks)


def _cut(
    shape: tuple[int, ...], predictor: PlanePredictor, margin: int, *, whole: bool
) -> list[tuple[Box, Box, Box]]:
    """Return the cores of a plane or volume, what is decoded, and what is read."""
    plane = Box.whole(shape)
    if whole or math.prod(shape) <= LARGEST_CHUNK:
        return [(plane, plane, plane)]
    side = round(LARGEST_CHUNK ** (1 / len(shape)))
    halo, stride = predictor.halo + MARGIN, predictor.stride
    tiles = plan_tiles(shape, window=side, halo=halo, stride=stride)
    return [
        (tile.core, tile.core.grow(margin, shape), tile.window.intersect(plane))
        for tile in tiles
    ]


def chunk_of_view(
    view: Box, axes: str, shape: tuple[int, int, int, int], halo: int
) -> Chunk:
    """Return the viewed part of a plane, of (T, Z, Y, X), with the network's halo."""
    start = dict(zip(result_axes(axes), view.start, strict=True))
    stop = dict(zip(result_axes(axes), view.stop, strict=True))
    core = Box((start["Y"], start["X"]), (stop["Y"], stop["X"]))
    core = core.intersect(Box.whole(shape[2:]))
    read = core.grow(halo, shape[2:])
    return Chunk(start.get("T", 0), start.get("Z", 0), core, read, read)


def worth_a_preview(chunk: Chunk, plan: ChunkPlan) -> bool:
    """Whether a view is much less than its plane, so that it is shown before all."""
    area = math.prod(plan.shape[2:])
    return 0 < math.prod(chunk.core.shape) <= _WORTH_A_PREVIEW * area


def seen_in_view(chunk: Chunk, values: Values, axes: str) -> ViewPredicted:
    """Return what the core of a viewed part of a plane holds, in the image's axes."""
    box = box_in_axes(chunk.in_result(chunk.core), axes)
    whole = chunk.crop(values)[..., None, None, :, :]
    return ViewPredicted(box, in_image_axes(whole, axes))


def box_in_axes(box: Box, axes: str) -> Box:
    """Return a box of (T, Z, Y, X) in the axes of the image without C."""
    places = ["TZYX".index(axis) for axis in result_axes(axes)]
    return Box(tuple(box.start[n] for n in places), tuple(box.stop[n] for n in places))


@dataclass(frozen=True, slots=True, eq=False)
class ChunkResult:
    """What a chunk holds, and what the network said, where that is kept.

    Values are those of the decoded box: ids from 1 of the objects that belong to the
    chunk, or classes; regressed values and maps have a first axis more.
    """

    values: Values
    maps: npt.NDArray[np.float16] | None


def iter_predict_chunk(
    plan: ChunkPlan, number: int, image: CanonicalImage, predictor: PlanePredictor
) -> Generator[PlaneEvent, None, ChunkResult]:
    """Predict a chunk, with the image and the model for which the plan was made."""
    chunk = plan.chunks[number]
    maps = yield from iter_chunk_maps(plan, chunk, image, predictor)
    kept = None
    if plan.cached:
        kept = narrowed(maps)
        maps = widened(kept)
    values = yield from iter_decode_chunk(plan, chunk, maps)
    if chunk.core != chunk.decoded:
        values = _own_objects(values, chunk.core.relative_to(chunk.decoded))
    return ChunkResult(values, kept)


def iter_chunk_maps(
    plan: ChunkPlan,
    chunk: Chunk,
    image: CanonicalImage,
    predictor: PlanePredictor,
    turns: int = 0,
) -> Generator[PlaneEvent, None, Maps]:
    """Return the network's maps of what is decoded of a chunk, on the zoomed grid.

    As it says them of the chunk turned by so many times 90 degrees, turned back.
    """
    pixels = image.plane(chunk.frame, chunk.section, chunk.read)
    plane = plan.spec.normalization.scale(pixels, plan.limits)
    plane = resize(plane, zoomed_shape(plane.shape[1:], plan.zoom))
    maps = yield from predictor.iter_maps(plane, turns)
    if chunk.decoded == chunk.read:
        return maps
    return maps[:, *chunk.decoded.relative_to(chunk.read).slices]


def iter_decode_chunk(
    plan: ChunkPlan, chunk: Chunk, maps: Maps
) -> Generator[PlaneEvent, None, Values]:
    """Return what a person asked for, on the grid of the image."""
    yield 1.0
    shape = chunk.decoded.shape
    if plan.raw:
        return resize(maps, shape)
    steps = iter_decode_maps(plan.spec, maps, shape, plan.zoom)
    return (yield from told_as(1.0, steps))


def iter_decode_maps(
    spec: ModelSpec, maps: Maps, shape: tuple[int, ...], zoom: float
) -> Generator[None, None, Values]:
    """Return what the maps of a zoomed plane mean, on the grid of the plane itself.

    Small objects are told apart where they are large; large ones get their outlines on
    the finer grid.
    """
    objective = objective_of(spec)
    if zoom <= 1 and objective.enlarges_maps:
        return (yield from objective.iter_decode(resize(maps, shape), zoom))
    found = yield from objective.iter_decode(maps)
    if maps.shape[1:] == shape:
        return found
    enlarged = sample_labels(found, shape)
    yield
    return objective.refine(enlarged, resize(maps[:1], shape)[0], zoom)


def _own_objects(labels: LabelMap, core: Box) -> LabelMap:
    """Return the objects whose middle lies in the core, with ids from 1."""
    numbers = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    owned = 0
    for number, place in enumerate(ndi.find_objects(labels), start=1):
        if place is None:
            continue
        middle = tuple((each.start + each.stop) // 2 for each in place)
        if core.contains(Box(middle, tuple(n + 1 for n in middle))):
            owned += 1
            numbers[number] = owned
    return numbers[labels]


def stitch(
    plan: ChunkPlan, number: int, found: ChunkResult, store: LabelStore, last: int = 0
) -> int:
    """Write what a chunk holds into the result (T, Z, Y, X), or (n, T, Z, Y, X).

    Objects get ids above `last`, the largest one in their plane, or volume, so far.
    The largest one afterwards is returned.
    """
    chunk, values = plan.chunks[number], found.values
    leading = values.shape[: -len(chunk.core.shape)]
    region = chunk.in_result(chunk.decoded)
    region = Box((0,) * len(leading) + region.start, leading + region.stop)
    values = values.reshape(region.shape)
    if chunk.core == chunk.decoded:
        store.write(region, values)
        return last
    stored = store.read(region)
    free = (values > 0) & (stored == 0)
    store.write(region, np.where(free, values + last, stored))
    return last + int(values.max(initial=0))


def in_image_axes(values: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Turn (T, Z, Y, X), or (n, T, Z, Y, X), to the axes of the image without C."""
    if values.ndim == 4:
        return np.ascontiguousarray(from_canonical(values, axes))
    return np.stack([from_canonical(one, axes) for one in values])


def narrowed(maps: Maps) -> npt.NDArray[np.float16]:
    """Return maps as they are kept; torch rounds as numpy does, and much quicker."""
    return torch.from_numpy(maps).half().numpy()


def widened(plane: npt.NDArray[np.float16]) -> Maps:
    """Return maps as they are decoded."""
    return torch.from_numpy(plane).float().numpy()

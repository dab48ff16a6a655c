"""Look again at a result, and whether objects are there what the model says.

Windows that lie across seams, and some inside of blocks, are predicted in one piece,
with their own margin and halo, and compared with the result: which pixels are together,
not which ids they have.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.core.events import TilesDone
from napari_unet.core.jobs import told_as
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact, count_pairs
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.source import CanonicalImage, Regions
from napari_unet.inference.blocks import CUTTINGS, Block, BlockPlan, block_at
from napari_unet.inference.events import PredictEvent
from napari_unet.inference.predict_block import (
    crop,
    iter_block_maps,
    iter_decode_block,
)
from napari_unet.inference.stitching import in_core
from napari_unet.inference.volumes import Predictor
from napari_unet.io.source import Source
from napari_unet.large.folder import Seen
from napari_unet.large.image import fit_source, open_image
from napari_unet.large.result import (
    box_in_result,
    place_of,
    region_in_result,
    shape_in_result,
)
from napari_unet.large.run import planned, predictor_for
from napari_unet.large.settings import fingerprint_of, identity
from napari_unet.tasks.objectives.objective import Values
from napari_unet.weights.folder import load_model
from napari_unet.weights.model import Model

EXTENT = 512
"""Of the windows that are compared, in pixels that the network sees; 64 in 3-D."""

_ROUNDED = 1e-3
"""So many pixels may differ where a network computes with less than float32."""

_ALIKE = 0.9
"""By so much two objects are the same pixels at least, where some may differ."""

_CLOSE = 1e-3
"""Values may differ by so much of the largest one."""


@dataclass(frozen=True, slots=True)
class SeamsChecked:
    """How many windows were compared, and where the result differs from the model.

    Of how many seams, and of how many blocks, is told as well.
    """

    windows: int
    seams: int
    blocks: int
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Checked:
    """A result with all that it was made of."""

    result: Regions
    image: CanonicalImage
    predictor: Predictor
    plan: BlockPlan
    gaps: frozenset[int]


def iter_check_seams(
    path: Path,
    *,
    image: str | None = None,
    model: Model | None = None,
    samples: int = 16,
    seed: int = 0,
    device: str = "auto",
) -> Generator[PredictEvent, None, SeamsChecked]:
    """Compare windows across seams, and inside of blocks, with what the model says.

    Parameters
    ----------
    path : Path
        A result of `predict_to`.
    image, model : optional
        Where it does not lie any more where it was predicted from.
    samples : int
        How many windows across seams are compared, by chance, at most one for a seam;
        as many inside of blocks as there are seams too few, and always one.
    """
    with _opened(path, image, model, device) as checked:
        return (yield from _iter_check(checked, samples, seed))


def _iter_check(
    checked: _Checked, samples: int, seed: int
) -> Generator[PredictEvent, None, SeamsChecked]:
    seams, insides = list(_seams(checked)), list(_insides(checked))
    rng = np.random.default_rng(seed)
    chosen = _some(seams, samples, rng)
    chosen += _some(insides, max(1, samples - len(chosen)), rng)
    differing = []
    for number, which in enumerate(chosen):
        yield TilesDone(number, len(chosen))
        block = _window(checked, *which, rng=rng)
        steps = _iter_same(checked, block)
        if not (yield from told_as(TilesDone(number, len(chosen)), steps)):
            differing.append(_in_words(checked, block))
    return SeamsChecked(len(chosen), len(seams), len(insides), tuple(differing))


def _some(
    places: list[tuple[int, int | None]], count: int, rng: np.random.Generator
) -> list[tuple[int, int | None]]:
    """Return some of what there is, by chance, in its order."""
    chosen = sorted(rng.permutation(len(places))[:count].tolist())
    return [places[which] for which in chosen]


@contextmanager
def _opened(
    path: Path, image: str | None, model: Model | None, device: str
) -> Iterator[_Checked]:
    place = place_of(path)
    note = place.note()
    if note is None:
        raise InputError(
            f"Expected a result of napari-unet predict --output-format, found none in "
            f"{str(path)!r}; name its zarr, or its TIFF."
        )
    seen = Seen.model_validate(note["seen"])
    where = image or seen.image
    if where is None:
        raise InputError(
            f"{str(path)!r} was predicted from an array, which is in no file; name one "
            "with --image."
        )
    loaded = model or load_model(note["model"])
    thresholds = type(loaded.spec.decoding).model_validate(note["thresholds"])
    loaded = loaded.with_decoding(thresholds)
    with open_image(where, seen.settings.axes) as source, ExitStack() as stack:
        same = identity(seen.settings, fingerprint_of(source), loaded)
        if image is None and same != seen.identity:
            raise InputError(
                f"The image {where!r}, or the model {note['model']!r}, is not any more "
                f"what {str(path)!r} was made of; name them with --image and --model."
            )
        axes, channel = seen.settings.axes, seen.settings.channel
        fitted, _ = fit_source(source, axes, channel, loaded)
        planar = predictor_for(loaded, seen.settings, device)
        predictor, plan = planned(seen, fitted, loaded, planar)
        _refuse_other_shape(note, where, shape_in_result(plan, fitted.axes))
        gaps = frozenset(int(gap["block"]) for gap in note["empty"])
        if seen.blank:  # nothing was predicted, and nothing is there
            gaps = frozenset(range(len(plan.blocks)))
        labels = place.labels(note)
        if isinstance(labels, Source):
            stack.enter_context(labels)
        yield _Checked(labels, fitted, predictor, plan, gaps)


def _refuse_other_shape(
    note: Mapping[str, Any], image: str, shape: tuple[int, ...]
) -> None:
    """Refuse an image of another shape, whose seams are not those of the result."""
    pairs = zip(note["axes"], note["shape"], strict=True)
    expected = tuple(n for axis, n in pairs if axis != "C")
    if shape != expected:
        raise InputError(
            f"Expected the image that the result was made of, "
            f"{_by(expected)} pixels, found {_by(shape)} in {image!r}; name that one "
            "with --image."
        )


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _insides(checked: _Checked) -> Generator[tuple[int, int | None], None, None]:
    """Yield the blocks that are there; their axis is none."""
    for number in range(len(checked.plan.blocks)):
        if number not in checked.gaps:
            yield number, None


def _seams(checked: _Checked) -> Generator[tuple[int, int | None], None, None]:
    """Yield blocks and axes along which another one follows, if both are there."""
    plan = checked.plan
    for number in range(len(plan.blocks)):
        for axis in range(len(plan.grid)):
            other = plan.beside(number, [int(n == axis) for n in range(len(plan.grid))])
            if other is not None and checked.gaps.isdisjoint((number, other)):
                yield number, axis


def _window(
    checked: _Checked, number: int, axis: int | None, *, rng: np.random.Generator
) -> Block:
    """Return a block that lies across the seam behind a block, somewhere along it.

    Without an axis, somewhere in the block.
    """
    plan, block = checked.plan, checked.plan.blocks[number]
    part = block.part
    if part is None:
        raise ValueError("a plane that is not cut has no windows")
    dims = len(plan.grid)
    cutting = CUTTINGS[dims]
    extent = EXTENT if dims == 2 else EXTENT // 8
    own = part.own
    centre = [int(rng.integers(a, b)) for a, b in zip(own.start, own.stop, strict=True)]
    if axis is not None:
        centre[axis] = own.stop[axis]
    whole = Box.whole(part.zoomed.new_shape)
    start = tuple(max(0, c - extent // 2) for c in centre)
    box = Box(start, tuple(a + extent for a in start)).intersect(whole)
    window = block_at(
        box,
        part.zoomed.shape,
        part.zoomed.new_shape,
        checked.predictor,
        cutting,
        objects=plan.objects,
    )
    return replace(window, frame=block.frame, section=block.section)


def _iter_same(checked: _Checked, block: Block) -> Generator[Any, None, bool]:
    """Find out whether a window of the result is what the model says of it."""
    plan = checked.plan
    maps = yield from iter_block_maps(plan, block, checked.image, checked.predictor)
    values = yield from iter_decode_block(plan, block, maps)
    exact = checked.predictor.planar.execution.autocast is None
    if not plan.objects:
        expected = crop(block, values)
        return _same_values(expected, _stored(checked, block, expected), exact=exact)
    plane = Box.whole(plan.shape[-len(plan.grid) :])
    expected, _, cut = in_core(block, values, plane)
    return same_partition(expected, _stored(checked, block, expected), cut, exact=exact)


def _stored(checked: _Checked, block: Block, like: Values) -> Values:
    """Return what the result holds of a window."""
    plan, axes = checked.plan, checked.image.axes
    region, place = region_in_result(plan, block, axes, like)
    stored = np.moveaxis(checked.result.read(region), place, 0)
    return np.asarray(stored.reshape(like.shape))


def same_partition(
    expected: LabelMap, found: LabelMap, cut: npt.NDArray[np.bool_], *, exact: bool
) -> bool:
    """Whether two label maps tell the same pixels apart, whatever their ids are.

    Objects that were seen cut may be parts of one.

    Parameters
    ----------
    cut : ndarray of bool
        Which of the expected objects were, by their ids.
    exact : bool
        Whether no pixel may differ; otherwise a few may, at the borders of objects.
    """
    found = compact(found)[0]
    one, other, pixels = count_pairs(expected, found)
    # What holds most of each expected object.
    order = np.argsort(pixels, kind="stable")
    holder = np.zeros(len(cut), np.int64)
    holder[one[order]] = other[order]
    joined = np.arange(len(cut), dtype=np.int64)
    joined[cut] = len(cut) + holder[cut]
    expected = compact(joined[expected])[0]
    one, other, pixels = count_pairs(expected, found)
    areas, areas_found = (np.bincount(each.ravel()) for each in (expected, found))
    alike = pixels / (areas[one] + areas_found[other] - pixels)
    if exact:
        return bool((alike == 1).all())
    matched = alike > _ALIKE
    differing = int(pixels[~matched].sum())
    large = np.flatnonzero(areas > _ROUNDED * expected.size)
    few = differing <= _ROUNDED * expected.size
    return few and bool(np.isin(large, one[matched]).all())


def _same_values(expected: Values, found: Values, *, exact: bool) -> bool:
    if expected.dtype.kind == "f":
        spread = max(float(np.abs(expected).max(initial=0)), 1.0)
        return bool(np.allclose(expected, found, atol=_CLOSE * spread))
    share = float(np.mean(expected != found))
    return share <= (0 if exact else _ROUNDED)


def _in_words(checked: _Checked, block: Block) -> str:
    """Return where a window lies, in the axes of the result."""
    axes = checked.image.axes
    box = box_in_result(block.in_result(block.core), axes)
    letters = "".join(a for a in "TZYX" if a in axes)
    spans = zip(letters, box.start, box.stop, strict=True)
    return ", ".join(f"{a} {start}:{stop}" for a, start, stop in spans)

"""What a training learns from and is measured on: annotated images become planes.

How it flows: every plane of a sample with something verified is cut out (a volume for
a 3-D network), normalised and, where its objects have a size that the model does not
know, zoomed as in prediction. Then some of what is verified is held out, and the rest
becomes targets and the centres of crops.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.labels import as_mask
from napari_unet.core.events import Notice, Preparing, Validated
from napari_unet.core.jobs import drain, told_as
from napari_unet.errors import InputError, naming
from napari_unet.geometry.axes import from_canonical, result_axes, to_canonical
from napari_unet.geometry.box import Box
from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import Mask
from napari_unet.images.source import anisotropy_of
from napari_unet.inference.measure import typical_diameter
from napari_unet.inference.model_input import (
    fit_image,
    resize,
    sample_labels,
    zoom_for,
    zoomed_shape,
    zooms_of,
)
from napari_unet.instances.diameter import UsualSize
from napari_unet.learning.config import FitConfig
from napari_unet.learning.judging import Known, Window
from napari_unet.learning.sampling import Plane, make_plane
from napari_unet.learning.sight import Sight
from napari_unet.learning.validation import (
    Holdout,
    Section,
    count_units,
    fullest,
    iter_hold_out,
    iter_windows,
)
from napari_unet.models.spec import ModelSpec
from napari_unet.tasks import task_of
from napari_unet.tasks.objectives import Objective
from napari_unet.tasks.objectives.objective import Values
from napari_unet.tasks.sample import Sample
from napari_unet.weights.model import Model

_GAP = 8
_PIXELS_TO_FIT = 2**18
_NOTHING_HELD_OUT = Notice(
    "Few objects are verified: none is held out, so scores come from those that train. "
    "Correct some more to get honest ones."
)
_LEAST_HELD = 4
"""Who chose by fewer objects would choose by chance."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a training learns from and is measured on.

    Probabilities say how often each plane gives a crop. Windows are where the network
    is compared with verified pixels, which also train unless they are held out. In
    `known` thresholds are fitted to all that is verified: of the few objects that are
    held out they would follow chance. Objects are counted for every image, where the
    task has any. The usual size is that of the typical object of each image, where the
    model has to know.
    """

    planes: list[Plane]
    probabilities: npt.NDArray[np.float64]
    windows: list[Window]
    known: Known
    held_out: bool
    objects: Sequence[int] | None = None
    usual_size: UsualSize | None = None

    def validated(
        self, step: int, score: float, start_score: float, *, best: bool
    ) -> Validated:
        """Return what is told of a score that was measured in the windows."""
        return Validated(step, score, start_score, best, self.held_out)

    def learned(self, objective: Objective) -> dict[str, Any]:
        """Return what of a model's description its training has found out."""
        found = dict(objective.thresholds)
        if self.usual_size is not None:
            found["usual_diameter"] = self.usual_size.diameter
            found["diameter_spread"] = self.usual_size.spread
        return found


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedPlane:
    """A plane of a sample, or in 3-D a volume, which has Z before Y.

    The image is normalised, (C, Y, X); values are (Y, X), or (n, Y, X) in a regression.
    The note says what of the image was left out. The diameter is that of its typical
    object in pixels of the image, where the model has to know; by `zoom` the plane was
    enlarged for that. The numbers are those of its sample, and of frame and section in
    it; a volume has all sections.
    """

    image: npt.NDArray[np.float32]
    values: Values
    verified: Mask
    note: str = ""
    diameter: float | None = None
    zoom: float = 1.0
    number: int = 0
    frame: int = 0
    section: int = 0


def iter_prepare(
    model: Model,
    objective: Objective,
    samples: Sequence[Sample],
    config: FitConfig,
    replay: Sequence[Sample],
) -> Generator[Preparing, None, tuple[TrainingData, list[Notice]]]:
    """Turn samples into planes, hold some of what is verified out, and say if not."""
    if why_closed := model.spec.architecture.why_closed:
        raise InputError(why_closed)
    nothing_yet = Preparing(0, len(samples) + len(replay))
    own = yield from told_as(nothing_yet, _iter_annotated(samples, model))
    if not own:
        raise InputError(
            "Nothing is verified yet, so there is nothing to learn from; paint or "
            "accept some objects first."
        )
    verified = [(p.values, p.verified) for p in own]
    objective.check(verified)
    yield nothing_yet
    hints = objective.hints(verified)
    yield nothing_yet
    splitting = _iter_split(own, objective, config)
    split, enough = yield from told_as(nothing_yet, splitting)
    old = yield from told_as(nothing_yet, _iter_annotated(replay, model))
    if old and not task_of(model.spec).labels.objects:
        # Labels of another task, such as ids for classes, would be learned as they are.
        with naming("The samples of `replay`"):
            objective.check([(p.values, p.verified) for p in old])
    parts = split or [Holdout(p.verified, p.verified) for p in own]
    if not enough:
        # All that is verified measures, and what is held out trains no later either.
        pairs = zip(parts, own, strict=True)
        parts = [Holdout(part.train, plane.verified) for part, plane in pairs]
    # Replay only trains.
    parts += [Holdout(p.verified, np.zeros_like(p.verified)) for p in old]
    windows: list[Window] = []
    known: list[Window] = []
    sight = Sight(model, config.device)
    planes: list[Plane] = []
    old_planes: list[Plane] = []
    for number, (plane, part) in enumerate(zip([*own, *old], parts, strict=True)):
        steps = _iter_plane(plane, part, objective, sight, model.net.stride)
        told = told_as(Preparing(number, len(parts)), steps)
        ready, held, all_of_it = yield from told
        windows = fullest([*windows, *held])
        if number < len(own):
            known = fullest([*known, *all_of_it], _PIXELS_TO_FIT)
        (planes if number < len(own) else old_planes).extend(ready)
    data = TrainingData(
        planes + old_planes,
        _probabilities(planes, old_planes, config.replay),
        windows,
        Known(known, hints),
        split is not None,
        _count_objects(own) if task_of(model.spec).labels.objects else None,
        _usual_size(own),
    )
    left_out = [Notice(note) for note in sorted({p.note for p in own if p.note})]
    return data, left_out + ([] if split else [_NOTHING_HELD_OUT])


def _count_objects(planes: Sequence[AnnotatedPlane]) -> list[int]:
    """Return how many objects are verified in each image, in all its planes."""
    counts: dict[int, int] = {}
    for plane in planes:
        found = count_units(plane.values, plane.verified)
        counts[plane.number] = counts.get(plane.number, 0) + found
    return list(counts.values())


def _usual_size(planes: Sequence[AnnotatedPlane]) -> UsualSize | None:
    """Return how large objects are; planes of a stack are alike, and count as one."""
    known: dict[int, list[float]] = {}
    for plane in planes:
        if plane.diameter is not None:
            known.setdefault(plane.number, []).append(plane.diameter)
    return UsualSize.of([float(np.median(each)) for each in known.values()])


def _iter_annotated(
    samples: Sequence[Sample], model: Model
) -> Generator[None, None, list[AnnotatedPlane]]:
    planes = []
    for number, sample in enumerate(samples):
        found = yield from iter_annotated_planes(sample, model)
        planes += [replace(plane, number=number) for plane in found]
    return planes


def _iter_split(
    planes: Sequence[AnnotatedPlane], objective: Objective, config: FitConfig
) -> Generator[None, None, tuple[list[Holdout] | None, bool]]:
    """Return what is held out, and whether it is enough to choose a model by."""
    units = []
    for plane in planes:
        units.append(objective.holdout_units(plane.values, plane.verified))
        yield
    verified = [plane.verified for plane in planes]
    sections = [Section((p.number, p.frame), p.section) for p in planes]
    steps = iter_hold_out(
        units, verified, gap=_GAP, seed=config.seed, sections=sections
    )
    split = yield from steps
    held = [part.held for part in split or []]
    pairs = zip(units, held, strict=False)
    return split, sum(count_units(*pair) for pair in pairs) >= _LEAST_HELD


def _iter_plane(
    plane: AnnotatedPlane,
    part: Holdout,
    objective: Objective,
    sight: Sight,
    stride: int,
) -> Generator[None, None, tuple[list[Plane], list[Window], list[Window]]]:
    """Return a plane to learn from, if anything in it trains, and windows.

    Those around what is held out, and those around all that is verified.
    """
    masks = [part.train, plane.verified]
    targets, of_all = yield from objective.iter_targets(plane.values, masks)
    what = (plane.image, plane.values)
    held = yield from iter_windows(*what, part.held, of_all, stride)
    if held and sight.unsure:
        more = yield from sight.iter_zoom(plane.image, plane.zoom)
        held = [replace(window, zoom_of_start=more) for window in held]
    known = held
    if part.held is not plane.verified:
        known = yield from iter_windows(*what, plane.verified, of_all, stride)
    if not part.train.any():
        return [], held, known
    strata = objective.sampling_strata(plane.values, part.train)
    yield
    return [make_plane(plane.image, targets, strata)], held, known


def _probabilities(
    planes: Sequence[Plane], replay: Sequence[Plane], share: float
) -> npt.NDArray[np.float64]:
    """Draw planes by the square root of their verified area, replay by its share."""
    weights = np.sqrt([float(p.known.sum()) for p in planes])
    probabilities = weights / weights.sum()
    if not replay:
        return np.asarray(probabilities)
    old = np.full(len(replay), share / len(replay))
    return np.concatenate([probabilities * (1 - share), old])


def annotated_planes(sample: Sample, model: Model) -> list[AnnotatedPlane]:
    """Return the planes, or volumes, of a sample that have a verified pixel.

    Raises an InputError if the image does not fit the model, or labels the image.
    """
    return drain(iter_annotated_planes(sample, model))


def iter_annotated_planes(
    sample: Sample, model: Model
) -> Generator[None, None, list[AnnotatedPlane]]:
    """Prepare the planes of `annotated_planes`; yields several times for each."""
    seen, note = fit_image(sample.image, sample.axes, model)
    axes, size = seen.axes, sample.pixel_size or {}
    image = seen.read(Box.whole(seen.shape))
    yield
    _check_size(image.shape[-model.net.dims :], model)
    values = task_of(model.spec).labels.learned(
        sample.labels,
        len(model.spec.variables),
        len(result_axes(axes)),
        lambda one, what: _like_image(one, what, image, axes),
    )
    verified = np.ones(values.shape[-4:], bool)
    if sample.verified is not None:
        mask = as_mask(sample.verified).array
        verified = _like_image(mask, "verified mask", image, axes)
    normalization = model.spec.normalization
    limits = []
    for channel in image.swapaxes(0, 1):
        limits.append(normalization.limits(channel))
        yield
    planes = []
    flat = model.net.dims == 2
    known = model.best_diameters
    sections: Iterable[Any] = range(image.shape[2]) if flat else [slice(None)]
    for t, z in product(range(len(image)), sections):
        if not verified[t, z].any():
            continue
        grey = normalization.scale(image[t, :, z], limits)
        seen_values = values[..., t, z, :, :]
        plane = AnnotatedPlane(grey, seen_values, verified[t, z], note, frame=t)
        if flat:
            plane = replace(plane, section=z)
        yield
        planes.append(plane if known is None else _zoomed(plane, model.spec, size))
        yield
    return planes


def _zoomed(
    plane: AnnotatedPlane, spec: ModelSpec, pixel_size: Mapping[str, float]
) -> AnnotatedPlane:
    """Return a plane at the zoom at which its objects are predicted."""
    known = spec.best_diameters
    # As a whole: where parts of objects are verified, they are as large as before.
    dense, ids = compact(plane.values)
    told = np.zeros(len(ids), np.int32)
    told[dense[plane.verified]] = 1
    diameter = typical_diameter(dense * told[dense])
    if diameter is None or known is None:
        return plane
    shape = plane.verified.shape
    zoom = zoom_for(diameter, known, shape)
    stretch = anisotropy_of(pixel_size)
    zooms = zooms_of(spec, spec.architecture.dims, zoom, stretch)
    smaller = zoomed_shape(shape, zooms)
    if smaller == shape:
        return replace(plane, diameter=diameter)
    return replace(
        plane,
        image=resize(plane.image, smaller),
        values=sample_labels(plane.values, smaller),
        verified=sample_labels(plane.verified, smaller),
        diameter=diameter,
        zoom=zoom,
    )


def _check_size(shape: tuple[int, ...], model: Model) -> None:
    """Check that something is left of an image where the network is coarsest."""
    least = model.net.stride
    if min(shape) < least:
        raise InputError(
            f"The image has {' x '.join(map(str, shape))} pixels, but the network "
            f"needs {least} or more along each axis to learn from; choose larger "
            "images, or a network that is less deep."
        )


def _like_image(
    values: npt.NDArray[Any], what: str, image: npt.NDArray[Any], axes: str
) -> npt.NDArray[Any]:
    """Bring labels or a mask to (T, Z, Y, X) after checking their shape."""
    kept = result_axes(axes)
    expected = from_canonical(image[:, 0], axes).shape
    if values.shape != expected:
        raise InputError(
            f"The {what} have shape {values.shape}, the image needs {expected} "
            f"(axes {kept}); use a label map that was made for this image."
        )
    return to_canonical(values, kept)[:, 0]

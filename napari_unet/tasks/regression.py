"""Numbers for every pixel, such as a concentration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.labels import REAL_VALUES, Labels
from napari_unet.annotation.provenance import ProvenanceMap
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.errors import InputError
from napari_unet.geometry.axes import resolve_axes, result_axes
from napari_unet.geometry.maps import LabelMap, ValueMap
from napari_unet.scores.report import VALUE_SCORES
from napari_unet.tasks.labeling import Brush, Fit, Labeling, Names
from napari_unet.tasks.outputs import (
    Described,
    OutputNames,
    OutputRequest,
    Outputs,
    Variable,
)
from napari_unet.tasks.sample import Sample
from napari_unet.tasks.task import Task, Words, objective_in

# Values within a range lie about two standard deviations on each side of its middle.
_SPREADS = 4
_LOOKED_AT = 10_000


class ValueLabeling(Labeling):
    """Labels are marks that stand for values; predicted values lie beside them."""

    kind = REAL_VALUES
    brush = Brush.VALUE
    values = True
    exported = np.float32

    def empty(self, names: Names, shape: tuple[int, ...]) -> Annotation:
        """Return an annotation without marks."""
        return ValueAnnotation(np.zeros(shape, np.int32), len(names))

    def restored(
        self, saved: LabelMap | ValueMap, provenance: ProvenanceMap, next_id: int
    ) -> Annotation:
        """Return an annotation with marks where values were painted."""
        values = saved.astype(np.float32, copy=False)
        return ValueAnnotation.restored(values, provenance)

    def take_over(
        self, labels: Callable[[], Any], names: Names, axes: str, source: str
    ) -> Labels:
        """Refuse labels."""
        raise InputError(
            "Marks stand for values, so labels cannot be used as marks or as predicted "
            "values; paint in the marks layer."
        )

    def learned(
        self, labels: npt.NDArray[Any], variables: int, dims: int, fit: Fit
    ) -> npt.NDArray[Any]:
        """Return the values of all variables, which come first."""
        values = variables_first(labels, dims)
        if len(values) != variables:
            raise InputError(
                f"The targets have {len(values)} variables, the model has {variables}; "
                "give as many, along the first axis."
            )
        return np.stack([fit(one, "targets") for one in values]).astype(np.float32)

    def first_label(self, annotation: Annotation, mean: float) -> int:
        """Return a mark for the mean of the first variable."""
        assert annotation.values is not None
        return annotation.values.mark_for(0, mean)

    def nearest(self, annotation: Annotation, names: Names, label: int) -> int:
        """Return a mark that stands for a value."""
        assert annotation.values is not None
        marks = annotation.values.palette
        return label if label in marks or not marks else max(marks)


class ValueOutputs(Outputs):
    """A map for every variable, in its own unit."""

    variables = True
    # Outputs of any size would have to be unlearned; 0 is the mean of the targets.
    head_starts_at_zero = True

    def decoded(self, spec: Described) -> str:
        """Say in which units they are."""
        units = ", ".join(f"{v.name} in {v.unit or 'its unit'}" for v in spec.variables)
        return f"They are values as they are: {units}."

    def why_not(self, request: OutputRequest) -> str:
        """Check that there are names, and a range."""
        if not request.names:
            return "Name one variable or more."
        if problem := super().why_not(request):
            return problem
        if not request.low < request.high:
            return "The highest value must be above the lowest."
        return ""

    def requested(self, request: OutputRequest) -> OutputNames:
        """Return variables whose values lie in that range."""
        mean = (request.low + request.high) / 2
        scale = (request.high - request.low) / _SPREADS
        return OutputNames(
            variables=tuple(
                Variable(name=name, unit=request.unit, mean=mean, scale=scale)
                for name in request.names
            )
        )

    def from_samples(
        self, samples: Sequence[Sample], names: Sequence[str]
    ) -> OutputNames:
        """Return variables with the mean and the spread of their known values."""
        parts = [_finite_values(sample) for sample in samples]
        counts = {len(part) for part in parts}
        if len(counts) != 1:
            raise InputError(
                f"The targets have {sorted(counts)} variables; give all images the "
                "same."
            )
        count = counts.pop()
        if names and len(names) != count:
            raise InputError(
                f"{len(names)} variables are named, but the targets have {count}; name "
                "each of them once."
            )
        names = names or [f"variable {i}" for i in range(1, count + 1)]
        return OutputNames(
            variables=tuple(
                _variable(name, np.concatenate([part[i] for part in parts]))
                for i, name in enumerate(names)
            )
        )


class ValueWords(Words):
    """What is said of values."""

    title = "A number for every pixel"
    outcome = "values"
    layer = "marks"
    aside = "regression"
    example = "calcium"
    painting = (
        "Choose a value below and mark pixels that have it, with napari's tools: brush "
        "(2), eraser (1), polygon (3), fill (4), picker (5), undo (Ctrl+Z). Training "
        "learns from marks and from accepted values."
    )
    verifying = "paint marks with values that you know"

    def predicts(self, spec: Described) -> str:
        """Name the variables with their units."""
        named = (f"{v.name} ({v.unit})" if v.unit else v.name for v in spec.variables)
        return f"Values: {', '.join(named)}"

    def found(
        self, annotation: Annotation, names: tuple[str, ...], seconds: float
    ) -> str:
        """Say between what the values of each variable lie."""
        values = annotation.values
        ranges = ", ".join(_ranges(values, names)) if values is not None else ""
        return f"Values predicted in {seconds:.1f} s: {ranges}."


def variables_first(values: npt.NDArray[Any], dims: int) -> npt.NDArray[Any]:
    """Give targets of one variable, which may lack it, their first axis."""
    return values[None] if values.ndim == dims else values


def _finite_values(sample: Sample) -> list[npt.NDArray[Any]]:
    """Return the known values of every variable of a sample."""
    shape, dtype = sample.image.shape, sample.image.dtype
    axes = resolve_axes(shape, dtype, person=sample.axes).letters
    values = variables_first(sample.labels, len(result_axes(axes)))
    known = np.ones(values.shape[1:], bool)
    if sample.verified is not None and sample.verified.shape == known.shape:
        known = sample.verified
    return [one[known & np.isfinite(one)] for one in values]


def _variable(name: str, values: npt.NDArray[Any]) -> Variable:
    if values.size == 0:
        raise InputError(
            f"No verified pixel has a finite value of {name!r}; give targets with "
            "numbers where they are known and NaN elsewhere."
        )
    mean, spread = (float(f(values, dtype=float)) for f in (np.mean, np.std))
    return Variable(name=name, mean=mean, scale=spread if spread > 0 else 1.0)


def _ranges(annotation: ValueAnnotation, names: tuple[str, ...]) -> list[str]:
    """Return between what the values of each variable lie, but for two per cent.

    From some of the pixels: this is for reading, and must not keep the window waiting.
    """
    if annotation.predicted is None:
        return []
    ranges = []
    for name, values in zip(names, annotation.predicted, strict=True):
        flat = values.reshape(-1)
        low, high = np.nanpercentile(flat[:: 1 + flat.size // _LOOKED_AT], (1, 99))
        ranges.append(f"{name} {low:.3g} to {high:.3g}")
    return ranges


REGRESSION = Task(
    "regression",
    ValueLabeling(),
    ValueOutputs(),
    ValueWords(),
    VALUE_SCORES,
    objective_in("napari_unet.tasks.objectives.regression"),
)

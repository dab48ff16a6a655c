"""Steps before and after a network, in the words of BioImage.IO, and what they become.

What depends on the whole image, which tiles do not know, becomes the normalisation of
the model; it can only come first. All else is done pixel by pixel, with the network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from pydantic import ValidationError

from napari_unet.core.validation import first_problem
from napari_unet.errors import ModelError
from napari_unet.exchange.rdf import Processing
from napari_unet.images.normalize import (
    AsItIs,
    Moments,
    Normalization,
    StatedPercentiles,
)
from napari_unet.models.architectures.torchscript import (
    Activation,
    Clip,
    Linear,
    Step,
    Threshold,
)

_OF_THE_DATA = "per_dataset"
_USUAL_EPS = 1e-6

Options = dict[str, Any]


def before_network(
    steps: Sequence[Processing], channels: int, name: str
) -> tuple[Normalization, tuple[Step, ...]]:
    """Return how an image is normalised, and what is done to its pixels then."""
    given = [each for each in steps if each.called != "ensure_dtype"]
    normalization: Normalization = AsItIs()
    with _said_of(name):
        if given and (measured := _measured(given[0], channels, name)) is not None:
            normalization, given = measured, given[1:]
        return normalization, _pixel_by_pixel(given, name)


def after_network(steps: Sequence[Processing], name: str) -> tuple[Step, ...]:
    """Return what is done to the maps, pixel by pixel."""
    given = [each for each in steps if each.called != "ensure_dtype"]
    with _said_of(name):
        return _pixel_by_pixel(given, name)


def _measured(step: Processing, channels: int, name: str) -> Normalization | None:
    """Return the normalisation that a step is, if it depends on the whole image."""
    options = step.options
    if step.called == "zero_mean_unit_variance" and options.get("mode") != "fixed":
        _refuse_other_axes(step, channels, name)
        return Moments(eps=options.get("eps", _USUAL_EPS))
    if step.called == "scale_range":
        _refuse_other_axes(step, channels, name)
        if options.get("reference_tensor"):
            _refuse(name, step, "measures another image")
        return StatedPercentiles(
            low=options.get("min_percentile", 0.0),
            high=options.get("max_percentile", 100.0),
            eps=options.get("eps", _USUAL_EPS),
        )
    return None


def _refuse_other_axes(step: Processing, channels: int, name: str) -> None:
    """Refuse what is measured of several images, or of all channels together."""
    mode, axes = step.options.get("mode"), step.options.get("axes")
    if mode == _OF_THE_DATA or (axes is not None and {"b", "batch"} & {*axes}):
        _refuse(name, step, "measures all images of a set together")
    together = axes is None or {"c", "channel"} & {*axes}
    if together and channels > 1:
        _refuse(name, step, "measures all channels of an image together")
    if axes is not None and not {"x", "y"} <= {*axes}:
        _refuse(name, step, "measures each row of an image by itself")


def _pixel_by_pixel(steps: Sequence[Processing], name: str) -> tuple[Step, ...]:
    found: list[Step] = []
    for step in steps:
        make = _MAKERS.get(step.called)
        made = make(step.options) if make is not None else None
        if made is None:
            _refuse(name, step, "is none that can be done here, or not in this place")
        found.append(made)
    return tuple(found)


def _linear(options: Options) -> Linear:
    return Linear(
        gain=_numbers(options.get("gain", 1.0)),
        offset=_numbers(options.get("offset", 0.0)),
    )


def _fixed(options: Options) -> Linear | None:
    """Less a mean that is known, divided by a standard deviation that is known."""
    if "mean" not in options or "std" not in options:
        return None
    means, spreads = _numbers(options["mean"]), _numbers(options["std"])
    count = max(len(means), len(spreads))
    means, spreads = (each * (count // len(each)) for each in (means, spreads))
    pairs = list(zip(means, spreads, strict=True))
    return Linear(
        gain=tuple(1 / spread for _, spread in pairs),
        offset=tuple(-mean / spread for mean, spread in pairs),
    )


def _clip(options: Options) -> Clip | None:
    if {"min_percentile", "max_percentile"} & options.keys():
        return None
    return Clip(low=options.get("min"), high=options.get("max"))


def _binarize(options: Options) -> Threshold | None:
    threshold = options.get("threshold")
    return None if isinstance(threshold, list) else Threshold(at=threshold)


def _softmax(options: Options) -> Activation | None:
    known = options.get("axis", "channel") in ("channel", "c")
    return Activation(name="softmax") if known else None


_MAKERS: dict[str, Callable[[Options], Step | None]] = {
    "scale_linear": _linear,
    "fixed_zero_mean_unit_variance": _fixed,
    "zero_mean_unit_variance": _fixed,  # as 0.4 has it, of mode fixed
    "clip": _clip,
    "binarize": _binarize,
    "sigmoid": lambda _: Activation(name="sigmoid"),
    "softmax": _softmax,
}


def _numbers(given: Any) -> tuple[float, ...]:
    listed = given if isinstance(given, list | tuple) else [given]
    return tuple(float(each) for each in listed)


@contextmanager
def _said_of(name: str) -> Iterator[None]:
    """Tell of options that are none in a sentence."""
    try:
        yield
    except ValidationError as error:
        where, words = first_problem(error)
        raise ModelError(
            f"A step in {name} has an option that is none: {where}: {words}; ask who "
            "made it."
        ) from error
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(
            f"A step in {name} has an option that is no number; ask who made it."
        ) from error


def _refuse(name: str, step: Processing, why: str) -> NoReturn:
    raise ModelError(
        f"The network in {name} wants the step {step.called[:60]!r}, which {why}; ask "
        "who made it for one with usual steps."
    )

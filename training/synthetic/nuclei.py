"""Nuclei stained with a DNA dye, seen in widefield fluorescence; many touch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.optics import Camera, haze, uneven_light
from training.synthetic.scene import Field, Labels, Picture, tidy
from training.synthetic.shapes import (
    Outline,
    Point,
    Region,
    claim,
    clustered_places,
    offsets,
    random_outline,
    window,
)
from training.synthetic.texture import (
    add_spot,
    band_noise,
    look_up,
    scattered_spots,
    smooth_noise,
)

_SHAPE = (512, 512)
_CAMERA = Camera(gain=2.1, offset=102, read_noise=3.0, bits=12)
_SMALLEST = 40


class Cycle(Enum):
    """Where a nucleus stands in the cell cycle, as far as one sees it."""

    INTERPHASE = "interphase"
    MITOSIS = "mitosis"
    APOPTOSIS = "apoptosis"


@dataclass(frozen=True, slots=True)
class Nucleus:
    """One nucleus.

    Parameters
    ----------
    place : tuple of float
        Centre (y, x), in pixels.
    outline : Outline
        Its shape.
    brightness : float
        Of its middle, in units of the scene's usual nucleus.
    origin : tuple of float
        Where in the texture tile it begins; keeps its texture when it moves.
    nucleoli : tuple of (float, float, float)
        Along, across (relative to the radius) and size of dark spots.
    blur : float
        Distance from focus as a standard deviation, in pixels.
    cycle : Cycle
        Condensed chromatin is brighter and shows no nucleoli.
    """

    place: Point
    outline: Outline
    brightness: float
    origin: Point
    nucleoli: tuple[tuple[float, float, float], ...] = ()
    blur: float = 0.0
    cycle: Cycle = Cycle.INTERPHASE


def random_nucleus(rng: Generator, place: Point, outline: Outline) -> Nucleus:
    """Draw everything about a nucleus but its place and outline."""
    nucleoli = tuple(
        (*rng.uniform(-0.5, 0.5, 2), rng.uniform(0.1, 0.2))
        for _ in range(rng.integers(1, 5))
    )
    return Nucleus(
        place=place,
        outline=outline,
        # DNA content is one or two genomes, staining and depth vary around that.
        brightness=float(rng.choice([1.0, 1.0, 1.5]) * rng.lognormal(0, 0.28)),
        origin=(float(rng.uniform(0, 256)), float(rng.uniform(0, 256))),
        nucleoli=nucleoli,
        blur=float(max(0.0, rng.normal(0.0, 1.0))),
    )


def condensed(rng: Generator, nucleus: Nucleus, cycle: Cycle) -> Nucleus:
    """Return the nucleus as a mitotic plate or an apoptotic ball."""
    plate = cycle is Cycle.MITOSIS
    outline = replace(
        nucleus.outline,
        radius=nucleus.outline.radius * (0.68 if plate else 0.5),
        elongation=float(rng.uniform(2.0, 2.8) if plate else rng.uniform(1.0, 1.2)),
    )
    brightness = nucleus.brightness * (1.9 if plate else 2.4)
    return replace(
        nucleus, outline=outline, brightness=brightness, blur=0.3, cycle=cycle
    )


def render_nucleus(
    chromatin: Field, nucleus: Nucleus, shape: tuple[int, int]
) -> tuple[Region, Field, Field]:
    """Return the window of a nucleus, its level and its light there."""
    outline = nucleus.outline
    region = window(nucleus.place, outline.reach + 3 * nucleus.blur + 2, shape)
    y, x = offsets(region, nucleus.place)
    level = outline.level(y, x)
    along, across = outline.local(y, x)
    # Widefield sums over depth: a flat dome, steep at the edge.
    dome = np.maximum(1 - level**2, 0) ** 0.35
    grain = look_up(chromatin, along + nucleus.origin[0], across + nucleus.origin[1])
    amount = 0.17 if nucleus.cycle is Cycle.INTERPHASE else 0.06
    light = outline.coverage(level) * (0.35 + 0.65 * dome) * (1 + amount * grain)
    if nucleus.cycle is Cycle.INTERPHASE:
        light = light * _nucleoli(nucleus, along, across)
    light = nucleus.brightness * np.maximum(light, 0)
    # Light is kept when it spreads, so a nucleus out of focus is also dimmer.
    return region, level, ndi.gaussian_filter(light, nucleus.blur, mode="nearest")


def _nucleoli(nucleus: Nucleus, along: Field, across: Field) -> Field:
    dimming = np.ones(np.broadcast_shapes(along.shape, across.shape))
    radius = nucleus.outline.radius
    for a, b, size in nucleus.nucleoli:
        square = (along / radius - a) ** 2 + (across / radius - b) ** 2
        dimming -= 0.4 * np.exp(-square / (2 * size**2))
    return np.maximum(dimming, 0.3)


def chromatin_tile(rng: Generator) -> Field:
    """Return a tile of chromatin texture: coarse domains with fine grains."""
    coarse = band_noise(rng, (256, 256), 1.8, 5.0)
    fine = band_noise(rng, (256, 256), 0.8, 2.0)
    # Heterochromatin stands out as bright foci, so the texture is skewed.
    return np.asarray(
        0.8 * coarse + 0.35 * fine + 0.25 * np.maximum(coarse - 1, 0) ** 2
    )


def paint_nuclei(
    chromatin: Field, nuclei: list[Nucleus], shape: tuple[int, int]
) -> tuple[Field, Labels]:
    """Return the light and the labels of nuclei, numbered in the given order."""
    light = np.zeros(shape)
    labels, levels = np.zeros(shape, np.int32), np.full(shape, np.inf)
    for id_, nucleus in enumerate(nuclei, start=1):
        region, level, glow = render_nucleus(chromatin, nucleus, shape)
        if glow.size:
            below = light[region]
            light[region] = np.maximum(below, glow) + 0.3 * np.minimum(below, glow)
            claim(labels, levels, region, level, id_)
    return light, labels


def draw_nuclei(rng: Generator) -> Picture:
    """Draw a field of about seventy nuclei, 512 x 512 pixels, 12 bit."""
    nuclei = _population(rng, int(rng.integers(62, 78)))
    light, labels = paint_nuclei(chromatin_tile(rng), nuclei, _SHAPE)
    labels = tidy(labels, _SMALLEST)
    scene = 420 * haze(light, 28, 0.16) + _background(rng)
    scene = ndi.gaussian_filter(scene, 1.0, mode="nearest")
    scene *= uneven_light(rng, _SHAPE, 0.4)
    return Picture(_CAMERA.expose(rng, scene), labels)


def _population(rng: Generator, count: int) -> list[Nucleus]:
    outlines = [
        random_outline(rng, (12, 20), elongation=(1.05, 1.65)) for _ in range(count)
    ]
    radii = [o.radius for o in outlines]
    places = clustered_places(rng, _SHAPE, radii, sociable=0.62, gap=0.84)
    nuclei = [random_nucleus(rng, p, o) for p, o in zip(places, outlines, strict=True)]
    for index, cycle in enumerate([Cycle.MITOSIS] * 3 + [Cycle.APOPTOSIS] * 2):
        nuclei[-1 - index] = condensed(rng, nuclei[-1 - index], cycle)
    return nuclei


def _background(rng: Generator) -> Field:
    """Return stray light, faint cytoplasm and debris, in electrons."""
    cytoplasm = np.exp(0.5 * smooth_noise(rng, _SHAPE, 22))
    debris = scattered_spots(rng, _SHAPE, count=45, size=(0.7, 1.6), strength=(20, 160))
    for _ in range(4):
        centre = [float(rng.uniform(0, n)) for n in _SHAPE]
        add_spot(debris, centre, float(rng.uniform(12, 30)), float(rng.uniform(10, 35)))
    return 14 + 9 * cytoplasm + debris

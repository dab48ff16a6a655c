"""Islands of cells in two channels: a DNA dye and a cytoplasmic protein."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.nuclei import (
    Nucleus,
    chromatin_tile,
    random_nucleus,
    render_nucleus,
)
from training.synthetic.optics import Camera, haze, uneven_light
from training.synthetic.scene import (
    Field,
    Labels,
    Picture,
    keep_largest_pieces,
    renumber,
)
from training.synthetic.shapes import (
    Outline,
    Point,
    claim,
    clustered_places,
    offsets,
    random_outline,
    window,
)
from training.synthetic.texture import band_noise, scattered_spots, smooth_noise

_SHAPE = (320, 320)
_CAMERA = Camera(gain=1.9, offset=110, read_noise=3.0, bits=12)
_SMALLEST = 80


def draw_two_channels(rng: Generator) -> Picture:
    """Draw about forty cells, 2 x 320 x 320 pixels, 12 bit; labels are whole cells."""
    outlines = [
        random_outline(rng, (21, 29), elongation=(1.0, 1.6), waviness=0.14)
        for _ in range(int(rng.integers(48, 58)))
    ]
    radii = [o.radius for o in outlines]
    places = clustered_places(rng, _SHAPE, radii, sociable=0.85, gap=0.72)
    labels, levels = _cells(rng, places, outlines)
    dna = 380 * haze(_nuclei(rng, places, outlines, labels), 20, 0.15) + 14
    protein = 260 * haze(_protein(rng, labels, levels), 16, 0.12) + 18
    protein += scattered_spots(
        rng, _SHAPE, count=25, size=(0.7, 1.5), strength=(20, 140)
    )
    sight = uneven_light(rng, _SHAPE, 0.3)
    channels = [
        _CAMERA.expose(rng, ndi.gaussian_filter(channel * sight, 1.0, mode="nearest"))
        for channel in (dna, protein)
    ]
    return Picture(np.stack(channels), renumber(labels))


def _cells(
    rng: Generator, places: list[Point], outlines: list[Outline]
) -> tuple[Labels, Field]:
    ruffle = 0.045 * band_noise(rng, _SHAPE, 2.0, 7.0)
    labels, levels = np.zeros(_SHAPE, np.int32), np.full(_SHAPE, np.inf)
    for id_, (place, outline) in enumerate(zip(places, outlines, strict=True), start=1):
        region = window(place, outline.reach, _SHAPE)
        y, x = offsets(region, place)
        claim(labels, levels, region, outline.level(y, x) + ruffle[region], id_)
    return keep_largest_pieces(labels, _SMALLEST), levels


def _nuclei(
    rng: Generator, places: list[Point], outlines: list[Outline], labels: Labels
) -> Field:
    """Return the light of one nucleus, now and then two, inside every cell."""
    light = np.zeros(_SHAPE)
    chromatin = chromatin_tile(rng)
    for id_, (place, cell) in enumerate(zip(places, outlines, strict=True), start=1):
        for nucleus in _inside(rng, place, cell):
            region, _, glow = render_nucleus(chromatin, nucleus, _SHAPE)
            own = glow * (labels[region] == id_)
            light[region] = np.maximum(light[region], own)
    return light


def _inside(rng: Generator, place: Point, cell: Outline) -> list[Nucleus]:
    """Return the nuclei of a cell."""
    shift = rng.normal(0, 0.07 * cell.radius, 2)
    outline = random_outline(rng, (0.36 * cell.radius, 0.44 * cell.radius))
    middle = (float(place[0] + shift[0]), float(place[1] + shift[1]))
    nucleus = replace(random_nucleus(rng, middle, outline), blur=0.0)
    if rng.random() > 0.06:
        return [nucleus]
    small = replace(nucleus.outline, radius=0.8 * outline.radius)
    apart = 0.9 * outline.radius
    return [
        replace(nucleus, outline=small, place=(middle[0], middle[1] + side * apart))
        for side in (-1, 1)
    ]


def _protein(rng: Generator, labels: Labels, levels: Field) -> Field:
    """Return cytoplasm: fibrous, denser at the cortex, thinner over the nucleus."""
    expression = rng.lognormal(0, 0.32, int(labels.max()) + 1)
    expression[0] = 0
    inside = labels > 0
    level = np.where(inside, levels, 1.0)
    same = ndi.maximum_filter(labels, 3) == ndi.minimum_filter(labels, 3)
    edge = ndi.distance_transform_edt(same)
    fibres = np.abs(band_noise(rng, _SHAPE, 1.4, 5.0))
    texture = 0.8 + 0.4 * np.exp(-((fibres / 0.3) ** 2))
    texture += 0.12 * smooth_noise(rng, _SHAPE, 3)
    body = 0.55 + 0.45 * np.exp(-(((level - 0.55) / 0.3) ** 2))
    cortex = 0.55 * np.exp(-((edge / 2.0) ** 2))
    return np.asarray(expression[labels] * (body * texture + cortex) * inside)

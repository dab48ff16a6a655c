"""Nuclei that wander, turn and divide; every nucleus keeps its id through time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from scipy import ndimage as ndi

from training.synthetic.nuclei import (
    Cycle,
    Nucleus,
    chromatin_tile,
    condensed,
    paint_nuclei,
    random_nucleus,
)
from training.synthetic.optics import Camera, haze, uneven_light
from training.synthetic.scene import Picture, keep_largest_pieces, renumber
from training.synthetic.shapes import clustered_places, random_outline
from training.synthetic.texture import scattered_spots, smooth_noise

_SHAPE = (192, 192)
_FRAMES = 12
_CAMERA = Camera(gain=0.34, offset=9, read_noise=2.5, bits=8)
_SMALLEST = 20
_DIVISIONS = 5
_CONDENSED = 2  # frames that a nucleus is seen as a plate before it divides
_GROWTH = 1.05  # of a daughter's radius, per frame


@dataclass(frozen=True, slots=True)
class Track:
    """A nucleus over time.

    Parameters
    ----------
    id : int
        Its label in every frame.
    nucleus : Nucleus
        As it is in this frame.
    drift : tuple of float
        Where it tends to go, in pixels a frame.
    full_radius : float
        Radius at which it stops growing, in pixels.
    divides_at : int
        The first frame that shows its daughters; past the end if it does not divide.
    """

    id: int
    nucleus: Nucleus
    drift: tuple[float, float]
    full_radius: float
    divides_at: int


def draw_timelapse(rng: Generator) -> Picture:
    """Draw 12 frames of about two dozen nuclei, 192 x 192 pixels, 8 bit."""
    chromatin = chromatin_tile(rng)
    tracks = _first_frame(rng, 22)
    sight = uneven_light(rng, _SHAPE, 0.3)
    floor = 10 + 6 * np.exp(0.4 * smooth_noise(rng, _SHAPE, 20))
    floor += scattered_spots(rng, _SHAPE, count=12, size=(0.7, 1.4), strength=(15, 60))
    images, maps = [], []
    for frame in range(_FRAMES):
        light, drawn = paint_nuclei(chromatin, [t.nucleus for t in tracks], _SHAPE)
        bleached = 300 * 0.975**frame
        scene = (bleached * haze(light, 18, 0.14) + floor) * sight
        scene = ndi.gaussian_filter(scene, 0.9, mode="nearest")
        images.append(_CAMERA.expose(rng, scene))
        ids = np.array([0, *(t.id for t in tracks)], np.int32)
        maps.append(keep_largest_pieces(ids[drawn], _SMALLEST))
        tracks = _next_frame(rng, tracks, frame + 1)
    return Picture(np.stack(images), renumber(np.stack(maps)))


def _first_frame(rng: Generator, count: int) -> list[Track]:
    outlines = [random_outline(rng, (8.5, 11.5)) for _ in range(count)]
    radii = [o.radius for o in outlines]
    places = clustered_places(rng, _SHAPE, radii, sociable=0.4, gap=0.95, margin=2)
    divisions = np.full(count, 2 * _FRAMES)
    divisions[:_DIVISIONS] = rng.integers(2, _FRAMES - 2, _DIVISIONS)
    return [
        Track(
            id=id_,
            nucleus=replace(random_nucleus(rng, place, outline), blur=0.0),
            drift=_random_drift(rng),
            full_radius=outline.radius,
            divides_at=int(frame),
        )
        for id_, (place, outline, frame) in enumerate(
            zip(places, outlines, divisions, strict=True), start=1
        )
    ]


def _random_drift(rng: Generator) -> tuple[float, float]:
    y, x = rng.normal(0, 1.1, 2)
    return float(y), float(x)


def _next_frame(rng: Generator, tracks: list[Track], frame: int) -> list[Track]:
    """Move, grow, condense and divide; touching nuclei push each other away."""
    moved: list[Track] = []
    newest = max(t.id for t in tracks)
    for track in tracks:
        if track.divides_at == frame:
            moved += _daughters(rng, track, newest + 1)
            newest += 2
        elif track.divides_at - _CONDENSED == frame:
            plate = condensed(rng, track.nucleus, Cycle.MITOSIS)
            moved.append(replace(track, nucleus=plate, drift=(0.0, 0.0)))
        else:
            moved.append(_step(rng, track))
    return _push_apart(moved)


def _step(rng: Generator, track: Track) -> Track:
    """Return the track one frame later: a persistent random walk."""
    nucleus = track.nucleus
    y, x = np.add(nucleus.place, track.drift) + rng.normal(0, 0.5, 2)
    radius = min(nucleus.outline.radius * _GROWTH, track.full_radius)
    if nucleus.cycle is Cycle.MITOSIS:
        radius = nucleus.outline.radius
    turned = nucleus.outline.angle + float(rng.normal(0, 0.05))
    outline = replace(nucleus.outline, angle=turned, radius=radius)
    return replace(
        track, nucleus=replace(nucleus, place=(float(y), float(x)), outline=outline)
    )


def _daughters(rng: Generator, mother: Track, first_id: int) -> list[Track]:
    """Return two small nuclei on both sides of the mother's plate."""
    plate = mother.nucleus
    across = np.array([np.cos(plate.outline.angle), -np.sin(plate.outline.angle)])
    daughters = []
    for index, side in enumerate((-1, 1)):
        y, x = plate.place + side * 6.5 * across
        outline = random_outline(rng, (6.2, 6.9), elongation=(1.2, 1.5))
        outline = replace(outline, angle=plate.outline.angle)
        nucleus = random_nucleus(rng, (float(y), float(x)), outline)
        bright = replace(nucleus, blur=0.0, brightness=plate.brightness * 0.7)
        dy, dx = side * 1.2 * across
        daughters.append(
            Track(
                id=first_id + index,
                nucleus=bright,
                drift=(float(dy), float(dx)),
                full_radius=mother.full_radius * 0.85,
                divides_at=2 * _FRAMES,
            )
        )
    return daughters


def _push_apart(tracks: list[Track]) -> list[Track]:
    places = np.array([t.nucleus.place for t in tracks])
    radii = np.array([t.nucleus.outline.radius for t in tracks])
    gaps = places[:, None] - places[None]
    distance = np.linalg.norm(gaps, axis=2) + np.eye(len(tracks)) * 1e9
    overlap = np.maximum(0.95 * (radii[:, None] + radii[None]) - distance, 0)
    push = (gaps / distance[..., None] * overlap[..., None] / 2).sum(axis=1)
    return [
        replace(t, nucleus=replace(t.nucleus, place=(float(p[0]), float(p[1]))))
        for t, p in zip(tracks, places + push, strict=True)
    ]

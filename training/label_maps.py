"""Label maps of every shape that a decoding should know, without images.

    label_map("spirals", seed=3)           (160, 160)
    label_map("spirals", seed=3, dims=3)   planes further apart than pixels are wide

Whatever grows in a dish or lies in a tissue, or in a metal, is made of these: long,
bent, branching, hollow, tiny beside huge, and touching in all ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from scipy import ndimage as ndi
from scipy.spatial import KDTree

from napari_unet.geometry.maps import LabelMap, Mask

Points: TypeAlias = npt.NDArray[np.float64]
"""Places (n, dims), or one place or direction (dims,), in pixels of a plane."""

_STEP = 0.5
_LAYER = 12.0


class Scene:
    """An empty label map, and what can be painted there.

    Parameters
    ----------
    rng : Generator
        Of all that is random.
    dims : {2, 3}
        A volume has planes that are 2 to 5 times as far apart as its pixels.
    size : int
        Height and width, and the depth in units of pixels.
    """

    def __init__(self, rng: Generator, dims: int, size: int) -> None:
        self.rng, self.dims, self.size = rng, dims, size
        self.flatness = 1.0 if dims == 2 else float(rng.uniform(2, 5))
        depth = (max(2, round(size / self.flatness)),)
        shape = (size, size) if dims == 2 else (*depth, size, size)
        self.labels: LabelMap = np.zeros(shape, np.int32)
        self.spacing = np.array([1.0, 1.0] if dims == 2 else [self.flatness, 1.0, 1.0])
        self.places: Points = np.moveaxis(np.indices(shape), 0, -1) * self.spacing

    def add(self, mask: Mask, *, over: bool = False, number: int = 0) -> None:
        """Paint an object, `over` the others or where nothing is."""
        free = mask if over else mask & (self.labels == 0)
        self.labels[free] = number or self.labels.max() + 1

    def tube(self, points: Points, thickness: float) -> Mask:
        """Return where it is near to one of these places; no thinner than a plane."""
        nearest, _ = KDTree(points).query(
            self.places, distance_upper_bound=max(thickness, self.flatness) / 2 + 1e-6
        )
        return np.isfinite(nearest)

    def ball(self, centre: Points, radius: float) -> Mask:
        """Return where the distance to a place is at most `radius`."""
        near: Mask = np.linalg.norm(self.places - centre, axis=-1) <= radius
        return near

    def place(self, margin: float = 0.0) -> Points:
        """Return a random place, in so many parts of a side from the border."""
        return self.rng.uniform(margin, 1 - margin, self.dims) * self.size

    def turn(self) -> Points:
        """Return a random rotation, (dims, dims)."""
        turned, triangle = np.linalg.qr(self.rng.normal(size=(self.dims, self.dims)))
        return turned * np.sign(np.diag(triangle))

    def often(self, number: float) -> Iterator[int]:
        """Count objects, of which so many lie in a layer of 100 x 100 pixels."""
        layers = 1.0 if self.dims == 2 else self.size / _LAYER
        return iter(range(max(1, round(number * layers * (self.size / 100) ** 2))))

    def in_plane(self, curve: Points) -> Points:
        """Return places of a curve (n, 2) that is laid anywhere, turned at random."""
        return curve @ self.turn()[:2] + self.place(0.2)


def _line(start: Points, end: Points) -> Points:
    steps = max(2, int(np.linalg.norm(end - start) / _STEP))
    return start + np.linspace(0, 1, steps)[:, None] * (end - start)


def _rods(scene: Scene) -> None:
    """Lie about, one against the other."""
    for _ in scene.often(40):
        centre, along = scene.place(), scene.turn()[0] * scene.rng.uniform(3, 30)
        rod = scene.tube(_line(centre - along, centre + along), scene.rng.uniform(2, 9))
        scene.add(rod)


def _bundles(scene: Scene) -> None:
    """Lie side by side and end to end, like bricks, in a direction of their own."""
    length, width = scene.rng.uniform(12, 50), scene.rng.uniform(2.5, 8)
    across = max(width, scene.flatness)
    turned = scene.places @ scene.turn() / [length, *[across] * (scene.dims - 1)]
    row = np.floor(turned[..., 1:])
    shift = scene.rng.uniform(0, 1) * row.sum(-1)
    bricks = np.stack([np.floor(turned[..., 0] + shift), *np.moveaxis(row, -1, 0)])
    _, numbers = np.unique(bricks.reshape(scene.dims, -1), axis=1, return_inverse=True)
    ids = scene.rng.permutation(numbers.max() + 1) + 1
    kept = ids > scene.rng.choice([0, 0.3]) * len(ids)
    scene.labels[:] = np.where(kept, ids, 0)[numbers].reshape(scene.labels.shape)


def _curves(scene: Scene) -> None:
    """C and S: one bow, or two."""
    for _ in scene.often(16):
        bow = scene.rng.uniform(6, 18)
        angle = np.arange(0, scene.rng.uniform(2, 5), _STEP / bow)
        arc = bow * np.stack([np.sin(angle), 1 - np.cos(angle)], -1)
        curve = np.concatenate([-arc[::-1], arc]) if scene.rng.random() < 0.5 else arc
        scene.add(scene.tube(scene.in_plane(curve), scene.rng.uniform(2, 8)))


def _spirals(scene: Scene) -> None:
    """Alone, or two that fill each other's turns."""
    for twin in (scene.rng.random() < 0.5, False):
        thickness = scene.rng.uniform(2, 12)
        pitch = (2 * thickness if twin else thickness) + scene.rng.uniform(1.5, 6)
        widest = min(scene.size * scene.rng.uniform(0.3, 0.5), 4 * pitch)
        angle = np.arange(0, 2 * np.pi * widest / pitch, _STEP / widest)
        radius = thickness + pitch * angle / (2 * np.pi)
        turned, centre = scene.turn()[:2], scene.place(0.4)
        for start in (0, np.pi) if twin else (0,):
            arm = np.stack([np.cos(angle + start), np.sin(angle + start)], -1)
            scene.add(scene.tube(radius[:, None] * arm @ turned + centre, thickness))
            thickness = pitch


def _rings(scene: Scene) -> None:
    """Rings, or shells, with one object, two or a loose one in them, or a ring."""
    for _ in scene.often(9):
        centre, radius = scene.place(), scene.rng.uniform(5, 20)
        wall = max(scene.rng.uniform(1.5, 5), scene.flatness)
        hole = scene.ball(centre, radius - wall)
        scene.add(scene.ball(centre, radius) & ~hole)
        inside = scene.rng.integers(5)
        side = (scene.places - centre) @ scene.turn()[0] > 0
        if inside == 1:
            scene.add(hole)
        elif inside == 2:
            scene.add(hole & side)
            scene.add(hole & ~side)
        elif inside == 3:
            away = scene.turn()[0] * (radius - wall) / 2
            scene.add(hole & scene.ball(centre + away, (radius - wall) / 2 + 0.5))
        elif inside == 4:
            scene.add(hole & ~scene.ball(centre, radius - 2 * wall))


def _process(scene: Scene, start: Points, branches: int) -> Points:
    """Return places along a process that wanders off, and along its branches."""
    places, heading = [start], scene.turn()[0]
    for _ in range(scene.rng.integers(20, 90)):
        heading = heading + scene.rng.normal(0, 0.12, scene.dims)
        heading /= np.linalg.norm(heading)
        places.append(places[-1] + heading * _STEP)
    path = np.array(places)
    forks = scene.rng.integers(len(path), size=branches)
    return np.concatenate([path, *(_process(scene, path[f], 0) for f in forks)])


def _branching(scene: Scene) -> None:
    """Cells with thin processes that fork and run into other cells."""
    for _ in scene.often(5):
        centre, radius = scene.place(0.1), scene.rng.uniform(4, 9)
        paths = [_process(scene, centre, 2) for _ in range(scene.rng.integers(3, 7))]
        processes = scene.tube(np.concatenate(paths), scene.rng.uniform(2, 3))
        scene.add(scene.ball(centre, radius) | processes)


def _stars(scene: Scene) -> None:
    """Arms that go out from a middle."""
    for _ in scene.often(10):
        centre, length = scene.place(), scene.rng.uniform(8, 22)
        tips = [centre + scene.turn()[0] * length for _ in range(7)]
        arms = np.concatenate([_line(centre, tip) for tip in tips])
        scene.add(scene.tube(arms, scene.rng.uniform(2, 5)))


def _polygons(scene: Scene) -> None:
    """Fill the image, of any size, with no background between them."""
    count = int(np.exp(scene.rng.uniform(np.log(3), np.log(4 * scene.size))))
    seeds = np.array([scene.place() for _ in range(count)])
    scene.labels[:] = KDTree(seeds).query(scene.places)[1] + 1


def _sizes(scene: Scene) -> None:
    """Of 3 px beside those of 300 px, on top of them and in the open."""
    for _ in scene.often(14):
        scene.add(scene.ball(scene.place(), scene.rng.uniform(8, 12)))
    for _ in scene.often(40):
        *others, x = (int(scene.rng.integers(n)) for n in scene.labels.shape)
        x = min(x, scene.size - 3)
        tiny = np.zeros(scene.labels.shape, bool)
        row: tuple[int | slice, ...] = (*others, slice(x, x + 3))
        tiny[row] = True
        scene.add(tiny, over=True)


def _border(scene: Scene) -> None:
    """Cut by the end of the image."""
    for _ in scene.often(24):
        centre = scene.place()
        centre[scene.rng.integers(scene.dims)] = scene.rng.choice([0, scene.size])
        along = scene.turn()[0] * scene.rng.uniform(0, 20)
        scene.add(scene.tube(_line(centre, centre + along), scene.rng.uniform(3, 20)))


def _squares(scene: Scene) -> None:
    """Tiny squares or cubes: all of them, or every second one, like a chessboard."""
    side = scene.rng.integers(1, 5)
    where = np.indices(scene.labels.shape) // side
    numbers = np.ravel_multi_index(tuple(where), scene.labels.shape) + 1
    black = where.sum(0) % 2 == 0
    scene.labels[:] = np.where(black | (scene.rng.random() < 0.5), numbers, 0)


def _pixels(scene: Scene) -> None:
    """Objects of one pixel, few or many."""
    chosen = scene.rng.random(scene.labels.shape) < scene.rng.uniform(0.02, 0.6)
    scene.labels[:] = np.cumsum(chosen).reshape(chosen.shape) * chosen


def _whole(scene: Scene) -> None:
    """One object fills the image."""
    scene.labels[:] = 1


def _holes(scene: Scene) -> None:
    """Large ones with holes, some of which hold others."""
    for _ in scene.often(4):
        scene.add(scene.ball(scene.place(), scene.rng.uniform(15, 30)))
    for _ in scene.often(30):
        hole = scene.ball(scene.place(), scene.rng.uniform(0.5, 6)) & (scene.labels > 0)
        if scene.rng.random() < 0.5:
            scene.labels[hole] = 0
        else:
            scene.add(hole, over=True)


def _pieces(scene: Scene) -> None:
    """In several pieces: others lie across, or they lie apart."""
    for number in scene.often(6):
        scene.add(scene.ball(scene.place(), scene.rng.uniform(6, 16)))
        again = scene.ball(scene.place(), scene.rng.uniform(2, 8))
        scene.add(again, number=number + 1)
    for _ in scene.often(8):
        rod = scene.tube(_line(scene.place(), scene.place()), scene.rng.uniform(1, 5))
        scene.add(rod, over=True)


KINDS: dict[str, Callable[[Scene], None]] = {
    "rods": _rods,
    "bundles of rods": _bundles,
    "S and C": _curves,
    "spirals": _spirals,
    "rings": _rings,
    "branching": _branching,
    "stars": _stars,
    "polygons": _polygons,
    "3 px and 300 px": _sizes,
    "cut by the border": _border,
    "tiny squares": _squares,
    "single pixels": _pixels,
    "one that fills all": _whole,
    "holes": _holes,
    "several pieces": _pieces,
}
"""What is painted, by its name."""

IN_PIECES = "several pieces"
"""The one kind whose objects do not hang together."""


def label_map(kind: str, seed: int, dims: int = 2, size: int = 160) -> LabelMap:
    """Return ids from 1 of one kind of objects; 0 is background.

    Objects hang together by the sides of their pixels, but for those of `IN_PIECES`.
    """
    scene = Scene(np.random.default_rng(seed), dims, size)
    KINDS[kind](scene)
    return scene.labels if kind == IN_PIECES else pieces_of(scene.labels)


def pieces_of(labels: npt.NDArray[np.integer[Any]]) -> LabelMap:
    """Return a label map in which every piece of an object is an object.

    A piece hangs together by the sides of its pixels.
    """
    pieces: LabelMap = np.zeros(labels.shape, np.int32)
    last = 0
    bounds = ndi.find_objects(labels)
    for number, place in enumerate(bounds, start=1):
        if place is None:
            continue
        own, count = ndi.label(labels[place] == number)
        pieces[place][own > 0] = own[own > 0] + last
        last += count
    return pieces

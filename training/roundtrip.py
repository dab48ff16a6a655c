"""Draw the maps of true objects, and read the objects from them again.

    python -m training.roundtrip                    drawn label maps, see `label_maps`
    python -m training.roundtrip --data DIR         and all sets of objects in DIR
    python -m training.roundtrip --data DIR --all   other ways too, of a few images

What a network that errs nowhere would find: no model can be better. One line a set.
``--check`` fails where the way of new models loses more than one in a hundred of those
objects that hang together, at an IoU of 0.9. Pieces of one object that lie apart are
found as several: nothing in the maps holds them together.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy import ndimage as ndi
from skimage import io

from napari_unet.geometry.ids import compact
from napari_unet.geometry.maps import LabelMap, Mask
from napari_unet.instances.by_distances import DistancesDecoding
from napari_unet.instances.by_reach import ReachDecoding
from napari_unet.instances.crumbs import fit_least_area, remove_small
from napari_unet.scores.metrics import PooledScores, Scores, evaluate, pool
from training.flows import flow_field, follow, group, without_holes
from training.label_maps import KINDS, label_map, pieces_of

Way: TypeAlias = Callable[[LabelMap, int], LabelMap]
"""Draws labels and reads them again, with a least area in pixels."""

LEAST = 0.99
"""Average precision at an IoU of 0.9 below which a check fails."""

PLANE_SIZE, VOLUME_SIZE = 160, 48

CLASSES = {"axons_sem": {1: "myelin", 2: "axon"}}
"""Data sets of classes, and the classes whose pieces are objects."""

_SAMPLE = 4


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the objects of a set.

    Parameters
    ----------
    name, way : str
        The set, and how it was drawn and read.
    images, objects, in_pieces : int
        How many there were; objects of several pieces among them.
    least_area : int
        Pixels below which nothing is an object.
    scores : PooledScores
        Of the objects.
    whole : float
        AP at 0.9 of objects of one piece.
    seconds : float
        Per million pixels.
    """

    name: str
    way: str
    images: int
    objects: int
    in_pieces: int
    least_area: int
    scores: PooledScores
    whole: float
    seconds: float

    def __str__(self) -> str:
        """Return it as a line of a table."""
        ap = self.scores.pooled.ap
        mean = float(np.mean(list(ap.values())))
        return (
            f"{self.name:24} {self.way:9} {self.images:6} {self.objects:7} "
            f"{self.in_pieces:6} {self.least_area:5}  {ap['0.50']:.4f}  "
            f"{ap['0.90']:.4f}  {mean:.4f}  {self.whole:.4f}  {self.seconds:8.3f}"
        )


HEADER = (
    f"{'set':24} {'way':9} {'images':>6} {'objects':>7} {'pieces':>6} {'least':>5}  "
    f"{'AP50':6}  {'AP90':6}  {'mean':6}  {'whole':6}  {'s / Mpx':>8}"
)
"""Pieces: objects that have several; whole: AP90 of the others."""


def by_reach(labels: LabelMap, least_area: int) -> LabelMap:
    """Do it the way of new models."""
    decoding = ReachDecoding(min_size=least_area)
    return decoding.decode(decoding.draw(labels))


def by_distances(labels: LabelMap, least_area: int) -> LabelMap:
    """Do it the way of the first release."""
    decoding = DistancesDecoding(min_size=least_area)
    return decoding.decode(decoding.draw(labels))


def by_flows(labels: LabelMap, least_area: int) -> LabelMap:
    """Do it as `training.flows`; in planes alone."""
    foreground = labels > 0
    found = group(follow(flow_field(labels), foreground), foreground)
    return remove_small(without_holes(found), least_area)


WAYS: dict[str, Way] = {
    "reach": by_reach,
    "distances": by_distances,
    "flows": by_flows,
}


def try_way(name: str, way: str, maps: Sequence[LabelMap]) -> Row:
    """Draw and read the label maps of a set."""
    numbered = [compact(each)[0] for each in maps]
    areas = [np.bincount(each.ravel())[1:] for each in numbered]
    least_area = fit_least_area(np.concatenate(areas))
    torn = [torn_objects(each) for each in numbered]
    start = time.perf_counter()
    found = [WAYS[way](each, least_area) for each in numbered]
    seconds = time.perf_counter() - start
    whole = pool(list(map(_score_whole, numbered, found, torn)))
    return Row(
        name,
        way,
        images=len(maps),
        objects=sum(map(len, areas)),
        in_pieces=sum(int(each.sum()) for each in torn),
        least_area=least_area,
        scores=pool([evaluate(*pair) for pair in zip(numbered, found, strict=True)]),
        whole=whole.pooled.ap["0.90"],
        seconds=seconds / sum(each.size for each in maps) * 1e6,
    )


def torn_objects(labels: LabelMap) -> Mask:
    """Return for every id from 0 whether its object has several pieces."""
    pieces = pieces_of(labels)
    owners = np.zeros(pieces.max(initial=0) + 1, np.int32)
    owners[pieces] = labels
    return np.bincount(owners[1:], minlength=labels.max(initial=0) + 1) > 1


def _score_whole(labels: LabelMap, found: LabelMap, torn: Mask) -> Scores:
    """Score as if there were no torn objects, nor what was found of them."""
    of_torn = torn[labels]
    theirs = 2 * np.bincount(found[of_torn], minlength=found.max() + 1)
    away = theirs > np.bincount(found.ravel())
    return evaluate(np.where(of_torn, 0, labels), np.where(away[found], 0, found))


def read_sets(data: Path) -> Iterator[tuple[str, list[LabelMap]]]:
    """Read the label maps of every set, by name."""
    for folder in sorted(data.glob("*/labels")):
        name = folder.parent.name
        maps = [io.imread(path).astype(np.int32) for path in sorted(folder.iterdir())]
        if name in CLASSES:
            yield from _of_classes(name, maps)
        else:
            yield name, maps


def _of_classes(
    name: str, maps: list[LabelMap]
) -> Iterator[tuple[str, list[LabelMap]]]:
    """Make objects of the pieces of each class, and of all classes side by side."""
    together = [np.zeros_like(each) for each in maps]
    for value, word in CLASSES[name].items():
        objects = [ndi.label(each == value)[0].astype(np.int32) for each in maps]
        yield f"{name}: {word}", objects
        for both, own in zip(together, objects, strict=True):
            both[own > 0] = own[own > 0] + both.max()
    yield f"{name}: both", together


def draw_sets(number: int) -> Iterator[tuple[str, list[LabelMap]]]:
    """Draw some label maps of every kind, planes and volumes."""
    for dims, size in ((2, PLANE_SIZE), (3, VOLUME_SIZE)):
        for kind in KINDS:
            maps = [label_map(kind, seed, dims, size) for seed in range(number)]
            yield f"{kind} {dims}-D", maps


def main() -> None:
    """Parse the command line, try all, print; tell whether a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--generated", type=int, default=3, help="of each kind")
    parser.add_argument("--all", action="store_true", help="other ways too")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    sets = [draw_sets(args.generated)] + ([read_sets(args.data)] if args.data else [])
    print(HEADER)
    failed = []
    for name, maps in chain(*sets):
        for way in WAYS if args.all else ["reach"]:
            if way == "flows" and maps[0].ndim == 3:
                continue
            row = try_way(name, way, maps[:_SAMPLE] if args.all else maps)
            print(row, flush=True)
            # Most objects must hang together to be judged without the others.
            judged = way == "reach" and 2 * row.in_pieces < row.objects
            if judged and row.whole < LEAST:
                failed.append(name)
    if failed:
        print(f"AP90 of whole objects below {LEAST}: {', '.join(failed)}")
    sys.exit(int(bool(failed) and args.check))


if __name__ == "__main__":
    main()
